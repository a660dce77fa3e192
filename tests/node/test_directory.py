"""The directory: pages out of messages, names and ids that mean a content, bounds (F52, F55)."""

from collections.abc import Callable, Collection
from typing import TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.base.ids import ContentId, PeerId, content_id_text
from p2ptui.net.requests import RequestFailed
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.codec import decode, encode
from p2ptui.node import api
from p2ptui.node.directory import MAX_PAGE, MAX_REMEMBERED, Directory, find_at, no_tracker
from p2ptui.node.peer_session import PeerSession
from p2ptui.node.tracker_link import TrackerLink
from tests.support.fake_time import FakeClock, run_virtual
from tests.support.memory_net import MemoryNetwork, peer_id_of
from tests.support.scripted_tracker import ScriptedTracker
from tests.support.tracker_rig import content_of, entry

T = TypeVar("T")


class AskedTracker:
    """A tracker's link whose answers come at once; all that is said goes through the real codec."""

    def __init__(self) -> None:
        self.tracker = ScriptedTracker(MemoryNetwork(FakeClock()))
        self.asked: list[object] = []
        self.released: list[ContentId] = []
        self.failure: P2PError | None = None
        self.reached: int | None = None

    async def ask(self, make: Callable[[int], object], answer: type[T]) -> T:
        if self.failure is not None:
            raise self.failure
        asked = decode(m.FromMember, encode(make(7)))
        self.asked.append(asked)
        found = decode(m.ToMember, encode(self.tracker._answer(asked)))
        assert isinstance(found, answer)
        return found

    def release(self, content: ContentId) -> None:
        self.released.append(content)

    def places_of(self, _peer: PeerId) -> None:
        pass


class Run:
    """A directory and the tracker that it asks."""

    def __init__(self) -> None:
        self.link = AskedTracker()
        self.tracker = self.link.tracker
        self.ours: dict[ContentId, api.Ownership] = {}
        self.directory = Directory(lambda: cast("TrackerLink", self.link), self._ownerships)

    async def _ownerships(self, contents: Collection[ContentId]) -> dict[ContentId, api.Ownership]:
        return {content: self.ours[content] for content in contents if content in self.ours}

    def offer(self, *names: str, size: int = 10, owners: int = 1) -> None:
        """Contents that a search finds, each under one name."""
        self.tracker.hits += tuple(
            m.Hit(content_of(name), size, (tuple(name.split("/")),), owners, owners + 1)
            for name in names
        )


def hit(content: ContentId, *names: str) -> m.Hit:
    return m.Hit(content, 10, tuple(tuple(name.split("/")) for name in names), 2, 3)


def host(name: str, nick: str = "", address: str = "10.0.1.5") -> m.HostInfo:
    endpoint = m.Endpoint(address, 7071)
    return m.HostInfo(
        peer_id_of(name), nick or name, endpoint, 3, 12, True, True, 1.5, 1_800_000_000
    )


# --- pages ---------------------------------------------------------------------------------------


async def test_hits_are_marked_with_what_they_are_to_us() -> None:
    run = Run()
    run.offer("new", "mine", "coming")
    run.ours = {content_of("mine"): "have", content_of("coming"): "fetching"}
    page = await run.directory.search("x", api.Page())
    assert [(row.name, row.have) for row in page.rows] == [
        ("new", "new"), ("mine", "have"), ("coming", "fetching"),
    ]  # fmt: skip
    assert (page.total, page.more, page.took_ms) == (3, False, 1.5)
    assert (page.rows[0].owners, page.rows[0].known) == (1, 2)


@pytest.mark.parametrize("rows_a_message", [200, 37, 1])
async def test_f52_a_page_is_gathered_from_as_many_messages_as_it_takes(
    rows_a_message: int,
) -> None:
    run = Run()
    names = [f"song {number:04}" for number in range(450)]
    run.offer(*names)
    run.tracker.rows_a_message = rows_a_message
    page = await run.directory.search("song", api.Page(offset=30, limit=400))
    assert [row.name for row in page.rows] == names[30:430]
    last = await run.directory.search("song", api.Page(offset=440, limit=100))
    assert [row.name for row in last.rows] == names[440:]
    assert (await run.directory.search("song", api.Page(offset=9999))).rows == ()


