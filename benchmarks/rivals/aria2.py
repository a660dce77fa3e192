"""aria2c from several nginx servers over TLS: it verifies no content."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.payload import NAME
from benchmarks.processes import HOST, finished, require_program
from benchmarks.race import Grounds
from benchmarks.rivals.certificate import write_certificate
from benchmarks.rivals.nginx import serving


@dataclass(frozen=True, slots=True)
class Aria:
    """An aria2c process for each turn, with a connection to each server."""

    program: str
    urls: tuple[str, ...]
    certificate: Path
    folder: Path
    name: str = "aria2c from nginx, TLS"

    async def take(self) -> Path:
        """Download to a file, in pieces from all servers."""
        command = [self.program, "--no-conf=true", "--quiet=true", "--file-allocation=none"]
        command += [f"--split={len(self.urls)}", "--max-connection-per-server=1"]
        command += ["--min-split-size=1M", "--all-proxy=", f"--ca-certificate={self.certificate}"]
        command += [f"--dir={self.folder}", f"--out={NAME}", *self.urls]
        await finished(command, self.folder / "aria2c.log")
        return self.folder / NAME

    async def clear(self, copy: Path) -> None:
        """Delete the file."""
        copy.unlink()


@asynccontextmanager
async def open_aria(grounds: Grounds, servers: int) -> AsyncIterator[Aria]:
    """So many servers with one worker each, and an aria2c. Raises `Missing`."""
    program = require_program("aria2c", debian="aria2")
    folder = grounds.folder
    folder.mkdir(parents=True)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    write_certificate(certificate, key)
    root = grounds.payload.path.parent
    async with AsyncExitStack() as stack:
        ports = [
            await stack.enter_async_context(
                serving(folder / f"nginx{number}", root, certificate, key)
            )
            for number in range(servers)
        ]
        urls = tuple(f"https://{HOST}:{port}/{NAME}" for port in ports)
        yield Aria(program, urls, certificate, folder)
