"""libtorrent, some seeds and one leecher: TCP without encryption, with its fastest settings."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.payload import NAME, Payload
from benchmarks.processes import HOST, Missing, wait_until
from benchmarks.race import TURN_S, Grounds

if TYPE_CHECKING:
    import libtorrent

SETTINGS: "libtorrent.settings_pack" = {
    "listen_interfaces": f"{HOST}:0",
    "allow_multiple_connections_per_ip": True,
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "aio_threads": 4,
    "hashing_threads": 2,
}


class Torrent:
    """A leecher that knows the seeds' addresses; all have their threads in this process."""

    name = "libtorrent, plain"

    def __init__(self, payload: Payload, folder: Path, seeds: int) -> None:
        import libtorrent

        settings: libtorrent.settings_pack = {
            **SETTINGS,
            "alert_mask": libtorrent.alert.category_t.storage_notification,
        }
        self._library = libtorrent
        made = libtorrent.create_torrent(libtorrent.list_files(str(payload.path)))
        libtorrent.set_piece_hashes(made, str(payload.path.parent))
        self._torrent = libtorrent.torrent_info(made.generate())
        self._folder = folder
        self._seeds = [libtorrent.session(settings) for _ in range(seeds)]
        self._leecher = libtorrent.session(settings)
        for seed in self._seeds:
            seed.add_torrent(self._told(payload.path.parent, complete=True))
        self._handle: libtorrent.torrent_handle | None = None

    async def take(self) -> Path:
        """Leech until all pieces are there and verified."""
        handle = self._leecher.add_torrent(self._told(self._folder, complete=False))
        self._handle = handle
        for seed in self._seeds:
            handle.connect_peer((HOST, seed.listen_port()))
        await wait_until(lambda: handle.status().is_seeding, "libtorrent", within_s=TURN_S)
        # All pieces are verified now, but the last ones may not be in the file yet.
        handle.flush_cache()
        await wait_until(self._is_flushed, "libtorrent's last writes")
        return self._folder / NAME

    async def clear(self, copy: Path) -> None:
        """Remove the torrent and its file."""
        if self._handle is not None:
            self._leecher.remove_torrent(self._handle, self._library.session.delete_files)
            await wait_until(lambda: not copy.exists(), "libtorrent's removal")

    def _is_flushed(self) -> bool:
        kind = self._library.cache_flushed_alert
        return any(isinstance(alert, kind) for alert in self._leecher.pop_alerts())

    def close(self) -> None:
        """End all sessions (blocks while they do)."""
        del self._handle, self._seeds, self._leecher

    def _told(self, folder: Path, *, complete: bool) -> "libtorrent.add_torrent_params":
        flags = self._library.torrent_flags
        told = self._library.add_torrent_params()
        told.ti = self._torrent
        told.save_path = str(folder)
        told.flags &= ~(flags.auto_managed | flags.paused)
        if complete:
            told.flags |= flags.seed_mode
        return told


@asynccontextmanager
async def open_torrent(grounds: Grounds, seeds: int = 1) -> AsyncIterator[Torrent]:
    """So many seeds and a leecher. Raises `Missing`."""
    if importlib.util.find_spec("libtorrent") is None:
        raise Missing("libtorrent is missing (PyPI: libtorrent)")
    grounds.folder.mkdir(parents=True)
    torrent = await asyncio.to_thread(Torrent, grounds.payload, grounds.folder, seeds)
    try:
        yield torrent
    finally:
        await asyncio.to_thread(torrent.close)
