"""Which parts of the peer's screen are seen: all side by side, or one pane at a time. Pure."""

from p2ptui.screens.keys import PANES, PaneName

WIDE_COLUMNS = 100
WIDE_ROWS = 30
"""Below either there is one pane at a time, and a strip of tabs."""


def is_narrow(columns: int, rows: int) -> bool:
    """Whether there is room for one pane only."""
    return columns < WIDE_COLUMNS or rows < WIDE_ROWS


def seen_parts(active: str, *, narrow: bool, hosts: bool) -> dict[str, bool]:
    """Selectors of all parts, and whether each is seen. `hosts`: in the place of the search."""
    hidden: PaneName = "search" if hosts else "hosts"
    panes = {f"#{name}-pane": name == active if narrow else name != hidden for name in PANES}
    return {
        **panes,
        "#network-pane": not narrow,
        "#left": not narrow or active == "library",
        "#right": not narrow or active in {"search", "hosts", "transfers"},
        "#body": not narrow or active != "log",
        "TabStrip": narrow,
    }
