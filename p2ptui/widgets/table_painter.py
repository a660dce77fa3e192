"""The painter of a table: rows and header as strips. Knows styles and glyphs, no widget."""

from collections.abc import Callable, Sequence
from typing import Literal

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip
from textual.style import Style

from p2ptui.base.text import cell_width
from p2ptui.widgets.columns import GAP, Column, Placed, place_columns
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.strips import cell_segments, fit
from p2ptui.widgets.table_rows import Cell, RowData, Tone, Toned

EDGE = 1
"""Cells at the left of each row, for the edge of the selected one and for marks."""
MARGIN = 1

Ground = Literal["row", "cursor", "cursor-blurred"]
StyleOf = Callable[[str], Style]
"""What a component class adds to the style below it; see-through colours are blended here."""


def signed_title(title: str, sign: str, width: int) -> str:
    """A title with its sign; in a narrow column the title gives way, never the sign."""
    if cell_width(title) + 2 <= width:
        return f"{title} {sign}"
    return fit(title, width - 1, right=False).rstrip() + sign if width > 0 else ""


class TablePainter:
    """Paints for one set of columns and one theme."""

    def __init__(self, columns: Sequence[Column], glyphs: Glyphs, style_of: StyleOf) -> None:
        self.columns = tuple(columns)
        self.glyphs = glyphs
        self._style_of = style_of
        self._styles: dict[tuple[Tone, Ground, bool], RichStyle] = {}
        self._placed: tuple[Placed, ...] = ()
        self._placed_for = -1

    def forget_styles(self) -> None:
        """The theme changed."""
        self._styles.clear()

    def place(self, width: int) -> tuple[Placed, ...]:
        """The columns that a table of this width shows, counted from behind the edge."""
        if self._placed_for != width:
            self._placed = place_columns(self.columns, width - EDGE - MARGIN)
            self._placed_for = width
        return self._placed

    def header(self, width: int, sort: tuple[str, bool]) -> Strip:
        """The titles, with the sign of the sorted column."""
        style = self.style("normal", "row", header=True)
        key, reverse = sort
        sign = self.glyphs.descending if reverse else self.glyphs.ascending
        segments = [Segment(" " * EDGE, style)]
        for number, place in enumerate(self.place(width)):
            column = place.column
            title = column.title
            if column.key == key:
                title = signed_title(title, sign, place.width)
            if number:
                segments.append(Segment(" " * GAP, style))
            segments.append(Segment(fit(title, place.width, right=column.align == "right"), style))
        return Strip(segments).adjust_cell_length(width, style)

    def sentence(self, text: str, width: int) -> Strip:
        """A dim line where rows would be."""
        shown = " " * EDGE + fit(text, width - EDGE, right=False, ellipsis=self.glyphs.ellipsis)
        return Strip([Segment(shown, self.style("dim", "row"))], width)

    def blank(self, width: int) -> Strip:
        """A line without a row."""
        return Strip.blank(width, self.style("normal", "row"))

    def row(self, row: RowData, width: int, *, ground: Ground, marked: bool) -> Strip:
        """One row."""

        def styles(tone: Tone) -> RichStyle:
            return self.style(tone, ground)

        plain = styles("normal")
        segments = [self._edge(ground, marked=marked)]
        for number, place in enumerate(self.place(width)):
            cell = row.cells[self.columns.index(place.column)]
            if number:
                segments.append(Segment(" " * GAP, plain))
            elif row.depth or row.expander or row.beside:
                cell = self._indented(row, cell)
            segments += cell_segments(
                cell,
                place.width,
                right=place.column.align == "right",
                tone=row.tone,
                styles=styles,
                glyphs=self.glyphs,
            )
        return Strip(segments).adjust_cell_length(width, plain)

    def style(self, tone: Tone, ground: Ground, *, header: bool = False) -> RichStyle:
        """The style of a tone on the ground of a row."""
        known = self._styles.get((tone, ground, header))
        if known is None:
            style = self._style_of("table--row")
            if header:
                style += self._style_of("table--header")
            if ground != "row":
                style += self._style_of(f"table--{ground}")
            if tone != "normal":
                style += self._style_of(f"table--{tone}")
            known = self._styles[tone, ground, header] = style.rich_style
        return known

    def _edge(self, ground: Ground, *, marked: bool) -> Segment:
        if marked:
            return Segment(self.glyphs.mark, self.style("accent", ground))
        if ground == "cursor":
            return Segment(self.glyphs.edge, self.style("accent", ground))
        return Segment(" " * EDGE, self.style("normal", ground))

    def _indented(self, row: RowData, cell: Cell) -> Cell:
        sign = {"": " ", "open": self.glyphs.opened, "closed": self.glyphs.closed}[row.expander]
        prefix = f"{'  ' * row.depth}{sign} "
        match cell:
            case str():
                return prefix + cell
            case Toned():
                return Toned(prefix + cell.text, cell.tone)
            case _:
                return cell
