"""Keys of every table, with ids so that they can be remapped."""

from textual.binding import Binding, BindingType

TABLE_BINDINGS: list[BindingType] = [
    Binding("down,j", "move(1)", "Down", show=False, id="table.down"),
    Binding("up,k", "move(-1)", "Up", show=False, id="table.up"),
    Binding("pagedown", "page(1)", "Page down", show=False, id="table.page-down"),
    Binding("pageup", "page(-1)", "Page up", show=False, id="table.page-up"),
    Binding("home", "first", "First row", show=False, id="table.first"),
    Binding("end", "last", "Last row", show=False, id="table.last"),
    Binding("left,less_than_sign", "fold(False)", "Close", show=False, id="table.close"),
    Binding("right,greater_than_sign", "fold(True)", "Open", show=False, id="table.open"),
    Binding("enter", "select", "Open", show=False, id="table.select"),
    Binding("space", "mark", "Mark", show=False, id="table.mark"),
    Binding("A", "mark_all", "Mark all", show=False, id="table.mark-all"),
    Binding("i", "invert_marks", "Invert marks", show=False, id="table.invert-marks"),
]
