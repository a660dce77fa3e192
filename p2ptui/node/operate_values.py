"""Values of an operator's acts, as they cross the seam between a node and its front-ends."""

from typing import Literal

from p2ptui.node.api_values import Value

OperateAct = Literal["ban", "broadcast", "invite", "kick", "message", "unban"]


class OperateRequest(Value, frozen=True, kw_only=True):
    """What an operator asks its tracker to do."""

    act: OperateAct
    target: str = ""
    """Whom it is done to: nick, id, the beginning of an id, address or network."""
    text: str = ""
    """The reason, or what is said."""
    for_s: float | None = None
    """How long it holds; None: for good, an invite a day."""
    uses: int = 1
    """Of an invite."""
