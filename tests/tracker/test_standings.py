from pathlib import Path

import pytest

from p2ptui.base.errors import P2PError
from p2ptui.base.settings import TrackerSettings
from tests.support.memory_net import peer_id_of
from tracker.api import Limits
from tracker.rules import Rules
from tracker.standings import STANDINGS, Standings

ANNA, BERT = peer_id_of("anna"), peer_id_of("bert")


def test_whoever_is_not_named_is_like_all_others(tmp_path: Path) -> None:
    standings = Standings(tmp_path / "standings.log")
    assert (standings.of(ANNA).role, standings.of(ANNA).limits) == ("member", None)
    assert not standings.is_operator(ANNA)
    assert not (tmp_path / "standings.log").exists()


def test_roles_and_limits_are_changed_alone_and_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / STANDINGS
    standings = Standings(path)
    standings.change(ANNA, "operator", None)
    standings.change(ANNA, None, Limits(searches_s=2.0))
    standings.change(BERT, None, Limits(connections=3))
    again = Standings(path)
    assert again.is_operator(ANNA)
    assert again.of(ANNA).limits == Limits(searches_s=2.0)
    assert not again.is_operator(BERT)
    again.change(ANNA, "member", Limits())
    last = Standings(path)
    assert (last.of(ANNA).role, last.of(ANNA).limits) == ("member", None)
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_when_nothing_changes(tmp_path: Path) -> None:
    standings = Standings(tmp_path / "standings.log")
    standings.change(ANNA, "operator", None)
    size = (tmp_path / "standings.log").stat().st_size
    standings.change(ANNA, "operator", None)
    standings.change(ANNA, None, None)
    assert (tmp_path / "standings.log").stat().st_size == size


def test_a_damaged_line_is_never_skipped(tmp_path: Path) -> None:
    path = tmp_path / "standings.log"
    Standings(path).change(ANNA, "operator", None)
    path.write_bytes(b'{"peer": "x"}\n' + path.read_bytes())
    with pytest.raises(P2PError, match="damaged"):
        Standings(path)


def test_a_member_s_own_limits_come_before_those_of_all(tmp_path: Path) -> None:
    standings = Standings(tmp_path / "standings.log")
    rules = Rules(TrackerSettings(max_entries=10, search_rate=7.0, max_connections=9), standings)
    standings.change(ANNA, None, Limits(searches_s=2.0, max_entries=0, connections=1))
    found = (rules.search_rate(ANNA), rules.max_entries(ANNA), rules.max_connections(ANNA))
    assert found == (2.0, 0, 1)
    found = (rules.search_rate(BERT), rules.max_entries(BERT), rules.max_connections(BERT))
    assert found == (7.0, 10, 9)
