"""Text for people: remote text made visible, figures in and out. Pure; reads no clock, no locale.

Units are decimal (1 KB = 1,000 bytes), as disks and networks are sold and as the screens show them.
`KiB`, `MiB`, … are understood on input. Parse errors are usage errors (`P2PError`, exit 2).
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from p2ptui.base.errors import P2PError, usage_error
from p2ptui.base.names import is_invisible

MAX_MTIME = 2**32 - 1
"""Latest modification time that is written to a disk, 2106-02-07: common file systems have it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_TIME = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()
_LAST_TIME = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds()
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MAX_MARKS = 4  # combining marks on one letter; more are used to smear over other lines
_BYTE_UNITS = ("B", "KB", "MB", "GB", "TB", "PB", "EB")
_FLAGS = re.IGNORECASE | re.ASCII
_SIZE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(?:([kmgtpe])(i?)b?|b)?(?:/s|ps)?\Z", _FLAGS)
_NO_LIMIT = frozenset({"off", "none", "unlimited", "inf"})
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)\s*([smhdw])\s*)+\Z", _FLAGS)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])", _FLAGS)
_NUMBER = re.compile(r"\d+(?:\.\d+)?\Z", _FLAGS)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_MAX_INPUT = 64
_MAX_SIZE = 2**63 - 1
_MAX_DURATION_S = 100 * 366 * 86400


