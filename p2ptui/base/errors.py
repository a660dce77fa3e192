"""Errors that people read, and the exit codes of the commands (README.md, In scripts)."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit code of a command; stable for scripts."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    SECURITY = 3
    NOT_FOUND = 4
    UNREACHABLE = 5
    STORAGE = 6
    INTERRUPTED = 130


class P2PError(Exception):
    """An expected failure that a person can act on: what, why, what to do.

    `title` is a short phrase, `message` says what happened, `hint` what to do about it.
    """

    def __init__(
        self,
        title: str,
        message: str = "",
        hint: str = "",
        *,
        exit_code: ExitCode = ExitCode.UNEXPECTED,
    ) -> None:
        super().__init__(title, message, hint)
        self.title = title
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def __str__(self) -> str:
        return ": ".join(part for part in (self.title, self.message) if part)


def usage_error(title: str, message: str = "", hint: str = "") -> P2PError:
    """A wrong command, argument or setting (exit 2)."""
    return P2PError(title, message, hint, exit_code=ExitCode.USAGE)


def security_stop(title: str, message: str = "", hint: str = "") -> P2PError:
    """A proof of identity that failed: never retried by itself (exit 3)."""
    return P2PError(title, message, hint, exit_code=ExitCode.SECURITY)


def not_found(title: str, message: str = "", hint: str = "") -> P2PError:
    """No such name, no source, or a content that does not verify (exit 4)."""
    return P2PError(title, message, hint, exit_code=ExitCode.NOT_FOUND)


def unreachable(title: str, message: str = "", hint: str = "") -> P2PError:
    """The tracker or a peer does not answer (exit 5)."""
    return P2PError(title, message, hint, exit_code=ExitCode.UNREACHABLE)


def storage_error(title: str, message: str = "", hint: str = "") -> P2PError:
    """No space, or not readable or writable (exit 6)."""
    return P2PError(title, message, hint, exit_code=ExitCode.STORAGE)
