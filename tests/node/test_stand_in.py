"""Questions that members in reach answer while the tracker is away (F112)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from p2ptui.base.errors import ExitCode, P2PError, unreachable
from p2ptui.base.ids import ContentId, Pin, content_id_bounds, content_id_text
from p2ptui.net.tasks import spawn
from p2ptui.net.wire import messages as m
from p2ptui.node.acquaintances import MAX_KEPT, MAX_PLACES, Acquaintances
from p2ptui.node.api import Ownership, Page
from p2ptui.node.circle import MOST, PAUSE_S, REACH_S, Circle
from p2ptui.node.directory import Directory
from p2ptui.node.empty_folders import FOLDER
from p2ptui.node.peer_session import PeerSession
from p2ptui.node.questions import GATHER_S, MAX_LIST_MESSAGES, gather
from p2ptui.node.stand_in import FRESH_S, LIST_S, MAX_PAGES, StandIn
from p2ptui.node.store import NodeStore
from tests.support.fake_time import FakeClock, virtual_time
from tests.support.members import Member, kick_list, network_of
from tests.support.memory_net import MemoryNetwork, peer_id_of
from tests.support.offers import MemoryOffers
from tests.support.tracker_rig import content_of, entry

PIN = Pin("p" * 32)


class ListedOffers(MemoryOffers):
    """A list that is searched by words and by content id, as a library is."""

    def __init__(self, *entries: m.Entry) -> None:
        super().__init__()
        self.entries = entries
        self.one_a_page = False
        """Tell one entry at a time, and that there are many more."""
        self.pause_s = 0.0

    async def list_files(
        self, text: str, offset: int, limit: int
    ) -> tuple[tuple[m.Entry, ...], int]:
        self.asked_lists.append((text, offset, limit))
        bounds = content_id_bounds(text)
        found = tuple(each for each in self.entries if _fits(each, text, bounds))
        await asyncio.sleep(self.pause_s)
        if self.one_a_page:
            return found[:1], 10**6
        return found[offset : offset + limit], len(found)


def _fits(each: m.Entry, text: str, bounds: tuple[ContentId, ContentId] | None) -> bool:
    if bounds is not None:
        return bounds[0] <= each.content <= bounds[1]
    return all(word in "/".join(each.path) for word in text.split())


class Away:
    """A node whose tracker is away, and the members that it knows."""

    def __init__(self, network: MemoryNetwork, store: NodeStore | None) -> None:
        self.network = network
        self.clock = cast("FakeClock", network.clock)
        self.me = Member(network, "me")
        self.known = Acquaintances(cast("NodeStore", store), PIN, self.me.id, network.clock)
        self.known.is_out = self.me.peers.is_out
        self.near: list[m.Source] = []
        self.circle = Circle(self.me.peers, self.known, lambda: self.near, network.clock)
        self.circle.settled.set()
        self.own: tuple[m.Entry, ...] = ()
        self.stand_in = StandIn(
            self.circle, self.known, self._own, self.me.id, network.clock, why=lambda: "refused"
        )
        self.directory = Directory(lambda: self.stand_in, self._ownerships)
        self.members: list[Member] = []

    async def member(self, name: str, *entries: m.Entry) -> Member:
        """A member that was met before and shares these."""
        member = Member(self.network, name, offers=ListedOffers(*entries))
        self.members.append(member)
        self.known.met(member.id, name, await member.listen())
        return member

    async def _own(self, _text: str, _offset: int, _limit: int) -> tuple[tuple[m.Entry, ...], int]:
        return self.own, len(self.own)

    async def _ownerships(self, contents: Collection[ContentId]) -> dict[ContentId, Ownership]:
        return dict.fromkeys(contents, "new")


@asynccontextmanager
async def away(folder: Path | None) -> AsyncIterator[Away]:
    """Without a folder nothing can be kept: on a clock that is not the threads'."""
    store = await NodeStore.open(folder / "node.db") if folder else None
    run = Away(network_of(), store)
    try:
        yield run
    finally:
        for member in (*run.members, run.me):
            await member.close()
        if store is not None:
            await store.close()


def offers_of(member: Member) -> ListedOffers:
    offers = member.peers._offers
    assert isinstance(offers, ListedOffers)
    return offers


def asked(member: Member) -> list[tuple[str, int, int]]:
    return offers_of(member).asked_lists