def display(text: str) -> str:
    """The text with everything unprintable, bidi or zero-width made visible (PROTOCOL.md 6).

    The only way for remote text onto a terminal. One line; applying it twice changes nothing more.
    """
    if text.isprintable() and text.isascii():
        return text
    shown: list[str] = []
    marks = _MAX_MARKS  # so that a leading mark, which would land on what stands before, is shown
    for character in text:
        if unicodedata.category(character) in {"Mn", "Me"}:
            marks += 1
            hidden = marks > _MAX_MARKS or is_invisible(character)
        else:
            marks = 0
            hidden = not character.isprintable() or is_invisible(character)
        shown.append(_escape(character) if hidden else character)
    return "".join(shown)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def cell_width(text: str) -> int:
    """Columns that displayed text takes on a terminal: wide letters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def elide_middle(text: str, width: int, ellipsis: str = "…") -> str:
    """The text in at most `width` columns; what is too much goes from its middle.

    `ellipsis`, one column wide, stands where something is left out.
    """
    if cell_width(text) <= width:
        return text
    if width <= 0:
        return ""
    head = _fitting(text, width // 2)
    tail = _fitting(text[::-1], width - 1 - cell_width(head))[::-1]
    return f"{head}{ellipsis}{tail}"


def _fitting(text: str, width: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _character_width(character)
        if used > width:
            return text[:index]
    return text


def format_bytes(count: int) -> str:
    """A size: `0 B`, `18 KB`, `4.1 MB`, `680 MB`, `3.9 GB`."""
    return _scaled(count, lambda value: 1 if value < 10 else 0)


def format_rate(rate_bps: float) -> str:
    """A rate in bytes per second, always with one decimal: `17.2 MB/s`."""
    return _scaled(rate_bps, lambda _value: 1) + "/s"


def _scaled(count: float, decimals_for: Callable[[float], int]) -> str:
    value = max(count, 0)
    if value < 1000:
        return f"{value:.0f} B" if f"{value:.0f}" != "1000" else "1.0 KB"
    for unit in _BYTE_UNITS[1:]:
        value /= 1000
        decimals = decimals_for(value)
        shown = f"{value:.{decimals}f}"
        if decimals and float(shown) >= 10:
            shown = f"{value:.{decimals_for(float(shown))}f}"
        if float(shown) < 1000:
            return f"{shown} {unit}"
    return f"{shown} {_BYTE_UNITS[-1]}"


def format_count(count: int) -> str:
    """A number in groups of three: `12 408` (no-break spaces are not used: terminals differ)."""
    return f"{count:,}".replace(",", " ")


def format_duration(seconds: float) -> str:
    """A time taken: `38 ms`, `1.9 s`, `21 s`, `6 min 48 s`, `2 h 05 min`, `3 d 4 h`, `7 d`."""
    seconds = max(seconds, 0.0)
    if round(seconds * 1000) < 1000:
        return f"{round(seconds * 1000)} ms"
    if round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def parse_size(text: str) -> int:
    """Bytes of `64 MiB`, `1.5g`, `700 MB`, `4096`."""
    match = _SIZE.match(text.strip()) if len(text) <= _MAX_INPUT else None
    if match is None:
        raise _bad_quantity(text, "a size", "Write it like 500 MB, 2 GiB or 4096 (bytes).")
    number, letter, binary = match.groups()
    power = "kmgtpe".index(letter.lower()) + 1 if letter else 0
    unit: int = (1024 if binary else 1000) ** power
    size = round(float(number) * unit)
    if size > _MAX_SIZE:
        raise _bad_quantity(text, "a size", "It is larger than any disk.")
    return size


def parse_rate(text: str) -> int | None:
    """Bytes per second of `20M`, `500 KB/s`, `1 MiB/s`; None for `off`, `none` or `unlimited`.

    Zero is refused: it would stop everything without saying so.
    """
    if text.strip().lower() in _NO_LIMIT:
        return None
    hint = "Write it like 500 KB/s or 20M (bytes per second), or off for no limit."
    try:
        rate_bps = parse_size(text)
    except P2PError as error:
        raise _bad_quantity(text, "a rate", hint) from error
    if rate_bps == 0:
        raise _bad_quantity(text, "a rate", hint)
    return rate_bps


def parse_duration(text: str) -> float:
    """Seconds of `90`, `30s`, `24h`, `1h30m`, `7d`, `2w`."""
    text = text.strip()
    hint = "Write it like 30s, 15m, 24h or 7d."
    if len(text) > _MAX_INPUT:
        raise _bad_quantity(text, "a duration", hint)
    if _NUMBER.match(text):
        seconds = float(text)
    elif _DURATION.match(text):
        parts = _DURATION_PART.findall(text)
        sizes = [_SECONDS[unit.lower()] for _number, unit in parts]
        if any(larger <= smaller for larger, smaller in pairwise(sizes)):
            raise _bad_quantity(text, "a duration", hint)
        seconds = sum(float(number) * size for (number, _), size in zip(parts, sizes, strict=True))
    else:
        raise _bad_quantity(text, "a duration", hint)
    if seconds > _MAX_DURATION_S:
        raise _bad_quantity(text, "a duration", "It is longer than a hundred years.")
    return seconds


def _bad_quantity(text: str, what: str, hint: str) -> P2PError:
    return usage_error(f"Not {what}", repr(elide_middle(display(text), 40)), hint)


def rfc3339(seconds: float) -> str:
    """Seconds since 1970 as RFC 3339 in UTC with milliseconds, clamped to the years 1 to 9999."""
    clamped = min(max(seconds, _FIRST_TIME), _LAST_TIME)
    moment = _EPOCH + timedelta(milliseconds=round(clamped * 1000))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_minute(seconds: float) -> str:
    """Seconds since 1970 on the clock of this machine, to the minute."""
    return _local(seconds).strftime("%Y-%m-%d %H:%M")


def local_second(seconds: float) -> str:
    """Seconds since 1970 on the clock of this machine, to the second."""
    return _local(seconds).strftime("%Y-%m-%d %H:%M:%S")


def local_clock(seconds: float) -> str:
    """A moment of these days, in seconds since 1970, as this machine's clock shows it."""
    return _local(seconds).strftime("%H:%M:%S")


def _local(seconds: float) -> datetime:
    clamped = min(max(seconds, 0.0), _LAST_TIME - 86400.0)
    return datetime.fromtimestamp(clamped).astimezone()


def clamp_mtime(seconds: float) -> int:
    """A modification time that every file system takes: whole seconds from 1970 to 2106."""
    return int(min(max(seconds, 0), MAX_MTIME))
