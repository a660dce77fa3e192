"""ncdc, a Direct Connect client for the terminal, through a uhub; transfers over TLS.

It is made for people: commands and keys are typed, and what it has done is seen in its files.
"""

import bz2
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.payload import NAME
from benchmarks.processes import (
    HOST,
    Broken,
    free_port,
    require_program,
    running,
    wait_for_port,
    wait_until,
)
from benchmarks.race import TURN_S, Grounds
from benchmarks.rivals.terminal import Terminal, at_terminal

SHARE = "files"
HASH_S = 300.0
BROWSE_TRIES = 50
_THIRD_TAB = "\x1b3"
_DOWNLOAD = "d"


@dataclass(frozen=True, slots=True)
class Ncdc:
    """A client that browses the seed's list, the cursor on the share."""

    terminal: Terminal
    folder: Path
    name: str = "ncdc"

    async def take(self) -> Path:
        """Press the key that downloads; ncdc moves the file to its place once it is verified."""
        copy = self.folder / "dl" / SHARE / NAME
        await self.terminal.type(_DOWNLOAD)
        await wait_until(copy.exists, "ncdc's download", within_s=TURN_S)
        return copy

    async def clear(self, copy: Path) -> None:
        """Delete the file."""
        copy.unlink()


@asynccontextmanager
async def open_ncdc(grounds: Grounds) -> AsyncIterator[Ncdc]:
    """A hub, a seed that shares the payload, and a taker. Raises `Missing`."""
    ncdc = require_program("ncdc", debian="ncdc")
    uhub = require_program("uhub", debian="uhub")
    hub, seed, taker = (grounds.folder / name for name in ("hub", "seed", "taker"))
    for folder in (hub, seed, taker):
        folder.mkdir(parents=True)
    await _hash(ncdc, seed, grounds.payload.path.parent)
    port = free_port()
    users, settings = hub / "users.conf", hub / "uhub.conf"
    users.write_text("# nobody is known\n", encoding="utf-8")
    settings.write_text(
        f"server_bind_addr={HOST}\nserver_port={port}\ntls_enable=no\nfile_acl={users}\n",
        encoding="utf-8",
    )
    async with running([uhub, "-c", str(settings)], hub / "uhub.log"):
        await wait_for_port(port, "uhub")
        async with _client(ncdc, seed, "seed") as source, _client(ncdc, taker, "taker") as sink:
            await source.enter(
                f"/set active_ip {HOST}", f"/set active_port {free_port()}", "/set active true"
            )
            await source.enter(f"/open hub adc://{HOST}:{port}/")
            await sink.enter(f"/open hub adc://{HOST}:{port}/")
            await _see("seed", taker, sink)
            await sink.type(_THIRD_TAB)
            yield Ncdc(sink, taker)


@asynccontextmanager
async def _client(program: str, folder: Path, nick: str) -> AsyncIterator[Terminal]:
    command = [program, "--no-bracketed-paste", "-c", str(folder)]
    async with at_terminal(command, folder / "output") as terminal:
        await wait_until((folder / "logs" / "main.log").exists, "ncdc")
        await terminal.enter(f"/set nick {nick}", f"/set local_address {HOST}")
        yield terminal


async def _hash(program: str, folder: Path, share: Path) -> None:
    """Hash the payload once; ncdc's list has it for certain when ncdc is started again."""
    async with _client(program, folder, "seed") as seed:
        await seed.enter(f'/share "{SHARE}" {share}')
        said = folder / "stderr.log"
        await wait_until(
            lambda: b"Completed hashing" in said.read_bytes(), "ncdc's hashing", within_s=HASH_S
        )
    if NAME.encode() not in bz2.decompress((folder / "files.xml.bz2").read_bytes()):
        raise Broken("ncdc wrote a list without the payload")


async def _see(nick: str, folder: Path, terminal: Terminal) -> None:
    """Get the list of another member, and ask again as long as the hub does not name it yet."""

    def is_here() -> bool:
        return any((folder / "fl").glob("*.xml.bz2"))

    for _ in range(BROWSE_TRIES):
        await terminal.enter(f"/browse {nick}")
        if is_here():
            return
    await wait_until(is_here, "the list of ncdc's seed")
