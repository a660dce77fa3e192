"""One example of every message in every direction, and one way to feed bytes to a protocol.

A new message is one new row here; `test_messages` holds the table against the unions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from p2ptui.base.ids import ContentId, PeerId
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.codec import encode
from p2ptui.net.wire.frames import control_frame
from p2ptui.net.wire.protocol import Role, State, WireProtocol

PEER = PeerId("yuq23opp" * 4)
CONTENT = ContentId(bytes(range(32)))
ENDPOINT = m.Endpoint("192.168.1.7", 7071)
ENTRY = m.Entry(("music", "Sirénes.flac"), 2**40, CONTENT, -1)
HIT = m.Hit(CONTENT, 12, (("a", "b.txt"), ("c.txt",)), 3, 5)
SOURCE = m.Source(PEER, "anna", (ENDPOINT,))
FETCHED = m.Fetched(CONTENT, ("b.txt",), 12, 1.5, 1_800_000_000, (m.Giver(PEER, 12),))
HOST = m.HostInfo(PEER, "anna", ENDPOINT, 3, 12, True, None, 1.5, 1_800_000_000)

PEER_HELLO = m.PeerHello(0, ("relay",), "p2ptui 0.1", "anna", 1_800_000_000, 3)
HELLO = m.Hello(0, (), "p2ptui 0.1", "anna", 7071, ("10.0.0.2",), 1_800_000_000, 0, 7, bytes(16))
WELCOME = m.Welcome(0, (), "p2ptui 0.1", "home", 1_800_000_000, "10.0.0.2", 7, 15, 10**6, "hi")
CHALLENGE = m.Challenge(b"ca", bytes(32), "home", True, 1_800_000_000)
JOIN = m.Join(b"csr", "anna", bytes(32))

BOTH_WAYS = (m.Ping(1), m.Pong(1), m.Failure(1, "busy", "later", 3), m.Goodbye("done", "bye"))
KICKS = m.KickList(4, (m.Kick(PEER, 0, "spam"),), b"signature")
LISTING = m.Listing(1, (ENTRY,), 1)
LIST_FILES = m.ListFiles(1, "x", 0, 10)

RECEIVED: dict[Role, tuple[object, ...]] = {
    Role.TRACKER_STRANGER: (JOIN, m.Goodbye("done")),
    Role.STRANGER: (CHALLENGE, m.Joined(b"leaf"), m.Failure(0, "denied"), m.Goodbye("refused")),
    Role.TRACKER_MEMBER: (
        HELLO,
        m.Announce(1, 0, 1, (ENTRY,), (("old.txt",),), bytes(16)),
        m.Search(1, "sirénes", 0, 200),
        m.Locate(1, CONTENT),
        m.Unlocate(CONTENT),
        m.Offering((CONTENT,)),
        m.CountOwners(1, (CONTENT, CONTENT)),
        m.Browse(1, PEER, "x", 200, 200),
        m.Members(1, "anna"),
        m.Renew(1, b"csr"),
        m.CallBack(1, PEER),
        m.AskRelay(1, PEER),
        m.Operate(1, "kick", "bert", "noise", 60.0),
        m.Report(1, (FETCHED, FETCHED)),
        m.ClaimFailed(CONTENT, PEER),
        m.Checked(1, True),
        LISTING,
        *BOTH_WAYS,
    ),
    Role.MEMBER: (
        WELCOME,
        m.Accepted(1, 7),
        m.Hits(1, (HIT,), 1, False, 1500),
        m.Sources(1, CONTENT, (SOURCE,), 1),
        m.OwnerCounts(1, (3, 0)),
        m.SourceJoined(CONTENT, SOURCE),
        m.SourceLeft(CONTENT, PEER),
        LISTING,
        m.MemberPage(1, (HOST,), 1),
        m.Renewed(1, b"leaf"),
        m.Operated(1, "bert is out"),
        LIST_FILES,
        m.Reachability("10.0.0.2", (ENDPOINT,)),
        m.Calling(1),
        m.Dial(PEER, (ENDPOINT,)),
        m.RelayTicket(1, bytes(16)),
        m.RelayDial(PEER, bytes(16)),
        m.Noted(1),
        m.Check(1, CONTENT),
        m.Notice("warning", "full"),
        KICKS,
        *BOTH_WAYS,
    ),
    Role.PEER: (
        PEER_HELLO,
        m.GetManifest(1, CONTENT),
        m.Manifest(1, 2**40, 64),
        m.GetChunk(1, CONTENT, 65535),
        m.Cancel(1),
        m.Interest(1, CONTENT),
        m.Have(1, False, b"\xf0"),
        m.HaveMore(CONTENT, (1, 2, 65535)),
        m.GetContents(1, (CONTENT, CONTENT), 2**23),
        m.Contents(1, (0, None, 2**23)),
        LIST_FILES,
        LISTING,
        KICKS,
        *BOTH_WAYS,
    ),
}
"""What each role receives; the greeting stands first."""

OTHER_SIDE = {
    Role.TRACKER_STRANGER: Role.STRANGER,
    Role.STRANGER: Role.TRACKER_STRANGER,
    Role.TRACKER_MEMBER: Role.MEMBER,
    Role.MEMBER: Role.TRACKER_MEMBER,
    Role.PEER: Role.PEER,
}


def frame(message: object) -> bytes:
    """The bytes of a message on the wire."""
    return control_frame(encode(message))


@dataclass
class Heap:
    """A sink that keeps each payload in a buffer of its own."""

    payloads: dict[tuple[int, int], bytearray]

    def place(self, request_id: int, offset: int, length: int) -> memoryview:
        self.payloads[request_id, offset] = bytearray(length)
        return memoryview(self.payloads[request_id, offset])


def feed(wire: WireProtocol, data: bytes, step: int | None = None) -> Iterator[object]:
    """Give bytes to a protocol, `step` at a time, as a transport would; its events."""
    given = 0
    while given < len(data):
        buffer = wire.get_buffer()
        assert len(buffer) > 0
        count = min(len(buffer), len(data) - given, step or len(data))
        buffer[:count] = data[given : given + count]
        wire.received(count)
        given += count
        while (event := wire.next_event()) is not None:
            yield event


def greeted(role: Role) -> WireProtocol:
    """A protocol to which the other side has said its greeting."""
    wire = WireProtocol(role)
    assert list(feed(wire, frame(RECEIVED[role][0]))) == [RECEIVED[role][0]]
    assert wire.state is State.OPEN
    return wire