async def test_members_and_their_lists_come_in_pages() -> None:
    run = Run()
    run.tracker.members = tuple(host(f"peer {number}") for number in range(250))
    page = await run.directory.members(api.Page(limit=250))
    assert len(page.rows) == page.total == 250
    assert page.rows[0].address == "10.0.1.5:7071"
    run.tracker.members = (host("anna"),)
    run.tracker.listing = tuple(entry(f"album/{number}") for number in range(300))
    run.tracker.rows_a_message = 100
    run.ours = {content_of("album/7"): "have"}
    listed = await run.directory.browse("anna", api.Page(limit=1000))
    assert (listed.nick, listed.total, len(listed.rows)) == ("anna", 300, 300)
    assert listed.rows[7].have == "have"
    assert listed.rows[7].name == "album/7"


@given(
    offset=st.integers(-(2**70), 2**70),
    limit=st.integers(-(2**70), 2**70),
    text=st.text(st.characters(codec=None), max_size=300),
)
def test_whatever_a_user_asks_keeps_the_bounds_of_the_protocol(
    offset: int, limit: int, text: str
) -> None:
    async def ask() -> None:
        run = Run()
        run.offer(*(f"{number}" for number in range(5)))
        run.tracker.members = (host("anna"),)
        page = api.Page(offset=offset, limit=limit, filter=text)
        for question in (
            run.directory.search(text, page),
            run.directory.members(page),
            run.directory.browse("anna", page),
            run.directory.browse(text, page),
            run.directory.sources(text),
        ):
            try:
                await question
            except P2PError as error:
                codes.add(error.exit_code)

    codes: set[ExitCode] = set()
    run_virtual(ask())
    assert codes <= {ExitCode.USAGE, ExitCode.NOT_FOUND}


async def test_a_page_has_an_upper_bound() -> None:
    run = Run()
    run.offer(*(f"{number}" for number in range(MAX_PAGE + 50)))
    page = await run.directory.search("x", api.Page(limit=10**6))
    assert len(page.rows) == MAX_PAGE


async def test_what_is_remembered_is_bounded() -> None:
    run = Run()
    for number in range(0, MAX_REMEMBERED + 2000, 1000):
        run.tracker.hits = ()
        run.offer(*(f"{number + each}" for each in range(1000)))
        await run.directory.search("x", api.Page(limit=1000))
    assert len(run.directory._seen) == MAX_REMEMBERED


# --- which content is meant --------------------------------------------------------------------


async def test_a_name_a_path_and_an_id_mean_a_content() -> None:
    run = Run()
    run.offer("Album/Song.mp3", "Album/Other.mp3")
    content = content_of("Album/Song.mp3")
    for target in ("Song.mp3", "Album/Song.mp3", "song.MP3", content_id_text(content)):
        found = await run.directory.find(target)
        assert (found.content, found.name, found.size) == (content, "Song.mp3", 10)


async def test_an_exact_name_goes_before_one_in_another_case() -> None:
    run = Run()
    run.offer("song", "Song", "SONG")
    assert (await run.directory.find("Song")).content == content_of("Song")
    with pytest.raises(P2PError, match="Several contents"):
        await run.directory.find("sOng")


async def test_any_name_of_a_content_means_it() -> None:
    run = Run()
    run.tracker.hits = (hit(content_of("x"), "best.mp3", "other.mp3"),)
    assert (await run.directory.find("other.mp3")).name == "other.mp3"


async def test_the_beginning_of_an_id_means_a_content_that_was_found() -> None:
    run = Run()
    run.offer("a", "b")
    text = content_id_text(content_of("b"))
    run.tracker.hits = run.tracker.hits[1:]
    for target in (text[4:12], text[:12]):
        assert (await run.directory.find(target)).content == content_of("b")


async def test_f52_equal_names_are_listed_with_their_ids() -> None:
    run = Run()
    run.tracker.hits = (hit(content_of("1"), "song"), hit(content_of("2"), "song"))
    with pytest.raises(P2PError) as failure:
        await run.directory.find("song")
    assert failure.value.exit_code is ExitCode.USAGE
    for number in "12":
        assert content_id_text(content_of(number))[4:12] in failure.value.message


async def test_what_nobody_has_is_not_found() -> None:
    run = Run()
    run.offer("song number one")
    with pytest.raises(P2PError) as failure:
        await run.directory.find("\x1b[2J song")
    assert failure.value.exit_code is ExitCode.NOT_FOUND
    assert "\x1b" not in failure.value.message