async def test_a_search_is_answered_by_the_members_in_reach_and_says_of_how_many(
    tmp_path: Path,
) -> None:
    async with away(tmp_path) as run:
        await run.member("anna", entry("jazz/one.flac"), entry("two.flac"))
        await run.member("bert", m.Entry(("uno.flac",), 10, content_of("jazz/one.flac"), 0))
        run.own = (entry("two.flac"),)
        page = await run.directory.search("flac", Page())
        assert page.reached == 2
        assert (page.total, page.more) == (2, False)
        assert [set(row.names) for row in page.rows] == [
            {"two.flac"}, {"jazz/one.flac", "uno.flac"},
        ]  # fmt: skip
        assert [row.owners for row in page.rows] == [2, 2], "we are an owner, too"
        assert page.rows[0].best == "anna"


async def test_a_long_answer_is_paged_from_one_round_and_bounded(tmp_path: Path) -> None:
    async with away(tmp_path) as run:
        number = m.MAX_PAGE * (MAX_PAGES + 1)
        anna = await run.member("anna", *(entry(f"{index:05}") for index in range(number)))
        page = await run.directory.search("", Page(limit=450))
        assert (len(page.rows), page.total, page.more) == (450, m.MAX_PAGE * MAX_PAGES, True)
        assert len(asked(anna)) == MAX_PAGES
        run.clock.advance(FRESH_S)
        await run.directory.search("", Page(limit=1))
        assert len(asked(anna)) == 2 * MAX_PAGES


async def test_names_and_ids_mean_what_a_member_in_reach_has(tmp_path: Path) -> None:
    async with away(tmp_path) as run:
        anna = await run.member("anna", entry("jazz/one.flac"))
        await run.member("bert")
        text = content_id_text(content_of("jazz/one.flac"))
        for name in ("one.flac", text, text[:12], text[4:12]):
            target = await run.directory.find(name)
            assert (target.content, target.name) == (content_of("jazz/one.flac"), "one.flac")
        found = await run.directory.sources("one.flac")
        assert [(row.nick, row.path) for row in found.sources] == [("anna", "")]
        assert found.sources[0].addresses == (f"{anna.listening.endpoint.host}:7071",)
        assert found.reached == 2
        with pytest.raises(P2PError, match="none of the 2 members in reach") as caught:
            await run.directory.find("else")
        assert caught.value.exit_code is ExitCode.NOT_FOUND


async def test_a_member_is_browsed_without_its_empty_folders(tmp_path: Path) -> None:
    async with away(tmp_path) as run:
        empty = m.Entry(("void",), 0, FOLDER, 0)
        await run.member("anna", entry("a"), entry("b"), empty)
        page = await run.directory.browse("anna", Page())
        assert ([row.name for row in page.rows], page.total, page.reached) == (["a", "b"], 2, 1)
        assert (await run.directory.search("", Page())).total == 2


@virtual_time
async def test_one_that_tells_its_list_bit_by_bit_holds_up_nobody() -> None:
    async with away(None) as run:
        anna = await run.member("anna", entry("a"))
        member = await run.directory.find_member("anna")
        offers = offers_of(anna)
        offers.one_a_page = True
        offers.asked_lists.clear()
        loop = asyncio.get_running_loop()

        async def browse() -> int:
            def ask(offset: int, limit: int) -> Awaitable[m.Listing]:
                return run.stand_in.ask(
                    lambda number: m.Browse(number, member.peer, "", offset, limit), m.Listing
                )

            rows, last = await gather(ask, lambda page: page.entries, 0, 1000, MAX_LIST_MESSAGES)
            assert last.total == 10**6
            return len(rows)

        assert await browse() == len(asked(anna)) == MAX_LIST_MESSAGES
        run.clock.advance(FRESH_S)
        page = await run.directory.browse("anna", Page(limit=1000))
        assert len(page.rows) == MAX_LIST_MESSAGES
        offers.pause_s = LIST_S - 1
        began = loop.time()
        assert await browse() <= 1 + GATHER_S / offers.pause_s
        assert loop.time() - began <= GATHER_S + LIST_S
        offers.pause_s = 2 * LIST_S
        with pytest.raises(P2PError, match="did not answer"):
            await browse()


