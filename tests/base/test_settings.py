"""Settings from every place, and errors that point at their cause."""

from pathlib import Path

import pytest

from p2ptui.base.errors import ExitCode, P2PError
from p2ptui.base.settings import PeerSettings, Settings, TrackerSettings, load_settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def refusal(path: Path, text: str | bytes, env: dict[str, str] | None = None) -> P2PError:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(P2PError) as caught:
        load_settings(path, env or {})
    assert caught.value.exit_code is ExitCode.USAGE
    assert "\x1b" not in str(caught.value)
    return caught.value


def test_without_a_file_all_is_default(path: Path) -> None:
    assert load_settings(path, {}) == Settings(peer=PeerSettings(), tracker=TrackerSettings())


def test_a_file_is_read(path: Path) -> None:
    path.write_text(
        """
        [peer]
        nick = "anna"
        shares = ["/srv/a", "/srv/b"]
        up_limit = "20 MB/s"
        down_limit = 1000
        reserve_bytes = "1 GiB"
        rescan_s = "5m"
        hash_threads = 4
        [tracker]
        open = false
        motd = "hello"
        """
    )
    settings = load_settings(path, {})
    assert settings.peer == PeerSettings(
        nick="anna", shares=("/srv/a", "/srv/b"), up_limit=20_000_000, down_limit=1000,
        reserve_bytes=2**30, rescan_s=300.0, hash_threads=4,
    )  # fmt: skip
    assert settings.tracker == TrackerSettings(open=False, motd="hello")


def test_flags_go_before_environment_before_file_before_defaults(path: Path) -> None:
    path.write_text('[peer]\nnick = "file"\nlisten = "file:1"\ntracker = "file:2"\n')
    env = {"P2PTUI_PEER_NICK": "env", "P2PTUI_PEER_LISTEN": "env:1", "P2PTUI_HOME": "/x"}
    peer = load_settings(path, env, {"peer.nick": "flag", "peer.tracker": None}).peer
    assert (peer.nick, peer.listen, peer.tracker, peer.downloads) == ("flag", "env:1", "file:2", "")


def test_the_environment_carries_every_kind(path: Path) -> None:
    settings = load_settings(
        path,
        {
            "P2PTUI_PEER_SHARES": "/a:/b",
            "P2PTUI_PEER_UP_LIMIT": "off",
            "P2PTUI_PEER_HASH_THREADS": "3",
            "P2PTUI_PEER_RESCAN_S": "90",
            "P2PTUI_TRACKER_OPEN": "no",
            "P2PTUI_TRACKER_MAX_ENTRIES": "5",
        },
    )
    assert settings.peer.shares == ("/a", "/b")
    assert settings.peer.up_limit is None
    assert settings.peer.hash_threads == 3
    assert settings.peer.rescan_s == 90
    assert settings.tracker.open is False
    assert settings.tracker.max_entries == 5


@pytest.mark.parametrize("listen", ["", ":0", "0.0.0.0:7071", "[::1]:7071", "lan.example:1"])
def test_an_address_to_listen_on(path: Path, listen: str) -> None:
    assert load_settings(path, {}, {"peer.listen": listen}).peer.listen == listen


def test_flags_may_be_typed(path: Path) -> None:
    flags = {"peer.shares": ["/a"], "tracker.open": True, "peer.up_limit": "1M"}
    settings = load_settings(path, {"P2PTUI_TRACKER_OPEN": "off"}, flags)
    assert settings.peer.shares == ("/a",)
    assert settings.tracker.open is True
    assert settings.peer.up_limit == 1_000_000


def test_f117_broken_toml_names_file_and_line(path: Path) -> None:
    error = refusal(path, '[peer]\nnick = "anna"\nlisten = = 3\n')
    assert f"{path}:3: " in error.message


@pytest.mark.parametrize(
    ("text", "line", "key", "near"),
    [
        ('[peer]\n\nnik = "a"\n', 3, "peer.nik", "peer.nick"),
        ("# c\n[tracker]\nmax_entry = 3\n", 3, "tracker.max_entry", "tracker.max_entries"),
        ('[peers]\nnick = "a"\n', 1, "peers", "peer"),
        ('peer.nick = "a"\npeer.downlaods = "b"\n', 2, "peer.downlaods", "peer.downloads"),
        ('[peer]\r\n"lisen" = "a"\r\n', 2, "peer.lisen", "peer.listen"),
    ],
)
def test_f117_an_unknown_key_names_its_line_and_the_nearest_key(
    path: Path, text: str, line: int, key: str, near: str
) -> None:
    error = refusal(path, text)
    assert f"{path}:{line}: " in error.message
    assert error.message.endswith(key)
    assert error.hint == f"Did you mean {near}?"


