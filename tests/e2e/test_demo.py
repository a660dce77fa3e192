"""The demo: plays to its end, tells every step, leaves nothing behind however it ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import PROGRAM, homes_in_use

STEPS = [
    "tracker", "invite", "join", "share", "publish", "search", "fetch", "verify", "sources",
    "trouble", "fetch", "fetch", "remove", "discover", "ping", "stop",
]  # fmt: skip


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """An empty working folder, and an empty one for temporary files."""
    working, temporary = tmp_path / "working", tmp_path / "temporary"
    working.mkdir()
    temporary.mkdir()
    return working, temporary


def start(folders: tuple[Path, Path], *words: str, **more: str) -> "subprocess.Popen[str]":
    working, temporary = folders
    env = {**os.environ, "TMPDIR": str(temporary), "HOME": str(working), "LC_ALL": "C.UTF-8"}
    return subprocess.Popen(
        [*PROGRAM, "demo", *words],
        cwd=working,
        env={**env, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_nothing_is_left(folders: tuple[Path, Path]) -> None:
    working, temporary = folders
    assert homes_in_use(temporary) == []
    assert [*working.iterdir(), *temporary.iterdir()] == []


def test_the_demo_tells_every_step_and_exits_0(folders: tuple[Path, Path]) -> None:
    # Without being told to be headless: its stdout is no terminal. Settings of the user's own do
    # not reach its processes.
    demo = start(folders, P2PTUI_PEER_NICK="somebody", P2PTUI_HOME="/nowhere/at/all")
    out, err = demo.communicate(timeout=100)
    assert demo.returncode == 0, out + err
    *steps, last = out.splitlines()
    assert [line.partition(" ")[0] for line in steps] == STEPS
    assert len({len(line) for line in steps}) == 1, "the times stand in one column"
    assert all(len(line) <= 80 for line in steps)
    assert last.startswith("All is right: 16 steps in ")
    assert "somebody" not in out
    assert_nothing_is_left(folders)


@pytest.mark.parametrize(
    ("number", "step"), [(signal.SIGINT, "publish"), (signal.SIGTERM, "invite")]
)
def test_f98_a_signal_ends_the_demo_and_all_that_it_started(
    folders: tuple[Path, Path], number: signal.Signals, step: str
) -> None:
    demo = start(folders, "--headless", "--json")
    assert demo.stdout is not None
    for line in demo.stdout:
        told = json.loads(line)
        assert {"seconds", "text"} <= told.keys()
        if told["step"] == step:
            break
    assert demo.poll() is None
    if sys.platform == "linux":
        assert homes_in_use(folders[1]) != []
    demo.send_signal(number)
    _, err = demo.communicate(timeout=20)
    assert demo.returncode == 130, err
    assert "Traceback" not in err
    assert_nothing_is_left(folders)


def test_a_step_that_fails_ends_the_demo_with_1_and_says_which(folders: tuple[Path, Path]) -> None:
    # The large file does not get as large as it must.
    program = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000_000,) * 2)"
    program += "; from p2ptui.cli import main; import sys; sys.exit(main(['demo']))"
    working, temporary = folders
    demo = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=working,
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert demo.returncode == 1
    assert [line.partition(" ")[0] for line in demo.stdout.splitlines()] == STEPS[:4]
    assert "The demo's step 'publish' failed" in demo.stderr
    assert "File too large" in demo.stderr
    assert "Traceback" not in demo.stderr
    assert_nothing_is_left(folders)
