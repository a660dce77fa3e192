"""The tree of another peer's list."""

from hypothesis import given
from hypothesis import strategies as st

from p2ptui.node.api import RemoteFile
from p2ptui.screens.panes.remote_rows import folder_data
from p2ptui.screens.remote_tree import RemoteTree, Shown
from p2ptui.widgets.glyphs import ASCII
from p2ptui.widgets.table_rows import Toned


def file(name: str, size: int = 1) -> RemoteFile:
    return RemoteFile(name=name, size=size, content_id="c")


def lines(tree: RemoteTree) -> list[str]:
    return [_line(each) for each in tree.shown()]


def _line(line: Shown) -> str:
    if line.folder is not None:
        return f"{'  ' * line.depth}{line.folder.name}/ {line.folder.count}"
    assert line.file is not None
    return f"{'  ' * line.depth}{line.file.name}"


def test_folders_are_closed_at_first_and_come_before_files() -> None:
    tree = RemoteTree()
    tree.add([file("z.txt"), file("Music/b/2.ogg"), file("Music/a.ogg"), file("books/x")])
    assert lines(tree) == ["books/ 1", "Music/ 2", "z.txt"]
    tree.fold("Music", opened=True)
    assert lines(tree) == ["books/ 1", "Music/ 2", "  Music/b/ 1", "  Music/a.ogg", "z.txt"]
    tree.fold("Music", opened=False)
    assert lines(tree) == ["books/ 1", "Music/ 2", "z.txt"]


def test_a_file_that_comes_twice_counts_once_with_its_newest_size() -> None:
    tree = RemoteTree()
    tree.add([file("a/x", 5)])
    tree.add([file("a/x", 7), file("a/y", 1)])
    assert (tree.top.count, tree.top.bytes) == (2, 8)
    found = tree.file("a/x")
    assert found is not None
    assert found.size == 7
    assert tree.file("a/z") is None


def test_a_folder_tells_how_many_of_its_files_we_have() -> None:
    tree = RemoteTree()
    tree.add([file("a/x"), file("a/b/y"), file("a/z")])
    assert tree.top.here == 0
    here = RemoteFile(name="a/x", size=1, content_id="c", have="have")
    tree.add([here, RemoteFile(name="a/z", size=1, content_id="c", have="fetching")])
    tree.add([here])
    folder = tree.shown()[0].folder
    assert folder is not None
    assert (folder.here, folder.count) == (1, 3)
    assert folder_data(folder, 0, ASCII, opened=False).cells[2] == Toned("1/3", "dim")
    tree.add(
        RemoteFile(name=name, size=1, content_id="c", have="have") for name in ("a/b/y", "a/z")
    )
    here_all = Toned(f"{ASCII.done} here", "good")
    assert folder_data(folder, 0, ASCII, opened=False).cells[2] == here_all


def test_a_file_may_be_called_as_a_folder_is() -> None:
    tree = RemoteTree()
    tree.add([file("a"), file("a/b")])
    assert lines(tree) == ["a/ 1", "a"]


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), max_size=30))
def test_figures_of_folders_are_those_of_their_files(paths: list[list[str]]) -> None:
    tree = RemoteTree()
    names = {"/".join(path) for path in paths}
    tree.add(file(name, len(name)) for name in names)
    tree.opened = {name.rpartition("/")[0] for name in names} | {"a", "b", "c"}
    tree.opened |= {"/".join(path[:n]) for path in paths for n in range(1, len(path))}
    shown = tree.shown()
    assert {each.file.name for each in shown if each.file} == names
    assert tree.top.count == len(names)
    for each in shown:
        if each.folder is not None:
            inside = [name for name in names if name.startswith(f"{each.folder.name}/")]
            assert each.folder.count == len(inside)
            assert each.folder.bytes == sum(map(len, inside))
