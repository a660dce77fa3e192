"""How a connection to the tracker ended, and what its refusals mean to a person. Pure."""

from dataclasses import dataclass

from p2ptui.base.errors import ExitCode, P2PError, not_found
from p2ptui.net.kicks import FOREVER
from p2ptui.net.link import LinkClosed
from p2ptui.net.refusals import ban_text, explain_end
from p2ptui.net.requests import RequestFailed

BAN_CHECK_S = 120.0
MAX_BAN_CHECK_S = 1800.0


@dataclass(frozen=True, slots=True)
class End:
    """How a connection, or the attempt at one, ended."""

    reason: str
    was_up: bool
    final: bool = False
    in_use_twice: bool = False
    until: int = 0
    """When we may come back (seconds since 1970), of a ban for a time."""

    @classmethod
    def of_link(cls, closed: LinkClosed, now: float, *, was_up: bool) -> "End":
        """The tracker ended the connection; `now` in seconds since 1970."""
        if closed.code == "kicked":
            text = ban_text(closed.text, closed.until, now)
            return cls(text, was_up, final=closed.until == FOREVER, until=closed.until)
        if closed.code == "replaced":
            return cls(
                "this identity is in use twice: another node has its key", was_up, in_use_twice=True
            )
        if closed.code == "aborted" and not closed.theirs:  # by our heartbeat
            return cls("the tracker does not answer any more", was_up)
        return cls(closed.text or str(closed.code), was_up)

    @classmethod
    def of_refusal(cls, closed: LinkClosed, now: float, address: str) -> "End":
        """The tracker ended the connection before it welcomed us."""
        if closed.code in {"kicked", "replaced"}:
            return cls.of_link(closed, now, was_up=False)
        error = explain_end(closed, "the tracker", address)
        return cls(str(error), was_up=False, final=error.exit_code is ExitCode.SECURITY)


class Banned:
    """How long one who is out for a time waits until it asks whether it may come back.

    A ban may be lifted early, and a refusal costs the tracker little: it is asked every few
    minutes, and of a long ban ever less often.
    """

    def __init__(self) -> None:
        self._next_s = BAN_CHECK_S

    def wait_s(self, left_s: float) -> float:
        """Seconds to the next try of a ban that has `left_s` to go; 0 when there is none."""
        if left_s <= 0:
            self._next_s = BAN_CHECK_S
            return 0.0
        wait_s = min(left_s, self._next_s)
        self._next_s = min(self._next_s * 2, MAX_BAN_CHECK_S)
        return wait_s


def refusal(failure: RequestFailed) -> P2PError:
    """A request of ours that the tracker refused, as an error."""
    if failure.code in {"not_found", "offline"}:
        return not_found("Not found", failure.text)
    if failure.code in {"busy", "limit"}:
        return P2PError("The tracker asks to wait", failure.text, "Try again in a moment.")
    return P2PError("The tracker refused", failure.text or failure.code)
