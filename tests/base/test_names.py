"""Names on the wire, on disk and in collision, against the table of bad names."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.names import (
    MAX_NAME_BYTES,
    MAX_PATH_PARTS,
    MAX_SAFE_BYTES,
    BadName,
    check_name,
    check_wire_path,
    collision_key,
    is_invisible,
    join_path,
    numbered_name,
    safe_name,
    wire_path,
)

# Any string, surrogates included: what a hostile peer or a strange disk may hand us.
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=300)
NASTY_TEXT = st.text(st.sampled_from("aA.- ~$/\\\0\n\x1b\u202e\u200b:é\u0301ßﬁ¹CONU\udc80𐀀"))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("../../.ssh/authorized_keys", "slash", id="f35"),
        pytest.param("/etc/passwd", "slash", id="f36"),
        pytest.param("C:\\x", "slash", id="f37-drive"),
        pytest.param("\\\\host\\share", "slash", id="f37-share"),
        pytest.param("..\\..\\x", "slash", id="f38"),
        pytest.param("a/./b//c", "slash", id="f39"),
        pytest.param("", "empty", id="f40-empty"),
        pytest.param(".", ". or ..", id="f40-dot"),
        pytest.param("..", ". or ..", id="f40-dots"),
        pytest.param("a\0b", "control", id="f41-nul"),
        pytest.param("a\nb", "control", id="f41-newline"),
        pytest.param("a\rb", "control", id="f41-cr"),
        pytest.param("a\tb", "control", id="f41-tab"),
        pytest.param("ä\nb", "control", id="f41-newline-not-ascii"),
        pytest.param("\x1b[2J", "control", id="f42-esc"),
        pytest.param("\x7f", "control", id="f42-del"),
        pytest.param("a\x9b2J", "control", id="f42-c1"),
        pytest.param("😀" * 64, "255 bytes", id="f45-256-bytes-in-64-letters"),
        pytest.param("a" * 256, "255 bytes", id="f45-256-letters"),
        pytest.param("e\u0301", "NFC", id="f48-nfd"),
        pytest.param("a\udc80", "UTF-8", id="f50-surrogate"),
    ],
)
def test_f35_to_f50_a_bad_component_is_refused(name: str, reason: str) -> None:
    assert reason in check_name(name)
    assert check_wire_path(("ok", name, "ok")) == check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "a", "thesis-final.pdf", "ä.txt", "日本語", "...", " ", "-rf", "$(id)", "[red]",
        "a" * 255, "é" * 127 + "x", "\u202egpj.exe",
    ],
)  # fmt: skip
def test_a_good_component_is_accepted(name: str) -> None:
    assert check_name(name) == ""


@given(ANY_TEXT | NASTY_TEXT)
def test_an_accepted_component_keeps_every_rule(name: str) -> None:
    if check_name(name):
        return
    assert 1 <= len(name.encode()) <= MAX_NAME_BYTES
    assert not set(name) & set("/\\\0")
    assert name not in {".", ".."}
    assert unicodedata.normalize("NFC", name) == name
    assert all(unicodedata.category(character) != "Cc" for character in name)


def test_f56_a_path_has_at_most_32_parts() -> None:
    assert check_wire_path(("x",) * MAX_PATH_PARTS) == ""
    assert "32 parts" in check_wire_path(("x",) * (MAX_PATH_PARTS + 1))
    assert "empty" in check_wire_path(())


@pytest.mark.parametrize(
    "relative",
    [
        "/abs", "a//b", "a/", "../x", "a/../b", "a/./b", "", "a\\b", "a\nb",
        "/".join("x" * 33), "a\udcff/b",
    ],
)  # fmt: skip
def test_f35_to_f41_a_relative_path_that_may_not_go_out_is_named_with_its_reason(
    relative: str,
) -> None:
    with pytest.raises(BadName) as caught:
        wire_path(relative)
    assert caught.value.reason


def test_f48_a_local_path_in_nfd_goes_out_in_nfc() -> None:
    assert wire_path("Caf\u0065\u0301/x") == ("Caf\u00e9", "x")
    assert join_path(("Caf\u00e9", "x")) == "Caf\u00e9/x"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("../../.ssh/authorized_keys", "_._.._.ssh_authorized_keys", id="f35"),
        pytest.param("/etc/passwd", "_etc_passwd", id="f36"),
        pytest.param("C:\\x", "C__x", id="f37"),
        pytest.param("..\\..\\x", "_._.._x", id="f38"),
        pytest.param("", "_", id="f40-empty"),
        pytest.param(".", "_", id="f40-dot"),
        pytest.param("..", "_", id="f40-dots"),
        pytest.param("   ", "_", id="f40-spaces"),
        pytest.param(". . .", "_", id="f40-spaces-and-dots"),
        pytest.param("a\0b\nc", "a_b_c", id="f41"),
        pytest.param("a\x1b[2Jb", "a_[2Jb", id="f42"),
        pytest.param("\u202egpj.exe", "_gpj.exe", id="f43-bidi"),
        pytest.param("a\u200b\ufeffb", "a__b", id="f43-zero-width"),
        pytest.param("a\u2028b\u2029c", "a_b_c", id="f43-line-separators"),
        pytest.param("CON", "_CON", id="f46-con"),
        pytest.param("nul.txt", "_nul.txt", id="f46-nul"),
        pytest.param("nul.tar.gz", "_nul.tar.gz", id="f46-nul-two-suffixes"),
        pytest.param("con .txt", "_con .txt", id="f46-con-space"),
        pytest.param("COM¹", "_COM¹", id="f46-superscript"),
        pytest.param("lpt9.log", "_lpt9.log", id="f46-lpt"),
        pytest.param("com10", "com10", id="f46-com10-is-free"),
        pytest.param("console", "console", id="f46-console-is-free"),
        pytest.param("a:b", "a_b", id="f46-stream"),
        pytest.param("x.", "x", id="f46-dot"),
        pytest.param("x ", "x", id="f46-space"),
        pytest.param("x. .", "x", id="f46-dots-and-spaces"),
        pytest.param('<>:"/\\|?*', "_________", id="f46-all"),
        pytest.param("a\udc80b", "a_b", id="f50-surrogate"),
        pytest.param("-rf", "_rf", id="f58-dash"),
        pytest.param("~root", "_root", id="f58-tilde"),
        pytest.param("$(reboot)", "_(reboot)", id="f58-dollar"),
        pytest.param(".bashrc", "_bashrc", id="f58-hidden"),
        pytest.param("thesis-final.pdf", "thesis-final.pdf", id="plain"),
        pytest.param("e\u0301.txt", "\u00e9.txt", id="nfc"),
    ],
)
def test_f35_to_f58_a_name_is_made_safe(name: str, expected: str) -> None:
    assert safe_name(name) == expected


@given(ANY_TEXT | NASTY_TEXT)
def test_a_safe_name_is_safe_whatever_came_in(name: str) -> None:
    safe = safe_name(name)
    assert 1 <= len(safe.encode()) <= MAX_SAFE_BYTES
    assert check_name(safe) == ""
    assert not set(safe) & set('<>:"/\\|?*')
    assert not any(is_invisible(character) for character in safe)
    assert safe == safe.strip()
    assert not safe.endswith(".")
    assert safe[0] not in ".-~$"
    assert safe_name(safe) == safe


@given(st.text(min_size=200, max_size=400), st.sampled_from([".txt", ".tar", ".jpeg", ""]))
def test_f45_a_long_name_is_cut_and_its_extension_kept(stem: str, suffix: str) -> None:
    safe = safe_name(f"x{stem}y{suffix}")
    assert len(safe.encode()) <= MAX_SAFE_BYTES
    assert safe.endswith(suffix)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("A.txt", "a.txt", id="f47"),
        pytest.param("\u00e9", "e\u0301", id="f48"),
        pytest.param("straße", "STRASSE", id="f49-sharp-s"),
        pytest.param("ﬁle", "FILE", id="f49-ligature"),
    ],
)
def test_f47_to_f49_names_that_a_file_system_takes_for_one_collide(one: str, other: str) -> None:
    assert collision_key(one) == collision_key(other)


def test_f51_homoglyphs_do_not_collide() -> None:
    assert collision_key("a") != collision_key("а")  # Latin, Cyrillic


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("A.txt", 2, "A (2).txt"),
        ("README", 3, "README (3)"),
        ("a.tar.gz", 2, "a.tar (2).gz"),
        ("Dr. No", 2, "Dr. No (2)"),
    ],
)
def test_f47_a_taken_name_gets_a_number(name: str, number: int, expected: str) -> None:
    assert numbered_name(name, number) == expected


@given(ANY_TEXT, st.integers(2, 10**6))
def test_f47_a_numbered_name_is_a_safe_name(name: str, number: int) -> None:
    safe = safe_name(name)
    numbered = numbered_name(safe, number)
    assert numbered != safe
    assert safe_name(numbered) == numbered
