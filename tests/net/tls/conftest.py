"""Everything here talks over real sockets and TLS, once on asyncio's loop and once on uvloop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.support.tls_swarm import TlsSwarm


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def swarm(tmp_path: Path) -> AsyncIterator[TlsSwarm]:
    swarm = await TlsSwarm.start(tmp_path / "one")
    yield swarm
    await swarm.close()


@pytest.fixture
async def other_swarm(tmp_path: Path) -> AsyncIterator[TlsSwarm]:
    swarm = await TlsSwarm.start(tmp_path / "other")
    yield swarm
    await swarm.close()
