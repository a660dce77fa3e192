"""Text and JSON for people and programs; nothing that could drive a terminal."""

import json

import msgspec
import pytest

from p2ptui.base.errors import not_found
from p2ptui.output import Column, Output, format_error, format_table, to_json
from tests.support.fake_node import HOSTILE, finished, hit

NAMES = Column[str]("name", str, flex=True)
SIZES = Column[str]("size", lambda row: str(len(row)), "right")


class Written:
    def __init__(self, *, as_json: bool = False, width: int | None = None) -> None:
        self.out: list[str] = []
        self.err: list[str] = []
        self.output = Output(as_json=as_json, out=self.out.append, err=self.err.append, width=width)


def test_rows_are_aligned() -> None:
    lines = format_table((NAMES, SIZES), ["a", "bbb", "ü" * 10, "日本"], None)
    assert lines == [
        "name        size",
        "a              1",
        "bbb            3",
        "üüüüüüüüüü    10",
        "日本           2",
    ]


def test_what_flexes_gives_way_to_a_narrow_terminal() -> None:
    lines = format_table((NAMES, SIZES), ["x" * 100], 30)
    assert all(len(line) <= 30 for line in lines)
    assert lines[1].endswith("100")
    assert "…" in lines[1]


def test_a_terminal_too_narrow_keeps_the_names_readable() -> None:
    assert format_table((NAMES, SIZES), ["x" * 100], 5)[1].startswith("xxxxxx…xxxxx")


@pytest.mark.parametrize("as_json", [False, True])
def test_f42_f43_f44_hostile_names_are_shown_escaped(as_json: bool) -> None:
    written = Written(as_json=as_json)
    written.output.table((Column("name", lambda row: row.name),), [hit(HOSTILE)], "")
    text = "\n".join(written.out)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert len(written.out) == (1 if as_json else 2)
    if as_json:
        assert json.loads(text)["name"] == HOSTILE


def test_json_holds_one_object_a_row_with_all_its_fields() -> None:
    written = Written(as_json=True)
    written.output.table((NAMES,), [], "nothing")
    written.output.say("for people")
    written.output.result({"stopped": True}, "stopped")
    written.output.table((Column("", lambda row: row.name),), [hit(), hit("b")], "")
    assert written.err == []
    assert json.loads(written.out[0]) == {"stopped": True}
    assert set(json.loads(written.out[1])) >= {
        "content_id", "name", "names", "size", "owners", "known",
    }  # fmt: skip


def test_times_are_rfc_3339_and_unknown_ones_null() -> None:
    class Row(msgspec.Struct):
        seen: float
        changed: int
        finished: float | None
        seconds: float

    row = json.loads(to_json(Row(1_800_000_000.5, 0, None, 1.23456)))
    assert row == {
        "seen": "2027-01-15T08:00:00.500Z", "changed": None, "finished": None, "seconds": 1.235,
    }  # fmt: skip


def test_an_event_bears_its_name_and_one_time() -> None:
    row = json.loads(to_json(finished()))
    assert row["event"] == "fetch_finished"
    assert row["time"] == "2027-01-15T08:00:00.000Z"
    assert {"name", "content_id", "path", "bytes", "seconds", "sources"} <= set(row)


def test_an_error_is_three_short_lines_or_one_object() -> None:
    error = not_found("No such \x1bfile", "x.txt", "Try search.")
    assert format_error(error) == "p2ptui: No such \\x1bfile\n  x.txt\n  Try search."
    written = Written(as_json=True)
    written.output.error(error)
    assert written.out == []
    assert json.loads(written.err[0]) == {
        "error": "No such \x1bfile", "message": "x.txt", "hint": "Try search.", "exit_code": 4,
    }  # fmt: skip


def test_an_empty_list_says_so_to_people_only() -> None:
    written = Written()
    written.output.table((NAMES,), [], "Nothing here.")
    assert (written.out, written.err) == ([], ["Nothing here."])
