"""`p2ptui hash FILE`: the content id of a local file, without a node."""

import os
import shutil
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import msgspec

from p2ptui.base.errors import P2PError, storage_error, usage_error
from p2ptui.base.ids import content_id_text
from p2ptui.base.text import display
from p2ptui.command_context import absolute_path
from p2ptui.command_line import Parsed
from p2ptui.node.hasher import FileChanged, HashProgress, hash_handle
from p2ptui.node.manifest import Manifest
from p2ptui.node.shared_files import mark_of
from p2ptui.output import Output
from p2ptui.progress import Progress, ProgressLine

SHOWN_EVERY_S = 0.25


class Hashed(msgspec.Struct, frozen=True):
    """The result as `--json` prints it."""

    content_id: str
    size: int
    path: str


def run_hash(args: Parsed, out: Output, *, progress: bool) -> None:
    """Print the content id of a file. Blocks; raises `P2PError`.

    `progress`: whether it may be shown on stderr, where that is a terminal.
    """
    path = Path(absolute_path(args.word(0)))
    show = progress and not out.as_json and sys.stderr.isatty()
    try:
        manifest = _hash(path, show=show)
    except OSError as error:
        raise _unreadable(path, error) from error
    except FileChanged as error:
        raise storage_error(
            "The file changed while it was read", str(path), "Try again when nobody writes to it."
        ) from error
    content_id = content_id_text(manifest.content_id)
    out.result(
        Hashed(content_id, manifest.size, str(path)), f"{content_id}  {display(args.word(0))}"
    )


def _unreadable(path: Path, error: OSError) -> P2PError:
    if isinstance(error, FileNotFoundError):
        return usage_error("No such file", str(path), "Check the name; quote it if it has spaces.")
    return storage_error("Cannot read the file", f"{path}: {error.strerror}", "Check its rights.")


def _hash(path: Path, *, show: bool) -> Manifest:
    # O_NONBLOCK: a FIFO must not hang us before we have seen what it is.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    progress = HashProgress()
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            what = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
            raise usage_error("Not a file", f"{path} is {what}.", "Name a single file.")
        with _shown(path.name, found.st_size, progress) if show else nullcontext():
            return hash_handle(handle, mark_of(found), progress)
    finally:
        os.close(handle)


@contextmanager
def _shown(name: str, size: int, progress: HashProgress) -> Iterator[None]:
    over = threading.Event()
    thread = threading.Thread(target=_show, args=(name, size, progress, over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _show(name: str, size: int, progress: HashProgress, over: threading.Event) -> None:
    line = ProgressLine(sys.stderr, shutil.get_terminal_size().columns)
    start = time.monotonic()
    while not over.wait(SHOWN_EVERY_S):
        rate_bps = progress.done / (time.monotonic() - start)
        line.show(Progress(f"hashing {name}", progress.done, size, rate_bps))
    line.clear()
