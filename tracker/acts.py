"""What was done by an admin or operator: told to all consoles and written to the audit log."""

import logging

from p2ptui.base.errors import P2PError
from tracker import events
from tracker.api_values import AuditRow
from tracker.parts import Parts

CONSOLE = "console"
"""Who acts through the control endpoint: the user that the tracker runs under."""
MAX_NOTED = 500
log = logging.getLogger(__name__)


class Acts:
    """Every act goes through here when it is done."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def note(
        self, by: str, act: str, target: str, *, detail: str = "", why: str = ""
    ) -> None:
        """Note an act. It is done already: that the log cannot be written is told, not raised."""
        parts = self._parts
        row = AuditRow(
            time=parts.clock.wall(),
            by=by,
            act=act,
            target=target[:MAX_NOTED],
            detail=detail[:MAX_NOTED],
            why=why[:MAX_NOTED],
        )
        parts.bus.publish(
            events.Acted(
                time=row.time,
                by=row.by,
                act=row.act,
                target=row.target,
                detail=row.detail,
                why=row.why,
            )
        )
        try:
            await parts.offload(parts.audit.write, row)
        except P2PError as error:
            log.exception("not in the audit log: %s", row)
            parts.bus.publish(
                events.TrackerNotice(time=row.time, level="error", text=str(error), hint=error.hint)
            )
