"""What the Tab key offers."""

import asyncio
import os
from pathlib import Path

import pytest

from p2ptui.base.errors import P2PError
from p2ptui.completion import LineCompleter
from p2ptui.shell_io import last_word


def completer(*names: str) -> LineCompleter:
    async def own(text: str) -> list[str]:
        return [name for name in names if text in name]

    async def broken(_text: str) -> list[str]:
        raise P2PError("Not connected")

    async def slow(_text: str) -> list[str]:
        await asyncio.Event().wait()
        return []

    return LineCompleter("peer", {"own": own, "host": broken, "transfer": slow})


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("fet", ["fetch "]),
        ("/fet", ["/fetch "]),
        ("re", ["remove ", "rescan ", "resume ", "retry "]),
        ("help fe", ["fetch"]),
        ("fetch x --t", ["--to "]),
        ("fetch x --ti", []),
        ("remove so", ["song.flac"]),
        ("remove my", ['"my song.flac"']),
        ('remove "my s', ['"my song.flac"']),
        ("nonsense so", []),
        ("status so", []),
        ("browse an", []),
    ],
)
async def test_candidates(line: str, found: list[str]) -> None:
    assert await completer("song.flac", "my song.flac")(line) == found


async def test_an_engine_that_is_slow_offers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2ptui.completion.ANSWER_S", 0.01)
    assert await completer()("pause 1") == []


async def test_local_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "music").mkdir()
    (tmp_path / "my file").touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / "music" / "a.flac").touch()
    offer = completer()
    assert await offer("publish m") == [f"music{os.sep}", '"my file"']
    assert await offer("share m") == [f"music{os.sep}"]
    assert await offer("publish music/") == ["music/a.flac"]
    assert await offer("publish .h") == [".hidden"]
    assert await offer("publish nosuch/") == []


@pytest.mark.parametrize(
    ("line", "word"),
    [("", ""), ("fetch ", ""), ("fetch a", "a"), ('fetch "a b', '"a b'), ('fetch "a b" c', "c")],
)
def test_the_word_that_is_typed(line: str, word: str) -> None:
    assert last_word(line) == word
