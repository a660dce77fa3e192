"""Files of a host, and contents of the index, as rows of one table. Pure."""

import time

from p2ptui.base.ids import short_content_id
from p2ptui.base.text import format_bytes
from p2ptui.widgets.columns import Column
from p2ptui.widgets.table_rows import RowData, Toned
from tracker.api import HitRow, HostFile

FILE_COLUMNS = (
    Column("name", "Name"),
    Column("size", "Size", 7, "right", min_table_width=24),
    Column("changed", "Changed", 10, min_table_width=60),
    Column("content_id", "Id", 8, min_table_width=72, sortable=False),
)
INDEX_COLUMNS = (
    Column("name", "Name", sortable=False),
    Column("owners", "Owners", 7, "right", min_table_width=34, sortable=False),
    Column("size", "Size", 7, "right", min_table_width=24, sortable=False),
    Column("content_id", "Id", 8, min_table_width=64, sortable=False),
)


def file_data(row: HostFile) -> RowData:
    """A file of a host; its key is its name."""
    return RowData(
        key=row.name,
        cells=(
            row.name,
            format_bytes(row.size),
            Toned(time.strftime("%Y-%m-%d", time.localtime(row.changed)), "dim")
            if row.changed
            else "",
            Toned(short_content_id(row.content_id), "dim"),
        ),
    )


def hit_data(row: HitRow) -> RowData:
    """A content of the index; its key is its content id."""
    return RowData(
        key=row.content_id,
        cells=(
            row.name,
            f"{row.owners}/{row.known}",
            format_bytes(row.size),
            Toned(short_content_id(row.content_id), "dim"),
        ),
        tone="normal" if row.owners else "dim",
    )
