"""The words for how a member is connected with this node."""

from typing import get_args

from p2ptui.node.peer_session import PathTaken
from p2ptui.screens.paths import WAYS, by_way


def test_every_path_has_words() -> None:
    assert set(WAYS) == set(get_args(PathTaken))


def test_the_usual_way_needs_no_words_behind_a_name() -> None:
    assert by_way("direct") == by_way("") == ""
    told = {by_way(path) for path in set(WAYS) - {"direct"}}
    assert len(told) == len(WAYS) - 1
    assert all(each.startswith(", ") for each in told)
