"""The hash command, on files and on what is none."""

import json
import os
from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.ids import content_id_text
from p2ptui.command_line import parse_arguments
from p2ptui.commands import find_command
from p2ptui.hashing import run_hash
from p2ptui.node.manifest import Manifest, chunk_hash
from p2ptui.output import Output


def hashed(path: str, *words: str) -> list[str]:
    lines: list[str] = []
    command = find_command("hash", "peer", "cli")
    assert command is not None
    args = parse_arguments(command, [path, *words], "cli")
    out = Output(as_json=args.flag("json"), out=lines.append, err=lines.append)
    run_hash(args, out, progress=False)
    return lines


@pytest.mark.parametrize("size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1])
def test_f85_the_id_is_that_of_the_bytes(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    chunks = [data[start : start + 2**20] for start in range(0, size, 2**20)]
    expected = content_id_text(Manifest.of(size, [chunk_hash(c) for c in chunks]).content_id)
    path = os.fspath(tmp_path / "a")
    assert hashed(path) == [f"{expected}  {path}"]
    assert json.loads(hashed(path, "--json")[0]) == {
        "content_id": expected, "size": size, "path": path,
    }  # fmt: skip


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("", "fifo"):
        with pytest.raises(P2PError, match="Not a file") as caught:
            hashed(os.fspath(tmp_path / name))
        assert caught.value.exit_code is ExitCode.USAGE
    with pytest.raises(P2PError, match="No such file"):
        hashed(os.fspath(tmp_path / "nosuch"))