def test_f117_a_key_like_no_other_lists_the_valid_ones(path: Path) -> None:
    error = refusal(path, "[peer]\nqqqqqqqq = 1\n")
    assert "peer.nick" in error.hint


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("hash_threads = 0", "peer.hash_threads"),
        ("hash_threads = 1.5", "whole number"),
        ("hash_threads = true", "whole number"),
        ('hash_threads = "many"', "Not a number"),
        ("nick = 3", "a text"),
        (f'nick = "{"n" * 33}"', "32"),
        ('nick = "a\\u0000"', "NUL"),
        ('up_limit = "fast"', "Not a rate"),
        ("up_limit = 0", "Not a rate"),
        ("up_limit = -5", "Not a rate"),
        ('reserve_bytes = "1 apple"', "Not a size"),
        ("reserve_bytes = -1", "Out of range"),
        ('rescan_s = "soon"', "Not a duration"),
        ("rescan_s = nan", "Out of range"),
        ("rescan_s = inf", "Out of range"),
        ('shares = "/a"', "a list"),
        ("shares = [1]", "a text"),
        ("listen = 1979-05-27", "a text"),
        (f'listen = "{"x" * 5000}"', "Too long"),
        ('listen = "host:70710"', "port"),
        ('listen = "a b:1"', "Not an address"),
    ],
)
def test_f117_a_wrong_value_names_line_and_key(path: Path, line: str, told: str) -> None:
    error = refusal(path, f"[peer]\n{line}\n")
    assert f"{path}:2: peer.{line.split(maxsplit=1)[0]}: " in error.message
    assert told in error.message


def test_f117_a_wrong_value_is_shown_short_and_harmless(path: Path) -> None:
    error = refusal(path, f'[peer]\nnick = "\\u001b[2J{"x" * 3000}"\n')
    assert len(str(error)) < 400


def test_f117_a_table_that_is_a_value_is_told(path: Path) -> None:
    assert f"{path}:1: peer is a table" in refusal(path, "peer = 3\n").message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"[peer]\nnick = '\xff'\n", ":2: not UTF-8", id="not-utf-8"),
        pytest.param(b"#" * (1024 * 1024 + 1), "larger than 1024 KiB", id="huge"),
        pytest.param(b"a = " + b"[" * 100_000, "nested too deeply", id="deep"),
    ],
)
def test_f117_what_is_no_settings_file_is_refused(path: Path, content: bytes, told: str) -> None:
    assert told in refusal(path, content).message


def test_f117_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(P2PError, match="is a directory") as caught:
        load_settings(tmp_path, {})
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("P2PTUI_PEER_NIK", "P2PTUI_PEER_NICK"),
        ("P2PTUI_PEER_nick", "P2PTUI_PEER_NICK"),
        ("P2PTUI_TRACKER_OPNE", "P2PTUI_TRACKER_OPEN"),
    ],
)
def test_f117_an_unknown_variable_names_the_nearest(path: Path, variable: str, near: str) -> None:
    error = refusal(path, "", {variable: "x"})
    assert variable in error.message
    assert near in error.hint


def test_a_wrong_variable_and_a_wrong_flag_name_themselves(path: Path) -> None:
    assert "P2PTUI_PEER_UP_LIMIT" in refusal(path, "", {"P2PTUI_PEER_UP_LIMIT": "x"}).message
    with pytest.raises(P2PError, match="--up-limit"):
        load_settings(path, {}, {"peer.up_limit": "x"})
    with pytest.raises(P2PError, match="yes nor no"):
        load_settings(path, {"P2PTUI_TRACKER_OPEN": "maybe"})


def test_a_flag_for_no_setting_is_a_bug_of_ours(path: Path) -> None:
    with pytest.raises(KeyError):
        load_settings(path, {}, {"peer.colour": "red"})


def test_every_setting_is_explained() -> None:
    source = Path(__import__("p2ptui.base.settings").__path__[0], "base", "settings.py")
    text = source.read_text(encoding="utf-8")
    for part in (PeerSettings, TrackerSettings):
        for key in part.__struct_fields__:
            declared = text.index(f"\n    {key}: ", text.index(f"class {part.__name__}"))
            following = text[declared:].split("\n")[2]
            assert following.startswith('    """'), f"{part.__name__}.{key} is not explained"
