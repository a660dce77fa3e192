"""Past sources: what the sources of downloads that run no more have been, in memory alone."""

from p2ptui.base.ids import TransferId
from p2ptui.node.api import SourceRow

MAX_REMEMBERED = 200


class PastSources:
    """The sources of the downloads that ended last."""

    def __init__(self) -> None:
        self._rows: dict[TransferId, tuple[SourceRow, ...]] = {}

    def keep(self, transfer_id: TransferId, sources: tuple[SourceRow, ...]) -> None:
        """A run of this download is over; these were its sources."""
        self._rows.pop(transfer_id, None)
        self._rows[transfer_id] = sources
        if len(self._rows) > MAX_REMEMBERED:
            del self._rows[next(iter(self._rows))]

    def of(self, transfer_id: TransferId) -> tuple[SourceRow, ...]:
        """The sources that it had when it ran last."""
        return self._rows.get(transfer_id, ())
