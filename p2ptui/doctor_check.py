"""A check of the doctor: what was looked at, what was found, and what to do about it. Pure."""

from typing import Literal

import msgspec

from p2ptui.base.errors import ExitCode


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    check: str
    state: Literal["ok", "warning", "problem"]
    found: str
    hint: str = ""
    exit_code: int = ExitCode.DONE


def ok(check: str, found: str) -> Check:
    """All is well."""
    return Check(check, "ok", found)


def warning(check: str, found: str, hint: str) -> Check:
    """It works, with less than there could be."""
    return Check(check, "warning", found, hint)


def problem(check: str, found: str, hint: str, code: ExitCode) -> Check:
    """It cannot work so."""
    return Check(check, "problem", found, hint, int(code))
