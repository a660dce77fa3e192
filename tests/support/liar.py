"""A peer that lies in a way of its choice: the program itself, but for what it sends.

Its files, certificate and words are true. The variable `LIE` says how what it sends is not:
`first` (one byte of the first chunk), `all` (one byte of every chunk), `swap` (another chunk's
bytes), `long` (a byte too many, before the others), `short` (a chunk that ends half-way),
`manifest` (wrong hashes).
"""

import dataclasses
import os
import sys

from p2ptui.cli import main
from p2ptui.node.manifest import Manifest
from p2ptui.node.open_content import OpenContent
from p2ptui.node.store_values import FileRecord, ShareRecord

_lie = os.environ.get("LIE", "")
_true_open = OpenContent.__init__
_true_read = OpenContent.read
_served: set[int] = set()


def _open(content: OpenContent, share: ShareRecord, file: FileRecord, manifest: Manifest) -> None:
    _true_open(content, share, file, manifest)
    if _lie == "manifest":
        content.manifest = dataclasses.replace(manifest, hashes=manifest.hashes[::-1])


def _read(content: OpenContent, index: int) -> bytes:
    chunk = bytearray(_true_read(content, index))
    if _lie == "all" or (_lie == "first" and not _served):
        chunk[len(chunk) // 2] ^= 1
    elif _lie == "swap":
        chunk[:] = _true_read(content, 1 if index == 0 else 0)
    elif _lie == "long":
        chunk[:0] = b"!"
    elif _lie == "short":
        del chunk[len(chunk) // 2 :]
    _served.add(index)
    return bytes(chunk)


def _read_nothing(_content: OpenContent, _index: int, _into: memoryview) -> bool:
    return False  # so that all is read by the other way


if __name__ == "__main__":
    OpenContent.__init__ = _open  # type: ignore[method-assign, assignment]
    OpenContent.read = _read  # type: ignore[method-assign, assignment]
    OpenContent.read_cached = _read_nothing  # type: ignore[method-assign, assignment]
    sys.exit(main())
