"""One engine a home: a lock file that is held for as long as the process lives."""

import contextlib
import importlib
import os
from pathlib import Path
from typing import Self

from p2ptui.base.errors import P2PError, usage_error


class HomeLock:
    """An exclusive lock; the kernel drops it with the process, however that ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.release()

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """The lock, or None when another process holds it. Raises `P2PError` (usage, F102)."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise usage_error(
                "The home cannot be used",
                f"{path.parent}: {error.strerror or error}",
                "Make it writable, or name another one with P2PTUI_HOME.",
            ) from error
        if not _lock(descriptor):
            os.close(descriptor)
            return None
        with contextlib.suppress(OSError):  # the number is for people; a full disk may lack it
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        return cls(descriptor)

    def release(self) -> None:
        """Let others have it. The file stays: removing it would let two in at once."""
        os.close(self._descriptor)


def in_use(path: Path, what: str) -> P2PError:
    """What the second of two engines on one home is told (F120)."""
    holder = ""
    with contextlib.suppress(OSError, ValueError):
        holder = f" (process {int(path.read_text()[:20])})"
    command = "p2ptui tracker" if what == "tracker" else "p2ptui"
    return usage_error(
        "This home is in use",
        f"A {what}{holder} already runs in {path.parent}.",
        f"Stop it with `{command} stop`, or name another home with P2PTUI_HOME.",
    )


def _lock(descriptor: int) -> bool:
    if os.name == "nt":
        msvcrt = importlib.import_module("msvcrt")
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    fcntl = importlib.import_module("fcntl")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
