"""The first moment of a session with a peer: it may be asked before its task has had a turn."""

import asyncio

from p2ptui.net.loop import Inline
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.peer_session import PeerSession
from p2ptui.node.upload_desk import UploadDesk
from p2ptui.node.uploads import UploadLedger
from tests.support.contents import make_bytes, make_manifest
from tests.support.conversation import greeted_pair
from tests.support.eventually import eventually
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.memory_net import peer_id_of
from tests.support.offers import MemoryOffers

BERT = peer_id_of("bert")
MANIFEST = make_manifest(make_bytes(1000, seed=1))


@virtual_time
async def test_an_answer_that_comes_before_the_session_runs_is_no_fault_of_the_peer() -> None:
    clock = FakeClock()
    ours, theirs = await greeted_pair(clock)
    desk = UploadDesk(
        ours, peer=BERT, nick="bert", offers=MemoryOffers(), ledger=UploadLedger(clock),
        offload=Inline(),
    )  # fmt: skip
    session = PeerSession(ours, BERT, "bert", desk)
    asking = spawn(session.manifest(MANIFEST.content_id), name="manifest")
    asked = await theirs.receive()
    assert isinstance(asked, m.GetManifest)
    await theirs.send(m.Manifest(asked.id, MANIFEST.size, len(MANIFEST.hashes)))
    await theirs.send_data(asked.id, 0, MANIFEST.hashes)
    # Its payload is here, and still nobody receives the messages.
    await eventually(lambda: any(ask.hashes for ask in session._asks.values()))
    run = spawn(session.run(lambda _kicks: None), name="session")
    async with asyncio.timeout(60):
        assert await asking == MANIFEST
    assert not ours.closed
    ours.abort()
    await asyncio.wait({run})
