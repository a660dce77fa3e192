"""Acts of an operator on its swarm: asked of the tracker, which decides and writes them down."""

from p2ptui.base.errors import usage_error
from p2ptui.net.wire import messages as m
from p2ptui.node.operate_values import OperateRequest
from p2ptui.node.tracker_link import TrackerLink

MAX_TARGET = 255
MAX_TEXT = 1_000
MAX_USES = 100_000


async def operate(tracker: TrackerLink, request: OperateRequest) -> str:
    """Have the tracker do something; what it did, or the invite's link. Raises `P2PError`."""
    if len(request.target) > MAX_TARGET or len(request.text) > MAX_TEXT:
        raise usage_error("Too long", f"a text has at most {MAX_TEXT} characters")
    if not 1 <= request.uses <= MAX_USES:
        raise usage_error("Not a number of uses", str(request.uses))
    if request.for_s is not None and not request.for_s > 0:
        raise usage_error("Not a time", f"{request.for_s:g} s")
    answer = await tracker.ask(
        lambda number: m.Operate(
            number, request.act, request.target, request.text, request.for_s or 0, request.uses
        ),
        m.Operated,
    )
    return answer.text
