"""The tracker server on real sockets, with members that hold real certificates."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from p2ptui.base.clock import SystemClock
from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.links import parse_join_target
from p2ptui.base.paths import TrackerHome
from p2ptui.base.settings import Settings, TrackerSettings
from p2ptui.net.credentials import Credentials
from p2ptui.net.joining import join_swarm
from p2ptui.net.kicks import KickBook
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.listener import Listener
from p2ptui.net.requests import Requests
from p2ptui.net.tasks import TaskSet
from p2ptui.net.tls_network import TlsNetwork
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.share_digest import ShareDigest
from tests.support.tracker_rig import entry
from tracker import api, events
from tracker.opening import open_tracker
from tracker.server import TrackerServer

M = TypeVar("M")
CLOCK = SystemClock()
SONG = entry("Music/Größe song.flac", size=12345)


class TlsMember:
    """A scripted member on real sockets."""

    listening: Listener
    link: Link
    welcome: m.Welcome

    def __init__(self, folder: Path, name: str, tasks: TaskSet) -> None:
        self.name = name
        self.credentials = Credentials.open(folder / name)
        self.peer = self.credentials.peer_id
        self.files: tuple[m.Entry, ...] = ()
        self.pushed: asyncio.Queue[object] = asyncio.Queue()
        self.ended: asyncio.Future[LinkClosed] = asyncio.get_running_loop().create_future()
        self._folder = folder
        self._tasks = tasks

    async def connect(self, link: str) -> "TlsMember":
        membership = await join_swarm(
            self.credentials, parse_join_target(link), nick=self.name, trust="", clock=CLOCK
        )
        kicks = KickBook.open(membership.ca, self._folder / f"{self.name}.kicks")
        self.network = TlsNetwork(self.credentials, membership, kicks, CLOCK)
        self.listening = await self.network.listen("127.0.0.1", 0, self._answer_peer)
        self.link = await self.network.dial_tracker(*membership.hosts[0])
        self.requests = Requests(self.link)
        self.link.post(
            m.Hello(0, (), "test", self.name, self.listening.endpoint.port, (), int(time.time()),
                    0, 0, bytes(16))
        )  # fmt: skip
        welcome = await self.link.receive()
        assert isinstance(welcome, m.Welcome)
        self.welcome = welcome
        self._tasks.spawn(self._receive(), name=self.name)
        return self

    async def ask(self, make: Callable[[int], object], expect: type[M]) -> M:
        return await self.requests.ask(make, 10, expect)

    async def announce(self, *files: m.Entry) -> int:
        self.files = files
        digest = bytes(ShareDigest.of(files))
        accepted = await self.ask(
            lambda number: m.Announce(number, 0, 1, files, (), digest), m.Accepted
        )
        return accepted.revision

    async def push(self, kind: type[M]) -> M:
        async with asyncio.timeout(10):
            while True:
                message = await self.pushed.get()
                if isinstance(message, kind):
                    return message

    async def close(self) -> None:
        await self.link.close()
        await self.listening.close()

    async def _answer_peer(self, link: Link) -> None:
        await link.receive()

    async def _receive(self) -> None:
        try:
            while True:
                message = await self.link.receive()
                if isinstance(message, m.ListFiles):
                    page = self.files[message.offset : message.offset + message.limit]
                    self.link.post(m.Listing(message.id, page, len(self.files)))
                elif not self.requests.answer(message):
                    self.pushed.put_nowait(message)
        except LinkClosed as end:
            self.requests.fail_all(end)
            self.ended.set_result(end)


class Rig:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = TrackerHome.under(folder / "tracker")
        self.tasks = TaskSet()
        self.members: list[TlsMember] = []
        self.told: list[events.FeedItem] = []
        self.server: TrackerServer

    async def start(self, **options: bool) -> None:
        settings = Settings(tracker=TrackerSettings(listen="127.0.0.1:0", name="lan"))
        self.server = open_tracker(self.home, settings, CLOCK, **options)
        self.following = self.tasks.spawn(self._follow(), name="feed")
        await asyncio.sleep(0)
        await self.server.start()

    async def member(self, name: str) -> TlsMember:
        link = (await self.server.status()).link
        member = TlsMember(self.folder, name, self.tasks)
        self.members.append(member)
        return await member.connect(link)

    async def close(self) -> None:
        await self.server.close()
        for member in self.members:
            if hasattr(member, "link"):
                await member.close()
        await self.tasks.wait()

    async def until_told(self, kind: type[M]) -> M:
        async with asyncio.timeout(10):
            while True:
                for item in self.told:
                    if isinstance(item, kind):
                        return item
                await asyncio.sleep(0.01)

    async def _follow(self) -> None:
        async for item in self.server.feed(("status",), 0.2):
            self.told.append(item)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path)
    await made.start()
    yield made
    await made.close()


async def test_a_session_over_tls(rig: Rig) -> None:
    anna, bert = await rig.member("anna"), await rig.member("bert")
    assert (anna.welcome.swarm, anna.welcome.observed) == ("lan", "127.0.0.1")
    assert await anna.announce(SONG) == 1
    hits = await bert.ask(lambda number: m.Search(number, "größe FLAC"), m.Hits)
    assert [(hit.content, hit.owners) for hit in hits.hits] == [(SONG.content, 1)]
    sources = await bert.ask(lambda number: m.Locate(number, SONG.content), m.Sources)
    endpoint = m.Endpoint("127.0.0.1", anna.listening.endpoint.port)
    assert [source.endpoints for source in sources.sources] == [(endpoint,)]
    renewed = await bert.ask(lambda number: m.Renew(number, bert.network.csr()), m.Renewed)
    await bert.network.replace_leaf(renewed.certificate)
    assert isinstance(await bert.ask(m.Ping, m.Pong), m.Pong)
    joined = [item for item in rig.told if isinstance(item, events.MemberJoined)]
    assert [(event.nick, event.invited) for event in joined] == [("anna", False), ("bert", False)]


async def test_the_console_discovers_and_pings_hosts(rig: Rig) -> None:
    anna, _ = await rig.member("anna"), await rig.member("bert")
    await anna.announce(*(entry(f"file {number:03d}") for number in range(450)))
    anna.files = anna.files[:430]  # the host's own word counts, not the index
    for name in (
        "anna",
        "ANNA",
        anna.peer,
        anna.peer[:9],
        f"127.0.0.1:{anna.listening.endpoint.port}",
    ):
        (row,) = await rig.server.ping(name)
        assert row.nick == "anna"
        assert row.ping_ms is not None
    page = await rig.server.discover(api.DiscoverRequest(host="anna", page=api.Page(limit=1000)))
    assert (page.live, page.total, len(page.rows)) == (True, 430, 430)
    assert page.rows[429].name == "file 429"
    assert {row.nick for row in await rig.server.ping("all")} == {"anna", "bert"}
    hosts = await rig.server.hosts(api.Page(sort="-files"))
    assert [(row.nick, row.files, row.online) for row in hosts.rows] == [
        ("anna", 450, True), ("bert", 0, True),
    ]  # fmt: skip
    await anna.close()
    await rig.until_told(events.HostLeft)
    page = await rig.server.discover(api.DiscoverRequest(host="anna"))
    assert (page.live, page.total, len(page.rows)) == (False, 450, 200)
    (row,) = await rig.server.ping("anna")
    assert (row.ping_ms, row.reason) == (None, "offline")


async def test_hosts_that_cannot_be_told_apart_or_found_are_errors_with_a_hint(rig: Rig) -> None:
    one, _ = await rig.member("anna"), await rig.member("bert")
    with pytest.raises(P2PError) as missing:
        await rig.server.ping("carl")
    assert missing.value.exit_code is ExitCode.NOT_FOUND
    with pytest.raises(P2PError, match="several") as several:
        await rig.server.ping("127.0.0.1")
    assert one.peer[:8] in several.value.message
    assert several.value.exit_code is ExitCode.USAGE


async def test_f70_a_kicked_member_is_out_at_once_and_everybody_knows(rig: Rig) -> None:
    anna, bert = await rig.member("anna"), await rig.member("bert")
    await anna.announce(SONG)
    await bert.ask(lambda number: m.Locate(number, SONG.content), m.Sources)
    row = await rig.server.kick(api.KickRequest(host="anna", why="spam"))
    assert (row.peer_id, row.until) == (anna.peer, None)
    end = await anna.ended
    assert (end.code, end.text) == ("kicked", "spam")
    assert [kick.peer for kick in (await bert.push(m.KickList)).kicks] == [anna.peer]
    assert (await bert.push(m.SourceLeft)).peer == anna.peer
    assert (await rig.server.search("song", api.Page())).rows == ()
    assert [(ban.nick, ban.why) for ban in await rig.server.bans()] == [("anna", "spam")]
    with pytest.raises(P2PError, match="banned for good: spam"):
        await rig.member("anna")
    with pytest.raises(P2PError, match="nobody known"):
        await rig.server.unban("bert")
    await rig.server.unban("anna")
    assert (await rig.server.bans()) == ()
    back = await rig.member("anna")
    assert back.welcome.revision == 0


async def test_an_invite_is_a_link_that_admits(rig: Rig) -> None:
    invite = await rig.server.invite(1, 60.0)
    target = parse_join_target(invite.link)
    assert (target.pin, len(target.invite)) == ((await rig.server.status()).pin, 16)
    member = TlsMember(rig.folder, "guest", rig.tasks)
    rig.members.append(member)
    await member.connect(invite.link)
    assert (await rig.until_told(events.MemberJoined)).invited


async def test_events_and_status_reach_a_console_until_the_end(rig: Rig) -> None:
    anna = await rig.member("anna")
    await anna.announce(SONG)
    published = await rig.until_told(events.HostPublished)
    assert (published.nick, published.bytes) == ("anna", 12345)
    listening = await rig.until_told(events.Listening)
    status = await rig.server.status()
    assert listening.link == status.link
    assert listening.fingerprint == status.pin
    assert (status.hosts, status.listen) == (1, listening.address)
    await rig.server.stop()
    await rig.server.wait_stopped()
    await rig.server.close()
    await rig.following
    assert isinstance(rig.told[-1], events.Stopped)
    assert (await anna.ended).code == "stopping"
    kinds = [type(item) for item in rig.told if not isinstance(item, events.Section)]
    assert kinds[0] is events.Listening
    assert kinds[-2] is events.HostLeft
    with pytest.raises(P2PError, match="not running"):
        await rig.server.status()


async def test_f71_a_damaged_index_is_told_and_members_refill_it(rig: Rig) -> None:
    anna = await rig.member("anna")
    await anna.announce(SONG)
    pin = (await rig.server.status()).pin
    await rig.server.close()
    await anna.close()
    rig.home.database.write_bytes(b"damaged" * 1000)
    rig.told.clear()
    await rig.start()
    notice = await rig.until_told(events.TrackerNotice)
    assert (notice.level, "new one was begun" in notice.text) == ("error", True)
    assert (await rig.server.status()).pin == pin  # the authority was not touched
    rig.members.clear()
    again = await rig.member("anna")
    assert again.welcome.revision == 0
    await again.announce(SONG)
    assert len((await rig.server.search("song", api.Page())).rows) == 1


async def test_a_damaged_history_is_told_and_a_new_one_begun(rig: Rig) -> None:
    await rig.server.close()
    rig.home.history.write_bytes(b"damaged" * 1000)
    rig.told.clear()
    await rig.start()
    notice = await rig.until_told(events.TrackerNotice)
    assert (notice.level, "The history could not be used" in notice.text) == ("error", True)
    assert (await rig.server.history(api.Page())).rows == ()


async def test_f72_a_lost_key_with_members_in_the_index_is_never_a_silent_new_swarm(
    rig: Rig,
) -> None:
    await rig.member("anna")
    pin = (await rig.server.status()).pin
    await rig.close()
    for file in rig.home.authority.iterdir():
        file.unlink()
    rig.members.clear()
    with pytest.raises(P2PError, match="key is missing") as stop:
        await rig.start()
    assert stop.value.exit_code is ExitCode.SECURITY
    await rig.tasks.cancel_all()
    await rig.start(new_swarm=True)
    assert (await rig.server.status()).pin != pin


async def test_a_port_in_use_leaves_nothing_open(rig: Rig, tmp_path: Path) -> None:
    settings = Settings(tracker=TrackerSettings(listen=(await rig.server.status()).listen))
    other = open_tracker(TrackerHome.under(tmp_path / "other"), settings, CLOCK)
    with pytest.raises(P2PError, match="in use"):
        await other.start()
    await other.close()
