"""Folders of others: what is in them and where it goes."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.ids import ContentId
from p2ptui.base.names import safe_name
from p2ptui.net.wire.messages import MAX_QUERY_BYTES, Entry
from p2ptui.node.remote_folder import Places, filter_of, inside

ROOT = Path("/repo/jazz")
CONTENT = ContentId(bytes(32))


def found(folder: str, *names: str) -> list[str]:
    entries = [Entry(tuple(name.split("/")), 1, CONTENT, 0) for name in names]
    places = Places(ROOT)
    return [
        str((places.of(each.folders) / safe_name(each.entry.path[-1])).relative_to(ROOT))
        for each in inside(folder, entries)
    ]


def test_what_is_below_a_folder_keeps_its_structure() -> None:
    names = ("music/jazz/a", "music/jazz/deep/b", "music/jazzy/c", "music/d", "jazz/e", "Music/f")
    assert found("music/jazz", *names) == ["a", "deep/b"]
    assert found("music", *names) == ["jazz/a", "jazz/deep/b", "jazzy/c", "d"]
    assert found("", *names) == [*names[:5], "Music (2)/f"]
    assert found("music/d", *names) == [], "a file is no folder"


def test_f47_hostile_parts_become_safe_names() -> None:
    assert found("", "../x/a", ".ssh/keys", "con/nul.txt", "a:b/c") == [
        "_/x/a", "_ssh/keys", "_con/_nul.txt", "a_b/c",
    ]  # fmt: skip


def test_folders_whose_names_become_the_same_do_not_mix() -> None:
    assert found("", "a:b/x", "a?b/x", "A_B/x", "a:b/y") == [
        "a_b/x", "a_b (2)/x", "A_B (3)/x", "a_b/y",
    ]  # fmt: skip


@given(
    st.lists(
        st.text(min_size=1, max_size=20).filter(lambda part: "/" not in part),
        min_size=1,
        max_size=8,
    )
)
def test_f47_nothing_leads_out_of_the_folder(parts: list[str]) -> None:
    place = Places(ROOT).of(tuple(parts))
    assert place.is_relative_to(ROOT)
    assert ".." not in place.parts


def test_a_question_holds_the_words_of_the_folder() -> None:
    assert filter_of("music/free jazz") == "music free jazz"
    assert filter_of("") == ""
    long = filter_of("/".join(f"{number:030}" for number in range(60)))
    assert 0 < len(long.encode()) <= MAX_QUERY_BYTES
    assert long.split() == [f"{number:030}" for number in range(len(long.split()))]