@virtual_time
async def test_equal_questions_share_a_round_and_it_is_forgotten_soon() -> None:
    async with away(None) as run:
        anna = await run.member("anna", entry("a"))
        offers_of(anna).pause_s = 1.0
        searching = [spawn(run.directory.search("a", Page()), name="search") for _ in range(10)]
        await asyncio.sleep(0.5)
        searching.pop(0).cancel()
        pages = await asyncio.gather(*searching)
        assert [page.total for page in pages] == [1] * 9
        assert len(asked(anna)) == 1
        assert run.stand_in._last is not None
        await asyncio.sleep(FRESH_S + 0.1)
        assert run.stand_in._last is None
        waiting = spawn(run.directory.search("b", Page()), name="search")
        await asyncio.sleep(0.5)
        await run.stand_in.close()
        with pytest.raises(P2PError, match="no member can be reached"):
            await waiting


async def test_equal_questions_that_nobody_answers_are_tried_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with away(None) as run:
        tried = 0

        async def reach() -> tuple[PeerSession, ...]:
            nonlocal tried
            tried += 1
            await asyncio.sleep(0)
            raise unreachable("nobody")

        monkeypatch.setattr(run.circle, "reach", reach)
        searching = (run.directory.search("a", Page()) for _ in range(10))
        found = await asyncio.gather(*searching, return_exceptions=True)
        assert all(isinstance(each, P2PError) for each in found)
        assert tried == 1


async def test_where_a_member_is_takes_no_round() -> None:
    async with away(None) as run:
        anna = await run.member("anna", entry("a"))
        for number in range(MOST + 1):
            run.known.met(peer_id_of(str(number)), "", m.Endpoint("10.0.0.1", number + 1))
        assert await run.directory.endpoints(anna.id) == (anna.listening.endpoint,)
        assert await run.directory.endpoints(peer_id_of("nobody")) == ()
        assert not asked(anna)


async def test_f70_whoever_is_kicked_takes_no_place_in_the_circle() -> None:
    async with away(None) as run:
        kicked = [peer_id_of(f"kicked {number}") for number in range(MAX_KEPT - 1)]
        place = m.Endpoint("10.0.0.1", 1)
        anna = await run.member("anna", entry("a"))
        for peer in kicked:
            run.known.met(peer, "bad", place)
        assert len(run.circle.sources) == MOST
        run.near += [m.Source(peer, "", (place,)) for peer in kicked]
        run.me.kicks.take(kick_list(1, *kicked))
        assert [source.peer for source in run.circle.sources] == [anna.id]
        assert [each.peer for each in run.known.all] == [anna.id]
        assert run.circle.places_of(kicked[0]) == ()
        run.known.met(kicked[0], "bad", place)
        for number in range(2):
            run.known.met(peer_id_of(f"new {number}"), "", place)
        assert {each.nick for each in run.known.all} == {"anna", ""}, "not she makes place"
        run.me.kicks.take(kick_list(2))
        assert len(run.known.all) == MAX_KEPT, "a kick that is lifted leaves nothing behind"


async def test_members_are_those_in_reach_and_those_met_before(tmp_path: Path) -> None:
    async with away(tmp_path) as run:
        await run.member("anna", entry("a"), entry("b"))
        run.known.met(peer_id_of("gone"), "gone", m.Endpoint("10.0.9.9", 7071))
        page = await run.directory.members(Page())
        assert [(row.nick, row.online, row.files) for row in page.rows] == [
            ("anna", True, 2), ("gone", False, 0),
        ]  # fmt: skip
        assert page.rows[0].bytes == entry("a").size * 2
        assert page.reached == 1
        assert [row.nick for row in (await run.directory.members(Page(filter="GO"))).rows] == [
            "gone"
        ]
        with pytest.raises(P2PError) as caught:
            await run.directory.browse("gone", Page())
        assert caught.value.exit_code is ExitCode.UNREACHABLE


@pytest.mark.parametrize("known", [0, 1, 2])
async def test_that_nobody_is_in_reach_is_told_with_the_cure(tmp_path: Path, known: int) -> None:
    async with away(tmp_path) as run:
        for number in range(known):
            name = f"gone {number}"
            run.known.met(peer_id_of(name), name, m.Endpoint(f"10.0.9.{number}", 7071))
        with pytest.raises(P2PError, match="no member can be reached") as caught:
            await run.directory.search("x", Page())
        assert caught.value.exit_code is ExitCode.UNREACHABLE
        assert caught.value.message.startswith("refused; ")
        assert "status" in caught.value.hint


