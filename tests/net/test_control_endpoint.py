"""Where the control endpoint lies, who may use it, and what nonsense does to it."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import msgspec
import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.net.control_client import ControlClient
from p2ptui.net.control_socket import Door, dial_endpoint, read_frame
from p2ptui.net.control_wire import (
    CONTROL_VERSION,
    LENGTH,
    MAX_FRAME,
    Answer,
    Greeting,
    Refusal,
    Request,
    encode_value,
    pack,
    unpack_to_client,
)
from tests.support.command_run import until
from tests.support.control_rig import Engine, connected, serving


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "node.sock"


@pytest.fixture(params=[False, True], ids=["unix", "tcp"])
def tcp(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_nobody_there(path: Path) -> None:
    assert await ControlClient.connect(path) is None
    path.parent.mkdir()
    path.write_text("no door")
    assert await ControlClient.connect(path) is None


async def test_what_a_killed_engine_left_is_replaced(path: Path, tcp: bool) -> None:
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(os.fspath(path))
    assert await ControlClient.connect(path) is None
    async with serving(path, Engine(), tcp=tcp), connected(path) as client:
        await client.call(type(None), "nothing")


async def test_the_endpoint_is_its_owners_alone(path: Path, tcp: bool) -> None:
    async with serving(path, Engine(), tcp=tcp):
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0


async def test_a_folder_that_others_can_write_to_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    with pytest.raises(P2PError) as caught:
        async with serving(path, Engine()):
            pass
    assert "chmod 700" in caught.value.message
    assert caught.value.exit_code is ExitCode.STORAGE


async def test_without_the_token_a_tcp_endpoint_says_nothing(path: Path) -> None:
    async with serving(path, Engine(), tcp=True):
        door = msgspec.json.decode(path.read_bytes(), type=Door)
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(pack(Greeting(CONTROL_VERSION, "", "wrong")))
        writer.write(pack(Request(1, "nothing", msgspec.Raw(encode_value(())))))
        assert isinstance(unpack_to_client(await read_frame(reader) or b""), Greeting)
        assert await read_frame(reader) is None
        writer.close()


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(LENGTH.pack(0), id="empty"),
        pytest.param(LENGTH.pack(2**32 - 1), id="4 GiB"),
        pytest.param(LENGTH.pack(MAX_FRAME + 1), id="limit + 1"),
        pytest.param(LENGTH.pack(4) + b"\xc1\xc1\xc1\xc1", id="no MessagePack"),
        pytest.param(LENGTH.pack(4) + b"\x93\x91\x91", id="cut short"),
        pytest.param(LENGTH.pack(3000) + b"\x91" * 3000, id="deeply nested"),
    ],
)
async def test_nonsense_ends_one_connection_only(path: Path, garbage: bytes) -> None:
    async with serving(path, Engine()), connected(path) as client:
        dialled = await dial_endpoint(path)
        assert dialled is not None
        reader, writer, _ = dialled
        await read_frame(reader)
        writer.write(pack(Greeting(CONTROL_VERSION, "")) + garbage)
        if len(garbage) < LENGTH.size + 4:
            writer.write_eof()
        assert await read_frame(reader) is None
        writer.close()
        await client.call(type(None), "nothing")


async def test_a_request_number_in_use_is_not_started_twice(path: Path) -> None:
    engine = Engine()
    async with serving(path, engine):
        dialled = await dial_endpoint(path)
        assert dialled is not None
        reader, writer, _ = dialled
        await read_frame(reader)
        writer.write(pack(Greeting(CONTROL_VERSION, "")))
        raw = msgspec.Raw(encode_value(()))
        writer.write(pack(Request(1, "hang", raw)) + pack(Request(1, "hang", raw)))
        writer.write(pack(Request(2, "nothing", raw)) + pack(Request(3, "missing", raw)))
        answers = [unpack_to_client(await read_frame(reader) or b"") for _ in range(2)]
        assert {type(answer) for answer in answers} == {Answer, Refusal}
        assert engine.hanging == 1
        writer.close()
        await until(lambda: engine.hanging == 0)


async def test_another_version_is_named(path: Path) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(pack(Greeting(CONTROL_VERSION + 1, "7.7")))
        await reader.read(1)
        writer.close()

    path.parent.mkdir()
    server = await asyncio.start_unix_server(other, os.fspath(path))
    async with server:
        with pytest.raises(P2PError, match="another version") as caught:
            await ControlClient.connect(path)
    assert "7.7" in caught.value.message


async def test_one_that_hangs_is_not_waited_for_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("p2ptui.net.control_client.GREETING_S", 0.01)
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(os.fspath(path))
        silent.listen()
        with pytest.raises(P2PError, match="does not answer"):
            await ControlClient.connect(path)
