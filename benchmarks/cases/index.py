"""T8 and T9: the tracker's index, filled with the shares of many members.

T8 searches it; T9 announces one more large share while others search. Both at the store itself:
what the network and TLS add is T10's and the other cases' affair.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from hashlib import blake2b

from benchmarks.cases.case import Findings, Wishes
from benchmarks.processes import Broken
from benchmarks.table import AtLeast, Limit
from p2ptui.base.clock import SystemClock
from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.loop import Threads
from p2ptui.net.tasks import spawn
from p2ptui.net.wire.messages import MAX_BATCH, Entry
from p2ptui.net.wire.share_digest import ShareDigest
from tracker.sqlite_store import SqliteStore
from tracker.store import Arrival, Change

ENTRIES = 1_000_000
HOSTS = 500
AT_ONCE = 8
"""Members that announce at a time while the index is filled."""
NEW_SHARE = 200_000
SEARCHES = 400
PAGE = 200
SEARCH_EVERY_S = 0.05
MAX_P95_MS = 20.0
MAX_P99_MS = 200.0
MIN_RATE = 15_000.0
WORDS = (
    "holiday", "winter", "summer", "concert", "lecture", "backup", "source", "camera", "drone",
    "album", "live", "remix", "acoustic", "part", "disc", "season", "episode", "trailer",
    "final", "draft", "report", "invoice", "manual", "atlas", "garden", "kitchen", "mountain",
    "river", "harbour", "station", "museum", "castle", "market", "bridge", "island", "forest",
    "desert", "meadow",
)  # fmt: skip
KINDS = ("flac", "mkv", "iso", "pdf", "jpg", "tar.gz", "epub", "mp3")
CLOCK = SystemClock()


async def index(wishes: Wishes, findings: Findings) -> None:
    """Fill, search, announce."""
    folder = wishes.folder / "T8"
    folder.mkdir()
    store = await SqliteStore.open(folder / "index.db", CLOCK)
    maker = Threads(1, "entries")
    try:
        began = time.perf_counter()
        await _fill(store, maker)
        rate = ENTRIES / (time.perf_counter() - began)
        wishes.tell(f"T8: {ENTRIES:,} entries of {HOSTS} members at {rate:,.0f}/s")
        times = await _search_all(store)
        findings.lines.append(
            Limit("T8", "search p95", (_quantile(times, 0.95),), MAX_P95_MS, "milliseconds")
        )
        announced_s, others = await _announce_while_others_search(store, maker)
        findings.lines += [
            AtLeast("T9", "entries announced a second", (NEW_SHARE / announced_s,), MIN_RATE),
            Limit("T9", "others' search p99", (_quantile(others, 0.99),), MAX_P99_MS,
                  "milliseconds"),
        ]  # fmt: skip
        wishes.tell(f"T9: {len(others)} searches meanwhile")
    finally:
        await store.close()
        maker.close()


async def _fill(store: SqliteStore, maker: Threads) -> None:
    room = asyncio.Semaphore(AT_ONCE)

    async def member(number: int) -> None:
        async with room:
            await _announce(store, maker, number, ENTRIES // HOSTS)

    async with asyncio.TaskGroup() as group:
        for number in range(HOSTS):
            group.create_task(member(number))


async def _announce(store: SqliteStore, maker: Threads, number: int, count: int) -> float:
    """Announce a new share; the seconds that the index took for it."""
    peer = PeerId(f"{number:032d}".translate(str.maketrans("01", "ab")))
    arrival = Arrival(
        peer=peer, nick=f"member {number}", host="10.0.0.1", port=7071, software="x",
        now=CLOCK.wall(),
    )  # fmt: skip
    await store.connect(arrival)
    share, digest = await maker(_share, number, count)
    began = time.perf_counter()
    pages = [share[at : at + MAX_BATCH] for at in range(0, len(share), MAX_BATCH)]
    for revision, page in enumerate(pages, start=1):
        applied = await store.apply(
            Change(
                peer=peer,
                base=revision - 1,
                revision=revision,
                added=page,
                removed=(),
                digest=digest if revision == len(pages) else b"",
                max_entries=ENTRIES,
            )
        )
        if applied.state != "applied":
            raise Broken(f"the index says {applied.state}")
    return time.perf_counter() - began


def _share(number: int, count: int) -> tuple[tuple[Entry, ...], bytes]:
    entries = tuple(_entries(number, count))
    return entries, bytes(ShareDigest.of(entries))


def _entries(number: int, count: int) -> Iterator[Entry]:
    """Files as people have them: some that many have, most that few have."""
    chance = random.Random(number)
    taken: set[int] = set()
    for place in range(count):
        popular = chance.random() < 0.3
        seed = chance.randrange(20_000) if popular else (number + 1) * 10_000_000 + place
        if seed in taken:  # nobody has the same file twice in one folder
            seed = (number + 1) * 10_000_000 + place
        taken.add(seed)
        own = random.Random(seed)
        words = [own.choice(WORDS) for _ in range(3)]
        name = f"{' '.join(words)} {seed:x}.{own.choice(KINDS)}"
        content = ContentId(blake2b(str(seed).encode(), digest_size=32).digest())
        size = own.randrange(1, 1 << 32)
        yield Entry((f"folder {place // 100}", name), size, content, 1_700_000_000)


def _query(chance: random.Random) -> str:
    """What people type: a word and a kind, two words, a part of a word, a file they know."""
    match chance.randrange(4):
        case 0:
            return f"{chance.choice(WORDS)} {chance.choice(KINDS)}"
        case 1:
            return " ".join(chance.sample(WORDS, 2))
        case 2:
            word = chance.choice([word for word in WORDS if len(word) > 5])
            return word[1:5]
        case _:
            return f"{chance.randrange(20_000):x}."


async def _search_all(store: SqliteStore) -> list[float]:
    chance = random.Random(8)
    return [await _search(store, chance) for _ in range(SEARCHES)]


async def _search(store: SqliteStore, chance: random.Random) -> float:
    """One search; its time in milliseconds."""
    began = time.perf_counter()
    await store.search(_query(chance), 0, PAGE)
    return (time.perf_counter() - began) * 1000


async def _announce_while_others_search(
    store: SqliteStore, maker: Threads
) -> tuple[float, list[float]]:
    times: list[float] = []

    async def others() -> None:
        chance = random.Random(9)
        while True:
            times.append(await _search(store, chance))
            await asyncio.sleep(SEARCH_EVERY_S)

    searching = spawn(others(), name="others")
    try:
        return await _announce(store, maker, HOSTS, NEW_SHARE), times
    finally:
        searching.cancel()
        await asyncio.wait({searching})


def _quantile(values: list[float], quantile: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]
