"""curl from nginx over TLS 1.3: a plain download that verifies no content and syncs nothing."""

import getpass
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.payload import NAME
from benchmarks.processes import (
    HOST,
    finished,
    free_port,
    require_program,
    running,
    wait_for_port,
)
from benchmarks.race import Grounds
from benchmarks.rivals.certificate import write_certificate

CIPHER = "TLS_AES_128_GCM_SHA256"
"""The one that p2ptui takes, and the fastest where AES is in hardware."""


@dataclass(frozen=True, slots=True)
class Curl:
    """A curl process for each turn."""

    program: str
    url: str
    certificate: Path
    folder: Path
    name: str = "curl from nginx, TLS"

    async def take(self) -> Path:
        """Download to a file."""
        copy = self.folder / NAME
        command = [self.program, "--silent", "--show-error", "--fail", "--noproxy", "*"]
        command += ["--tlsv1.3", "--tls13-ciphers", CIPHER, "--cacert", str(self.certificate)]
        await finished([*command, "--output", str(copy), self.url], self.folder / "curl.log")
        return copy

    async def clear(self, copy: Path) -> None:
        """Delete the file."""
        copy.unlink()


@asynccontextmanager
async def open_curl(grounds: Grounds) -> AsyncIterator[Curl]:
    """A server with one worker, and a curl. Raises `Missing`."""
    curl = require_program("curl", debian="curl")
    folder = grounds.folder
    folder.mkdir(parents=True)
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    write_certificate(certificate, key)
    root = grounds.payload.path.parent
    async with serving(folder / "nginx", root, certificate, key) as port:
        yield Curl(curl, f"https://{HOST}:{port}/{NAME}", certificate, folder)


@asynccontextmanager
async def serving(folder: Path, root: Path, certificate: Path, key: Path) -> AsyncIterator[int]:
    """A server with one worker over TLS 1.3; its port. `folder`: a new one. Raises `Missing`."""
    nginx = require_program("nginx", debian="nginx-light")
    folder.mkdir()
    port = free_port()
    settings = folder / "nginx.conf"
    settings.write_text(_settings(folder, port, root, certificate, key), encoding="utf-8")
    command = [nginx, "-p", str(folder), "-c", str(settings), "-e", "stderr"]
    async with running(command, folder / "nginx.log"):
        await wait_for_port(port, "nginx")
        yield port


def _settings(folder: Path, port: int, root: Path, certificate: Path, key: Path) -> str:
    # Root's workers would become nobody, who may not look into our folder.
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "\n".join(f'{kind}_temp_path "{folder / kind}";' for kind in kinds)
    return f"""
daemon off; worker_processes 1; pid "{folder / "pid"}"; error_log stderr error; {user}
events {{ worker_connections 64; }}
http {{
    {places}
    access_log off; sendfile on; tcp_nopush on;
    server {{
        listen {HOST}:{port} ssl; root "{root}";
        ssl_certificate "{certificate}"; ssl_certificate_key "{key}"; ssl_protocols TLSv1.3;
    }}
}}
"""
