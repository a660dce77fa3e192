import json
from pathlib import Path

from tracker.api import AuditRow, Page
from tracker.audit import KEPT, AuditLog


def act(number: int, what: str = "kick") -> AuditRow:
    return AuditRow(time=float(number), by="console", act=what, target=f"host {number}", why="spam")


def test_acts_are_lines_of_json_that_nobody_else_reads(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    log.write(act(1))
    log.write(act(2, "ban"))
    assert path.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["act"], line["target"], line["why"]) for line in lines] == [
        ("kick", "host 1", "spam"), ("ban", "host 2", "spam"),
    ]  # fmt: skip


def test_pages_are_the_newest_first(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    assert log.page(Page()).total == 0
    for number in range(10):
        log.write(act(number, "ban" if number % 2 else "kick"))
    page = log.page(Page(offset=2, limit=3))
    assert ([row.time for row in page.rows], page.total) == ([7.0, 6.0, 5.0], 10)
    page = log.page(Page(filter="BAN spam"))
    assert ([row.time for row in page.rows], page.total) == ([9.0, 7.0, 5.0, 3.0, 1.0], 5)


def test_at_a_size_it_is_put_aside_and_the_oldest_is_dropped(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl", max_bytes=400)
    for number in range(100):
        log.write(act(number))
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["audit.jsonl", *(f"audit.jsonl.{number}" for number in range(1, KEPT + 1))]
    assert all(file.stat().st_size <= 400 for file in tmp_path.iterdir())
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in tmp_path.iterdir())
    times = [row.time for row in log.page(Page(limit=1000)).rows]
    assert times == sorted(times, reverse=True)
    assert times[0] == 99.0
    assert len(times) >= 10


def test_a_line_that_is_no_act_hides_no_other(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    log.write(act(1))
    with path.open("ab") as file:
        file.write(b"\xff torn\n")
    log.write(act(2))
    assert [row.time for row in log.page(Page()).rows] == [2.0, 1.0]
