"""The network pane: what flowed in the last minute."""

from textual.app import ComposeResult

from p2ptui.base.text import format_rate
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.pane import Pane
from p2ptui.widgets.traffic_graph import TrafficGraph

TICKS = 4
"""Ticks of the screen to one sample of the graph: a second."""


class NetworkPane(Pane):
    """Two graphs and their peaks. Nothing in it takes the focus."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__("Network", id="network-pane")
        self._glyphs = glyphs
        self._graph = TrafficGraph(glyphs=glyphs)
        self._gathered: list[tuple[int, int]] = []
        self.summary = "last 60 s"

    def compose(self) -> ComposeResult:
        """The graphs."""
        yield self._graph

    def sample(self, down_bps: int, up_bps: int) -> None:
        """Take the rates of a tick."""
        self._gathered.append((down_bps, up_bps))
        if len(self._gathered) < TICKS:
            return
        downs, ups = zip(*self._gathered, strict=True)
        self._gathered.clear()
        self._graph.add(sum(downs) / TICKS, sum(ups) / TICKS)
        down, up = self._graph.peaks
        if down or up:
            glyphs = self._glyphs
            peaks = f"{glyphs.down} {format_rate(down)} {glyphs.up} {format_rate(up)}"
            self.summary = f"peaks {peaks}"
        else:
            self.summary = "last 60 s"
