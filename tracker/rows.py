"""Rows of the console's lists, made of what the index and the members say. Pure."""

from p2ptui.base.addresses import format_address
from p2ptui.base.errors import not_found, usage_error
from p2ptui.base.ids import (
    CONTENT_ID_PREFIX,
    SHORT_LENGTH,
    ContentId,
    PeerId,
    content_id_bounds,
    content_id_text,
    parse_content_id,
    short_peer_id,
)
from p2ptui.base.names import join_path
from p2ptui.net.wire import messages as m
from tracker import api
from tracker.networks import parse_network
from tracker.standings import Standing

MAX_PAGE = 1_000


def pick_ban(bans: tuple[api.KickRow, ...], host: str) -> api.KickRow:
    """The one kicked member that a person means. Raises `P2PError` when it is none or several."""
    text = host.strip().lower()
    network = parse_network(text)
    if network is not None:
        fitting = [row for row in bans if row.network == str(network)]
    else:
        fitting = [row for row in bans if text and text in {row.nick.lower(), row.peer_id}]
    if not fitting and len(text) >= 2:
        fitting = [row for row in bans if row.peer_id.startswith(text)]
    if not fitting:
        raise not_found("Not kicked", f"nobody known as {host!r} is out", "See: bans.")
    if len(fitting) > 1:
        ids = ", ".join(short_peer_id(row.peer_id) for row in fitting)
        raise usage_error("Which host?", f"{host!r} fits several: {ids}", "Name it by its id.")
    return fitting[0]


def page_bounds(page: api.Page) -> tuple[int, int]:
    """Offset and limit of a page, within what is allowed."""
    return max(0, page.offset), max(1, min(page.limit, MAX_PAGE))


def host_address(host: str, port: int) -> str:
    """`host:port`; empty for a host that does not listen."""
    return format_address(host, port) if port else ""


def who(nick: str, peer: PeerId) -> str:
    """A member as it stands in the audit log: `anna (yuq23opp)`."""
    return f"{nick} ({short_peer_id(peer)})" if nick else peer


def row_text(row: api.KickRow) -> str:
    """Whom a ban is about."""
    return row.network or who(row.nick, row.peer_id)


def change_text(before: Standing, after: Standing) -> str:
    """What changed in a member's standing."""
    parts = [f"role {after.role}"] if after.role != before.role else []
    for name, old, new in (
        ("searches/s", before.searches_s, after.searches_s),
        ("files", before.max_entries, after.max_entries),
        ("connections", before.connections, after.connections),
    ):
        if new != old:
            parts.append(f"{name} as all others" if new is None else f"{name} at most {new:g}")
    return ", ".join(parts)


def content_bounds(text: str) -> tuple[ContentId, ContentId]:
    """The lowest and highest content id that a text may mean. Raises a usage error.

    The prefix may be left out from 8 characters on, which is what tables show.
    """
    whole = parse_content_id(text)
    bounds = (whole, whole) if whole is not None else content_id_bounds(text)
    if bounds is None and len(text.strip()) >= SHORT_LENGTH:
        bounds = content_id_bounds(CONTENT_ID_PREFIX + text.strip())
    if bounds is None:
        raise usage_error(
            "Not a content id",
            repr(text),
            "Write the 8 characters that `search` shows, or b3c1 and at least 4 of them.",
        )
    return bounds


def file_row(entry: m.Entry) -> api.HostFile:
    """An entry of a host's list."""
    return api.HostFile(
        name=join_path(entry.path),
        size=entry.size,
        content_id=content_id_text(entry.content),
        changed=float(entry.mtime),
    )


def hit_row(hit: m.Hit) -> api.HitRow:
    """A content that a search found."""
    names = tuple(join_path(path) for path in hit.names)
    return api.HitRow(
        content_id=content_id_text(hit.content),
        name=names[0],
        names=names,
        size=hit.size,
        owners=hit.owners,
        known=hit.known,
    )
