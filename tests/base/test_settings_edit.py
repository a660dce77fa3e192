"""Changing one key of a settings file: comments and order stay, what is unusual is refused."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.errors import P2PError
from p2ptui.base.settings import Field, LookSettings, PeerSettings, fields_of, load_settings
from p2ptui.base.settings_edit import read, with_setting, write
from p2ptui.base.settings_text import (
    field_help,
    toml_string,
    toml_text,
    value_of_text,
    value_text,
)
from p2ptui.base.settings_values import parse_value

FILE = """\
# my settings
[peer]
nick = "anna"   # that is me
shares = [
    "/srv/a",  # music
    "/srv/b",
]

# the tracker of the office
[tracker]
open = false
"""


def test_a_value_is_replaced_and_its_comment_kept() -> None:
    assert with_setting(FILE, "peer", "nick", '"bert"') == FILE.replace('"anna"', '"bert"')


def test_a_value_of_several_lines_is_replaced_as_a_whole() -> None:
    edited = with_setting(FILE, "peer", "shares", '["/x"]')
    assert 'shares = ["/x"]\n\n# the tracker' in edited
    assert "/srv/b" not in edited


def test_a_new_key_comes_behind_the_others_of_its_table() -> None:
    edited = with_setting(FILE, "peer", "up_limit", '"1 MB/s"')
    assert ']\nup_limit = "1 MB/s"\n\n# the tracker of the office\n[tracker]' in edited
    assert with_setting(FILE, "tracker", "name", '"x"').endswith('open = false\nname = "x"\n')


def test_a_new_table_comes_at_the_end() -> None:
    assert with_setting(FILE, "keys", "table.down", '"n"') == (
        FILE + '\n[keys]\n"table.down" = "n"\n'
    )
    assert with_setting("", "look", "mouse", "false") == "[look]\nmouse = false\n"


def test_a_key_is_taken_out() -> None:
    text = '[keys]\nfetch = "g" # as before\n"table.down" = "n"\n'
    assert with_setting(text, "keys", "fetch", None) == '[keys]\n"table.down" = "n"\n'
    assert with_setting(text, "keys", "other", None) == text


def test_dotted_keys_and_line_ends_of_windows_are_kept() -> None:
    assert with_setting('peer.nick = "a" # me\n', "peer", "nick", '"b"') == 'peer.nick = "b" # me\n'
    edited = with_setting('[peer]\r\nnick = "a"\r\n', "peer", "nick", '"b"')
    assert edited == '[peer]\r\nnick = "b"\r\n'
    edited = with_setting('[peer]\r\nnick = "a"\r\n', "peer", "listen", '":1"')
    assert edited == '[peer]\r\nnick = "a"\r\nlisten = ":1"\r\n'


@pytest.mark.parametrize(
    "text",
    [
        'peer = { nick = "a" }\n',
        '[tracker]\nmotd = """\n[peer]\nnick = "x"\n"""\n[peer]\nnick = "a"\n',
        "[peer\n",
    ],
)
def test_what_is_unusual_or_wrong_is_refused(text: str) -> None:
    with pytest.raises(P2PError) as caught:
        with_setting(text, "peer", "nick", '"b"')
    assert caught.value.title == "Cannot change the settings"


@given(st.text(max_size=30))
def test_every_text_comes_back_from_the_file(value: str) -> None:
    edited = with_setting(FILE, "peer", "nick", toml_string(value))
    assert tomllib.loads(edited)["peer"]["nick"] == value


@pytest.mark.parametrize("field", [*fields_of("peer"), *fields_of("look"), *fields_of("tracker")])
def test_every_default_survives_its_text_and_the_file(field: Field) -> None:
    text = value_text(field.kind, field.default)
    assert parse_value(field.kind, value_of_text(field.kind, text), "x") == field.default
    written = tomllib.loads(f"x = {toml_text(field.kind, field.default)}")["x"]
    assert parse_value(field.kind, written, "x") == field.default


@given(st.integers(min_value=1, max_value=2**53))
def test_every_rate_is_written_exactly(rate: int) -> None:
    kind = next(field.kind for field in fields_of("peer") if field.name == "up_limit")
    assert parse_value(kind, value_text(kind, rate), "x") == rate


def test_each_field_has_its_help() -> None:
    for part in (PeerSettings, LookSettings):
        assert set(field_help(part)) == set(part.__struct_fields__)
    assert field_help(PeerSettings)["rescan_s"].startswith("Time between two looks")


def test_the_file_is_replaced_whole_and_a_link_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "settings.toml"
    real.write_text(FILE)
    real.chmod(0o640)
    link.symlink_to(real)
    write(link, with_setting(read(link), "peer", "nick", '"bert"'))
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert load_settings(link, {}).peer.nick == "bert"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real.toml", "settings.toml"]


def test_f71_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(P2PError) as caught:
        write(tmp_path / "file" / "settings.toml", "")
    assert caught.value.exit_code == 6
    assert read(tmp_path / "missing.toml") == ""


def test_keys_and_look_are_read_and_their_origin_is_known(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('[look]\nascii = true\n[keys]\nfetch = "g"\ntable.down = "n"\n')
    settings = load_settings(path, {"P2PTUI_LOOK_MOUSE": "off"}, {"peer.nick": "anna"})
    assert settings.look == LookSettings(ascii=True, mouse=False)
    assert settings.keys == {"fetch": "g", "table.down": "n"}
    assert settings.origins == {
        "look.ascii": "file", "look.mouse": "environment", "keys.fetch": "file",
        "keys.table.down": "file", "peer.nick": "flag",
    }  # fmt: skip


def test_f117_a_key_that_is_no_text_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[keys]\nfetch = 3\n")
    with pytest.raises(P2PError) as caught:
        load_settings(path, {})
    assert "settings.toml:2: keys.fetch" in caught.value.message
