"""A peer that lies, for the demo: the program itself, but for one byte of every chunk it sends.

Its files, its certificate, its words are true; only what it sends is not what its content id names.
"""

import sys

from p2ptui.cli import main
from p2ptui.node.open_content import OpenContent

_true_read = OpenContent.read


def _read_wrong(content: OpenContent, index: int) -> bytes:
    chunk = bytearray(_true_read(content, index))
    chunk[0] ^= 0xFF
    return bytes(chunk)


def _read_nothing(_content: OpenContent, _index: int, _into: memoryview) -> bool:
    return False  # so that all is read by the other way


if __name__ == "__main__":
    OpenContent.read = _read_wrong  # type: ignore[method-assign, assignment]
    OpenContent.read_cached = _read_nothing  # type: ignore[method-assign, assignment]
    sys.exit(main())