@virtual_time
async def test_one_that_does_not_answer_is_left_alone_for_a_while() -> None:
    async with away(None) as run:
        await run.member("anna", entry("a"))
        await run.member("silent")
        run.network.cut("silent")
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert len(await run.circle.reach()) == 1
        assert loop.time() - began <= REACH_S + 1
        began = loop.time()
        assert len(await run.circle.reach()) == 1
        assert loop.time() - began < 0.1
        bert = await run.member("bert")
        run.circle._paused[bert.id] = run.network.clock.monotonic() + PAUSE_S
        assert len(await run.circle.reach()) == 1
        run.near.append(bert.source())
        assert len(await run.circle.reach()) == 2, "one that is near is asked at once"


async def test_nobody_is_asked_before_the_local_network_had_its_time(tmp_path: Path) -> None:
    async with away(tmp_path) as run:
        run.circle.settled.clear()
        assert run.circle.size is None
        asking = asyncio.get_running_loop().create_task(run.circle.reach())
        await asyncio.sleep(0)
        anna = Member(run.network, "anna", offers=ListedOffers())
        await anna.listen()
        run.members.append(anna)
        run.near.append(anna.source())
        run.circle.settled.set()
        assert [session.nick for session in await asking] == ["anna"]
        assert run.circle.size == 1


async def test_whoever_crowds_the_local_network_keeps_nobody_away_who_was_met() -> None:
    async with away(None) as run:
        met, place = peer_id_of("met"), m.Endpoint("10.0.0.1", 1)
        run.known.met(met, "met", place)
        false = tuple(m.Endpoint("10.6.6.6", port) for port in range(1, m.MAX_ENDPOINTS + 1))
        run.near += [m.Source(peer_id_of(f"crowd{n}"), "", false) for n in range(2 * MOST)]
        sources = {source.peer: source.endpoints for source in run.circle.sources}
        assert len(sources) == MOST
        assert sources[met] == (place,)
        run.near[:0] = [m.Source(met, "", false)]
        sources = {source.peer: source.endpoints for source in run.circle.sources}
        assert place in sources[met]


async def test_acquaintances_survive_a_restart_and_are_bounded(tmp_path: Path) -> None:
    async with away(tmp_path) as run:
        store = run.known._store
        for number in range(MAX_KEPT + 5):
            run.known.met(peer_id_of(str(number)), str(number), m.Endpoint("10.0.0.1", number + 1))
        last = peer_id_of(str(MAX_KEPT))
        for port in range(1, MAX_PLACES + 3):
            run.known.met(last, "last", m.Endpoint("10.0.0.2", port))
        run.known.met(run.me.id, "me", m.Endpoint("10.0.0.3", 1))
        await run.known.save()
        again = Acquaintances(store, PIN, run.me.id, run.network.clock)
        await again.load()
        assert again.all == run.known.all
        assert len(again.all) == MAX_KEPT
        assert again.all[0].nick == "last"
        assert again.all[0].endpoints[0] == m.Endpoint("10.0.0.2", MAX_PLACES + 2)
        assert len(again.all[0].endpoints) == MAX_PLACES
        assert len(run.circle.sources) == MOST
        other = Acquaintances(store, Pin("q" * 32), run.me.id, run.network.clock)
        await other.load()
        assert other.all == ()


async def test_damaged_acquaintances_are_forgotten(tmp_path: Path) -> None:
    async with away(tmp_path) as run:
        await run.known._store.set_setting(run.known._key, b"\xc1 no message pack")
        await run.known.load()
        assert run.known.all == ()


async def test_whom_the_tracker_names_is_remembered_if_it_can_be_dialled(tmp_path: Path) -> None:
    def host(name: str, *, online: bool = True, reachable: bool | None = True) -> m.HostInfo:
        return m.HostInfo(
            peer_id_of(name), name, m.Endpoint("10.0.0.9", 7071), 3, 9, online, reachable, 1.0, 0
        )

    async with away(tmp_path) as run:
        run.known.heard_of(
            (
                host("yes"),
                host("untried", reachable=None),
                host("closed", reachable=False),
                host("off", online=False),
            )
        )
        assert {(each.nick, each.files, each.bytes) for each in run.known.all} == {
            ("yes", 3, 9), ("untried", 3, 9),
        }  # fmt: skip


async def test_only_the_tracker_can_do_the_rest(tmp_path: Path) -> None:
    async with away(tmp_path) as run:
        with pytest.raises(P2PError, match="The tracker is away"):
            await run.stand_in.ask(lambda number: m.Renew(number, b""), m.Renewed)
        run.stand_in.release(content_of("a"))
