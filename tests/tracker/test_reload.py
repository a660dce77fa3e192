"""Settings that are read again while the tracker runs."""

from pathlib import Path
from typing import Any

import pytest

from p2ptui.base.errors import ExitCode, P2PError, usage_error
from p2ptui.base.settings import load_settings
from p2ptui.net.loop import Inline
from tracker.reload import Apply, Reload, read_again


class Desk:
    """A settings file, and what was put in force."""

    def __init__(self, folder: Path, text: str, env: dict[str, str] | None = None) -> None:
        self.path = folder / "settings.toml"
        self.path.write_text(text)
        self.now: dict[str, Any] = {}
        self.fails = ""
        settings = load_settings(self.path, env or {}, {"tracker.name": "lab"})
        apply = {name: self._apply(name) for name in ("max_entries", "motd", "open")}
        self.reload = Reload(
            lambda: read_again(self.path, settings), settings.tracker, apply, Inline()
        )

    def _apply(self, name: str) -> Apply:
        async def apply(value: object) -> None:
            if name == self.fails:
                raise usage_error("No")
            self.now[name] = value

        return apply


async def test_what_changed_is_put_in_force_and_named(tmp_path: Path) -> None:
    desk = Desk(tmp_path, '[tracker]\nmotd = "one"\n')
    assert await desk.reload() == ((), ())
    desk.path.write_text('[tracker]\nmotd = "two"\nopen = false\n')
    assert (await desk.reload()).in_force == ("tracker.motd", "tracker.open")
    assert desk.now == {"motd": "two", "open": False}
    assert await desk.reload() == ((), ())


async def test_what_counts_from_the_next_start_is_told_each_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "")
    desk.path.write_text('[tracker]\nlisten = ":7999"\n')
    assert await desk.reload() == ((), ("tracker.listen",))
    assert await desk.reload() == ((), ("tracker.listen",))
    desk.path.write_text("")
    assert await desk.reload() == ((), ())
    assert desk.now == {}


async def test_a_broken_file_changes_nothing_and_is_told_with_its_line(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "")
    desk.path.write_text('[tracker]\nmotd = "two"\nmax_entries = "many"\n')
    with pytest.raises(P2PError, match=r"settings\.toml:3") as caught:
        await desk.reload()
    assert caught.value.exit_code == ExitCode.USAGE
    assert desk.now == {}
    desk.path.write_text('[tracker]\nmotd = "two"\n')
    assert (await desk.reload()).in_force == ("tracker.motd",)


async def test_flags_and_variables_stand_above_the_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "", {"P2PTUI_TRACKER_MOTD": "from the start"})
    desk.path.write_text('[tracker]\nname = "other"\nmotd = "two"\nmax_entries = 5\n')
    assert await desk.reload() == (("tracker.max_entries",), ())


async def test_what_fails_keeps_the_rest_as_it_was_and_is_tried_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "")
    desk.path.write_text('[tracker]\nmotd = "two"\nmax_entries = 5\n')
    desk.fails = "max_entries"
    with pytest.raises(P2PError):
        await desk.reload()
    assert desk.now == {}
    desk.fails = ""
    assert (await desk.reload()).in_force == ("tracker.max_entries", "tracker.motd")