async def test_a_full_id_needs_no_tracker() -> None:
    run = Run()
    run.link.failure = unreachable("Not connected to the tracker")
    text = content_id_text(content_of("x"))
    found = await run.directory.find(text)
    assert (found.content, found.size) == (content_of("x"), None)
    with pytest.raises(P2PError, match="Not connected"):
        await run.directory.find("a name")


async def test_an_exact_name_is_found_behind_many_that_are_like_it() -> None:
    run = Run()
    run.offer(*(f"song {number}" for number in range(700)), "song")
    run.tracker.rows_a_message = 150
    assert (await run.directory.find("song")).content == content_of("song")


# --- members and sources -----------------------------------------------------------------------


async def test_a_member_is_meant_by_nick_id_beginning_or_address() -> None:
    run = Run()
    anna = host("anna", address="10.0.1.7")
    run.tracker.members = (anna, host("bert", nick="annabel"))
    for name in ("anna", anna.peer, anna.peer[:4], anna.peer[:9].upper(), "10.0.1.7:7071"):
        assert (await run.directory.find_member(name)).peer == anna.peer
    for name in ("", "nobody", anna.peer[:3]):
        with pytest.raises(P2PError) as failure:
            await run.directory.find_member(name)
        assert failure.value.exit_code is ExitCode.NOT_FOUND


async def test_f55_equal_nicks_are_told_apart_by_their_ids() -> None:
    run = Run()
    run.tracker.members = (host("one", nick="anna"), host("two", nick="anna"))
    with pytest.raises(P2PError, match="Several hosts") as failure:
        await run.directory.find_member("anna")
    assert peer_id_of("one")[:8] in failure.value.message
    assert (await run.directory.find_member(peer_id_of("two")[:8])).peer == peer_id_of("two")


async def test_sources_of_a_content_are_asked_for_once() -> None:
    run = Run()
    run.offer("song")
    anna = m.Source(peer_id_of("anna"), "anna", (m.Endpoint("::1", 7071),))
    run.tracker.sources[content_of("song")] = (anna,)
    found = await run.directory.sources("song")
    assert [(row.nick, row.addresses) for row in found.sources] == [("anna", ("[::1]:7071",))]
    assert (found.name, found.size, found.known) == ("song", 10, 1)
    assert run.link.released == [content_of("song")]


async def test_sources_that_cannot_be_told_are_not_watched_either() -> None:
    run = Run()
    run.offer("song")
    found = await run.directory.find("song")
    run.link.failure = unreachable("The tracker did not answer")
    with pytest.raises(P2PError):
        await run.directory.sources(content_id_text(found.content))
    assert run.link.released == [found.content]


# --- without the tracker -----------------------------------------------------------------------


class ListingPeer:
    """A peer's session that only lists."""

    nick, peer_id = "anna", peer_id_of("anna")

    def __init__(self, *names: str, failure: Exception | None = None) -> None:
        self.entries = tuple(map(entry, names))
        self.failure = failure

    async def list_files(self, text: str, offset: int, limit: int) -> m.Listing:
        if self.failure is not None:
            raise self.failure
        return m.Listing(1, self.entries, len(self.entries))


def session_of(peer: ListingPeer) -> PeerSession:
    return cast("PeerSession", peer)


async def test_one_peer_is_asked_by_name() -> None:
    peer = session_of(ListingPeer("album/Song", "album/song"))
    assert (await find_at(peer, "song")).content == content_of("album/song")
    assert (await find_at(peer, "album/SONG")).content == content_of("album/Song")
    with pytest.raises(P2PError) as failure:
        await find_at(peer, "other")
    assert failure.value.exit_code is ExitCode.NOT_FOUND


@pytest.mark.parametrize("failure", [TimeoutError(), RequestFailed("internal", "odd")])
async def test_a_peer_that_does_not_list_is_unreachable(failure: Exception) -> None:
    with pytest.raises(P2PError) as told:
        await find_at(session_of(ListingPeer(failure=failure)), "song")
    assert told.value.exit_code is ExitCode.UNREACHABLE


def test_without_a_swarm_the_way_to_one_is_told() -> None:
    none = no_tracker(api.TrackerStatus(state="none"))
    assert (none.exit_code, "join" in none.hint) == (ExitCode.USAGE, True)
    waiting = no_tracker(api.TrackerStatus(state="waiting", address="h:1", reason="down"))
    assert (waiting.exit_code, waiting.message) == (ExitCode.UNREACHABLE, "h:1: down")
