"""Names of files: what may be on the wire, what is written to disk, what collides (PROTOCOL.md 6).

Pure. A wire path is a tuple of components, the file's own name last. Remote names become local ones
through `safe_name` alone; nothing here looks at a disk.
"""

import unicodedata

MAX_NAME_BYTES = 255
"""Longest component on the wire, in bytes of UTF-8."""
MAX_PATH_PARTS = 32
"""Most components of a wire path."""
MAX_SAFE_BYTES = 240
"""Longest name that is written to disk: room is left for ` (2)` and for `.part`."""

_MAX_SUFFIX_BYTES = 32
_FORBIDDEN_ON_DISK = frozenset('<>:"/\\|?*')
# `-` would be read as an option, `~` and `$` by a shell, `.` hides a file.
_FORBIDDEN_FIRST = frozenset(".-~$")
_DEVICE_DIGITS = "123456789¹²³"  # Windows takes COM¹ for COM1
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {port + digit for port in ("COM", "LPT") for digit in _DEVICE_DIGITS}
)
# Letters, marks and symbols that leave no trace on a screen (Default_Ignorable_Code_Point outside
# the general category Cf, and the blank Braille pattern).
_INVISIBLE_RANGES = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800),
    (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
)  # fmt: skip
_INVISIBLE = frozenset(
    chr(code) for first, last in _INVISIBLE_RANGES for code in range(first, last + 1)
)
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class BadName(ValueError):  # noqa: N818  (the condition, as in "bad name: …")
    """A name that may not go on the wire. `reason` says why in a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_invisible(character: str) -> bool:
    """Whether a character is a control, bidi, zero-width, line-separator or other unseen one."""
    return unicodedata.category(character) in _UNSEEN_CATEGORIES or character in _INVISIBLE


def check_name(name: str) -> str:  # noqa: PLR0911  (each rule has a reason of its own)
    """Why this is no component of a wire path; empty when it is one (PROTOCOL.md 6)."""
    if not name:
        return "an empty name"
    if name in {".", ".."}:
        return "a name that is . or .."
    if "/" in name or "\\" in name:
        return "a slash or backslash in a name"
    if name.isascii():
        if len(name) > MAX_NAME_BYTES:
            return f"a name over {MAX_NAME_BYTES} bytes"
        return "" if name.isprintable() else "a control character in a name"
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        return "a name that is not UTF-8"
    if size > MAX_NAME_BYTES:
        return f"a name over {MAX_NAME_BYTES} bytes"
    if any(unicodedata.category(character) == "Cc" for character in name):
        return "a control character in a name"
    if not unicodedata.is_normalized("NFC", name):
        return "a name that is not NFC"
    return ""


def check_wire_path(path: tuple[str, ...]) -> str:
    """Why this is no wire path; empty when it is one (PROTOCOL.md 6)."""
    if not path:
        return "an empty path"
    if len(path) > MAX_PATH_PARTS:
        return f"a path of more than {MAX_PATH_PARTS} parts"
    for name in path:
        reason = check_name(name)
        if reason:
            return reason
    return ""


def wire_path(relative: str) -> tuple[str, ...]:
    """The wire path of a relative path whose separator is `/`, in NFC.

    Raises `BadName` when a component may not go on the wire: it is empty, not UTF-8, too long, …
    """
    try:
        path = tuple(unicodedata.normalize("NFC", relative).split("/"))
    except UnicodeEncodeError as error:
        raise BadName("a name that is not UTF-8") from error
    reason = check_wire_path(path)
    if reason:
        raise BadName(reason)
    return path


def join_path(path: tuple[str, ...]) -> str:
    """A wire path as one string, its components joined with `/`: for lists and for searching."""
    return "/".join(path)


def safe_name(name: str) -> str:
    """A name to be written to disk, the same on every system; never empty (PROTOCOL.md 6).

    At most `MAX_SAFE_BYTES` bytes; applying it twice changes nothing more.
    """
    name = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    name = "".join("_" if _is_forbidden(character) else character for character in name)
    name = _trim(name)
    stem, suffix = _split_suffix(name)
    if stem.partition(".")[0].rstrip().upper() in _DEVICES:
        stem = f"_{stem}"
    return _shorten(stem, suffix)


def numbered_name(name: str, number: int) -> str:
    """`name (2).ext`: the name that a file gets when `name.ext` is taken; still a safe name."""
    stem, suffix = _split_suffix(name)
    return _shorten(stem, f" ({number}){suffix}")


def collision_key(name: str) -> str:
    """Equal for two names that some file system takes for one: `A.txt` and `a.txt`, NFC and NFD."""
    folded = unicodedata.normalize("NFC", name).casefold()
    return unicodedata.normalize("NFC", folded)


def _is_forbidden(character: str) -> bool:
    return character in _FORBIDDEN_ON_DISK or is_invisible(character)


def _trim(name: str) -> str:
    name = name.strip()
    while name and (name[-1] == "." or name[-1].isspace()):
        name = name[:-1]
    if not name:
        return "_"
    return f"_{name[1:]}" if name[0] in _FORBIDDEN_FIRST else name


def _split_suffix(name: str) -> tuple[str, str]:
    """Stem and suffix (with its dot); a suffix that is too long for one belongs to the stem."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode("utf-8")) >= _MAX_SUFFIX_BYTES or " " in suffix:
        return name, ""
    return stem, dot + suffix


def _shorten(stem: str, suffix: str) -> str:
    room = MAX_SAFE_BYTES - len(suffix.encode("utf-8"))
    encoded = stem.encode("utf-8")
    if len(encoded) > room:
        stem = encoded[:room].decode("utf-8", "ignore")
        if not suffix:
            stem = _trim(stem)
    return stem + suffix
