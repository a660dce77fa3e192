"""`operate`, against a fake node."""

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.node.api import OperateRequest
from p2ptui.peer_commands import HANDLERS
from tests.support.command_run import Desk
from tests.support.fake_node import FakeNode


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("operate kick bert --why noise", OperateRequest(act="kick", target="bert", text="noise")),
        ("operate ban 10.1.0.0/16 --for 7d", OperateRequest(
            act="ban", target="10.1.0.0/16", for_s=604800)),
        ("operate ban bert --for forever", OperateRequest(act="ban", target="bert")),
        ("operate unban bert", OperateRequest(act="unban", target="bert")),
        ("operate invite --uses 3 --for 1h", OperateRequest(act="invite", for_s=3600, uses=3)),
        ("operate message bert hello you", OperateRequest(
            act="message", target="bert", text="hello you")),
        ("operate broadcast hello all", OperateRequest(act="broadcast", text="hello all")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_json", [False, True])
async def test_acts(line: str, request_: OperateRequest, as_json: bool) -> None:
    fake = FakeNode()
    desk = Desk(fake, as_json=as_json)
    await desk.run(HANDLERS, line)
    assert ("operate", request_) in fake.calls
    assert "".join(desk.out + desk.err).replace("\n", "").isprintable()
    assert not as_json or set(desk.rows[0]) <= {"link", "done"}


@pytest.mark.parametrize(
    "line",
    ["operate promote bert", "operate kick", "operate kick bert noise", "operate message bert",
     "operate broadcast", "operate invite bert", "operate invite --uses x",
     "operate ban bert --for long"],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_here(line: str) -> None:
    fake = FakeNode()
    with pytest.raises(P2PError) as caught:
        await Desk(fake).run(HANDLERS, line)
    assert caught.value.exit_code is ExitCode.USAGE
    assert not any(call[0] == "operate" for call in fake.calls)
