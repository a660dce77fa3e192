"""The statistics pane: six figures and two graphs; with the focus, all figures."""

import logging

from textual.app import ComposeResult

from p2ptui.base.errors import P2PError
from p2ptui.screens.panes.keyed import KeyedPane
from p2ptui.screens.tracker_panes.figures import all_figures, rate, six
from p2ptui.widgets.figures import Figures
from p2ptui.widgets.glyphs import UNICODE, Glyphs
from p2ptui.widgets.rate_graph import RateGraph
from tracker.api import Series, TrackerApi, TrackerStatus

SPAN_S = 300.0
"""What the width of a graph stands for."""
TICKS = 4
"""Ticks between two questions for the series: a second."""
SIX_ROWS = 3
log = logging.getLogger(__name__)


class StatisticsPane(KeyedPane):
    """How the tracker is doing."""

    TITLE = "Statistics"
    DIGIT = "4"
    DEFAULT_CSS = """
    StatisticsPane RateGraph { margin: 1 0 0 0; height: 1fr; min-height: 3; max-height: 8; }
    """

    def __init__(self, api: TrackerApi, glyphs: Glyphs = UNICODE) -> None:
        super().__init__(self.TITLE, digit=self.DIGIT, id="statistics-pane")
        self.api = api
        self._figures = Figures()
        self._searches = RateGraph("searches", "down", glyphs=glyphs)
        self._messages = RateGraph("messages", "up", glyphs=glyphs)
        self._ticks = 0
        self._status: TrackerStatus | None = None
        self._whole = False
        self.summary = f"last {SPAN_S / 60:.0f} min"

    def compose(self) -> ComposeResult:
        """Figures above the graphs."""
        yield self._figures
        yield self._searches
        yield self._messages

    def show_status(self, status: TrackerStatus, *, whole: bool) -> None:
        """Take the newest figures; `whole`: there is room for all of them."""
        if (status, whole) == (self._status, self._whole):
            return
        self._status, self._whole = status, whole
        figures = all_figures(status) if whole else six(status)
        self._figures.styles.height = (len(figures) + 1) // 2
        self._figures.show(figures)

    def tick(self) -> None:
        """Ask for the series each second."""
        self._ticks += 1
        if self._ticks % TICKS == 1:
            self.run_worker(self._bring(), group="series", exclusive=True)

    async def _bring(self) -> None:
        try:
            self._show(await self.api.series())
        except P2PError as error:
            log.warning("no series: %s", error)  # the header and the feed tell what is wrong

    def _show(self, series: Series) -> None:
        capacity = max(round(SPAN_S / series.step_s), 1) if series.step_s > 0 else 1
        uptime_s = self._status.uptime_s if self._status is not None else 0.0
        total = max(int(uptime_s / series.step_s) if series.step_s > 0 else 0, 1)
        for graph, samples in (
            (self._searches, series.searches_s),
            (self._messages, series.messages_s),
        ):
            newest = samples[-1] if samples else 0.0
            shown = samples[-capacity:]
            graph.show(rate(newest), shown, total=max(total, len(shown)), capacity=capacity)

    def focus_table(self) -> None:
        """Put the keys to the figures."""
        self.screen.set_focus(self._figures, scroll_visible=False)
