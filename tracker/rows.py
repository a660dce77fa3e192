"""Rows of the console's lists, made of what the index and the members say. Pure."""

from p2ptui.base.addresses import format_address
from p2ptui.base.errors import not_found, usage_error
from p2ptui.base.ids import content_id_text, short_peer_id
from p2ptui.base.names import join_path
from p2ptui.net.wire import messages as m
from tracker import api

MAX_PAGE = 1_000


def pick_ban(bans: tuple[api.KickRow, ...], host: str) -> api.KickRow:
    """The one kicked member that a person means. Raises `P2PError` when it is none or several."""
    text = host.strip().lower()
    fitting = [row for row in bans if text and (row.nick.lower() == text or row.peer_id == text)]
    if not fitting and len(text) >= 2:
        fitting = [row for row in bans if row.peer_id.startswith(text)]
    if not fitting:
        raise not_found("Not kicked", f"nobody known as {host!r} is kicked", "See: bans.")
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
