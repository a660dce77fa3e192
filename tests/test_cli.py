"""The command line as scripts meet it: real processes, exit codes, streams, speed of help."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from p2ptui.cli import main

WAIT_S = 60


def p2ptui(home: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "p2ptui", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "P2PTUI_HOME": os.fspath(home / "home"), **env},
    )


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"], ["tracker", "help"]])
def test_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    written = capsys.readouterr()
    assert "discover" in written.out
    assert written.err == ""


@pytest.mark.parametrize(
    "words",
    [["fetch", "--help"], ["help", "fetch"], ["peer", "--help"], ["tracker", "kick", "-h"],
     ["tracker", "--help"], ["help", "demo"], ["demo", "-h"]],
)  # fmt: skip
def test_help_for_one(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("usage: p2ptui ")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("p2ptui 0.")


def test_t12_help_loads_nothing_that_takes_time() -> None:
    program = "import sys; from p2ptui.cli import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    slow = {"asyncio", "ssl", "sqlite3", "cryptography", "textual", "rich", "prompt_toolkit"}
    assert not loaded & slow


@pytest.mark.parametrize(
    "words",
    [["nonsense"], ["tracker", "nonsense"], ["fetch"], ["peer", "extra"], ["peer", "--nick"],
     ["help", "nonsense"], ["limit", "up"], ["tracker", "kick"]],
)  # fmt: skip
def test_usage_errors(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("P2PTUI_HOME", os.fspath(tmp_path))
    assert main(words) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith("p2ptui: ")
    assert len(written.err.splitlines()) <= 3
    assert main([*words, "--json"]) == 2
    error = json.loads(capsys.readouterr().err)
    assert error["exit_code"] == 2
    assert error["hint"]


def test_f117_a_broken_settings_file_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "settings.toml").write_text('[peer]\nnik = "x"\n')
    for words in (["status"], ["peer", "--headless"], ["--shell"], ["tracker", "--headless"]):
        result = p2ptui(tmp_path, *words)
        assert result.returncode == 2
        assert "settings.toml:2" in result.stderr
        assert "peer.nick" in result.stderr
        assert "Traceback" not in result.stderr


def test_without_a_tracker_it_is_said_what_to_do(tmp_path: Path) -> None:
    result = p2ptui(tmp_path, "search", "x")
    assert (result.returncode, result.stdout) == (2, "")
    assert "join" in result.stderr
    result = p2ptui(tmp_path, "tracker", "hosts", "--json")
    assert result.returncode == 5
    assert json.loads(result.stderr)["hint"]


def test_f102_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    result = p2ptui(tmp_path, "status")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_f118_a_terminal_of_few_letters(tmp_path: Path, locale: str) -> None:
    environment = {"LC_ALL": locale, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    (tmp_path / "müsic.flac").write_text("x")
    result = p2ptui(tmp_path, "hash", os.fspath(tmp_path / "müsic.flac"), **environment)
    assert result.returncode == 0, result.stderr
    assert p2ptui(tmp_path, "--help", **environment).returncode == 0


def test_who_reads_no_further_causes_no_noise(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "p2ptui", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(WAIT_S) == 0


def test_a_bug_is_told_plainly_and_its_traceback_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_arguments: object) -> int:
        raise ValueError("a bug")

    monkeypatch.setenv("P2PTUI_HOME", os.fspath(tmp_path / "home"))
    monkeypatch.setattr("p2ptui.cli._run_one", broken)
    assert main(["status"]) == 1
    written = capsys.readouterr().err
    assert "a bug" in written
    assert "Traceback" not in written
    assert "Traceback" in (tmp_path / "home" / "node.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_f98_a_headless_node_stops_cleanly_in_two_seconds(tmp_path: Path, number: int) -> None:
    environment = {**os.environ, "P2PTUI_HOME": os.fspath(tmp_path / "home")}
    command = [sys.executable, "-m", "p2ptui", "peer", "--headless", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["event"] == "share_scanned"
        process.send_signal(number)
        start = time.monotonic()
        events = [json.loads(line)["event"] for line in process.stdout]
        assert process.wait(WAIT_S) == 0
        assert time.monotonic() - start < 2
    assert events[-1] == "stopped"


def test_a_shell_in_a_pipe_from_its_start_to_its_end(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (tmp_path / "a.txt").write_text("hello")
    result = subprocess.run(
        [sys.executable, "-m", "p2ptui", "--shell", "--nick", "anna"],
        input=f"publish {tmp_path}/a.txt 'b c.txt'\n/files --json\nnonsense\nremove b c.txt\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
        env={**os.environ, "P2PTUI_HOME": os.fspath(home)},
    )
    assert result.returncode == 2
    published, listed, removed = result.stdout.splitlines()
    assert published.startswith("published b c.txt, 5 B, b3c1")
    assert json.loads(listed)["name"] == "b c.txt"
    assert removed == "removed b c.txt; the file stays"
    assert result.stderr.startswith("p2ptui: Unknown command")
    assert "peer>" not in result.stdout + result.stderr
    assert p2ptui(tmp_path, "stop", "--json").stdout == '{"stopped":false}\n'
