"""What a service manager is told."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2ptui.net.supervision import Supervisor
from tests.support.fake_time import virtual_time


class Manager:
    """Reads what is sent to it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)

    def told(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(1000).decode())
            except BlockingIOError:
                return found


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify"))
    yield made
    made.socket.close()


async def test_ready_and_stopping(manager: Manager) -> None:
    async with Supervisor({"NOTIFY_SOCKET": manager.path}).told():
        assert manager.told() == ["READY=1"]
    assert manager.told() == ["STOPPING=1"]


async def test_a_reload_is_told_with_its_time(manager: Manager) -> None:
    ours = Supervisor({"NOTIFY_SOCKET": manager.path})
    ours.reloading()
    ours.ready()
    first, second = manager.told()
    assert first.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert first.rpartition("=")[2].isdigit()
    assert second == "READY=1"


async def test_a_name_without_a_file() -> None:
    name = f"p2ptui-test-{os.getpid()}"
    made = Manager(f"\0{name}")
    Supervisor({"NOTIFY_SOCKET": f"@{name}"}).ready()
    assert made.told() == ["READY=1"]
    made.socket.close()


def test_signs_of_life_come_often_enough(manager: Manager) -> None:
    env = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "30000000",
           "WATCHDOG_PID": str(os.getpid())}  # fmt: skip

    @virtual_time
    async def live() -> None:
        async with Supervisor(env).told():
            manager.told()
            await asyncio.sleep(29.9)
            assert manager.told() == ["WATCHDOG=1"] * 3

    live()


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "0"},
    ],
)
def test_no_signs_of_life_unless_asked_of_us(manager: Manager, more: dict[str, str]) -> None:
    @virtual_time
    async def live() -> None:
        async with Supervisor({"NOTIFY_SOCKET": manager.path, **more}).told():
            await asyncio.sleep(100)

    live()
    assert manager.told() == ["READY=1", "STOPPING=1"]


@pytest.mark.parametrize("name", ["", "relative", "vsock:2:1"])
async def test_without_a_manager_nothing_is_told(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Supervisor({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1"}).told():
        pass
    assert caplog.text == ""


async def test_a_manager_that_is_gone_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Supervisor({"NOTIFY_SOCKET": str(tmp_path / "gone")}).told():
        pass
    assert "READY" in caplog.text
