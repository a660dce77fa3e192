"""Folders of others: what is in them and where it goes."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.ids import ContentId, content_id_text
from p2ptui.net.wire.messages import MAX_QUERY_BYTES
from p2ptui.node.api import RemoteFile
from p2ptui.node.remote_folder import files_in, filter_of

HOME = Path("/repo")
CONTENT = content_id_text(ContentId(bytes(32)))


def places(folder: str, *names: str) -> list[str]:
    files = [RemoteFile(name=name, size=1, content_id=CONTENT) for name in names]
    return [
        str((wanted.folder / wanted.name).relative_to(HOME))
        for wanted in files_in(folder, files, HOME)
    ]


def test_a_folder_comes_with_its_name_and_what_is_below_it() -> None:
    names = ("music/jazz/a", "music/jazz/deep/b", "music/jazzy/c", "music/d", "jazz/e", "Music/f")
    assert places("music/jazz", *names) == ["jazz/a", "jazz/deep/b"]
    assert places("music", *names) == [
        "music/jazz/a", "music/jazz/deep/b", "music/jazzy/c", "music/d",
    ]  # fmt: skip
    assert places("", *names) == list(names)
    assert places("music/d", *names) == [], "a file is no folder"


def test_f47_hostile_parts_become_safe_names() -> None:
    assert places("", "../x/a", ".ssh/keys", "con/nul.txt", "a:b/c") == [
        "_/x/a", "_ssh/keys", "_con/nul.txt", "a_b/c",
    ]  # fmt: skip
    assert places(".ssh", ".ssh/authorized_keys") == ["_ssh/authorized_keys"]


@given(st.lists(st.text(min_size=1, max_size=20).filter(lambda part: "/" not in part), min_size=1))
def test_f47_nothing_leads_out_of_the_repository(parts: list[str]) -> None:
    file = RemoteFile(name="/".join(parts), size=1, content_id=CONTENT)
    for wanted in files_in("", [file], HOME):
        assert wanted.folder.is_relative_to(HOME)
        assert ".." not in wanted.folder.parts


def test_a_question_holds_the_words_of_the_folder() -> None:
    assert filter_of("music/free jazz") == "music free jazz"
    assert filter_of("") == ""
    long = filter_of("/".join(f"{number:030}" for number in range(60)))
    assert 0 < len(long.encode()) <= MAX_QUERY_BYTES
    assert long.split() == [f"{number:030}" for number in range(len(long.split()))]
