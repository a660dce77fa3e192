"""The header of the tracker's console: which tracker, how many are there, who may join. Pure."""

from p2ptui.base.text import format_count
from p2ptui.screens.tracker_panes.figures import uptime
from p2ptui.screens.tracker_panes.host_rows import state_glyph
from p2ptui.widgets.glyphs import Glyphs
from p2ptui.widgets.status_line import Part
from tracker.api import TrackerStatus

BRAND = "p2ptui tracker"


def header_parts(status: TrackerStatus, glyphs: Glyphs) -> tuple[list[Part], list[Part]]:
    """The texts of the header, left and right."""
    well = max(status.hosts - status.slow - status.silent, 0)
    left = [
        Part(glyphs.brand, "accent", gap=0),
        Part(BRAND, "accent", bold=True),
        Part(status.name, bold=True, gap=2, rank=2),
        Part(status.listen, "dim", rank=5),
        *_door(status),
    ]
    if status.index_notice:
        left.append(Part(f"{glyphs.warning} {status.index_notice}", "bad", gap=2, rank=3))
    right = [
        Part(state_glyph("online", glyphs), "good", gap=2),
        Part(f"{format_count(well)} online"),
    ]
    if status.slow:
        sign = state_glyph("slow", glyphs)
        right += [Part(sign, "warn", gap=2), Part(f"{format_count(status.slow)} slow")]
    if status.silent:
        sign = state_glyph("silent", glyphs)
        right += [Part(sign, "bad", gap=2), Part(f"{format_count(status.silent)} silent")]
    right.append(Part(f"up {uptime(status.uptime_s)}", "dim", gap=3, rank=4))
    return left, right


def _door(status: TrackerStatus) -> list[Part]:
    if status.draining:
        return [Part("draining", "warn", gap=2)]
    if status.open:
        return [Part("open", "dim", gap=2, rank=6)]
    return [Part("invite only", "dim", gap=2, rank=6)]
