"""Where a shell's lines come from and its output goes: a terminal with a prompt, or plain lines.

On a terminal output never lands on the prompt's line: prompt_toolkit draws the prompt again below
it. In a pipe, or on a terminal that cannot move its cursor, lines are read and written as they are.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO, cast

from p2ptui.output import write_line
from p2ptui.progress import NoProgress, ProgressSink

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.shortcuts import PromptSession

BUNDLED_S = 0.05
"""What is written above a prompt within that time is drawn at once."""
Completer = Callable[[str], Awaitable[list[str]]]
"""What may stand in place of the last word of a line."""


class ShellIO(Protocol):
    """A shell's way to its user."""

    @property
    def interactive(self) -> bool:
        """Whether a person types at a prompt."""
        ...

    @property
    def progress(self) -> ProgressSink:
        """Where the progress of the command that is waited for is shown."""
        ...

    async def read(self) -> str | None:
        """The next line; None at the end of the input."""
        ...

    async def confirm(self, question: str) -> bool:
        """A yes or a no of the person at the terminal."""
        ...

    def status(self, text: str) -> None:
        """What the bottom line of the terminal shows, where there is one."""
        ...


class PlainIO:
    """Lines of stdin, read by a thread that does not hold up the process's end."""

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt if sys.stdin.isatty() and sys.stdout.isatty() else ""
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._wanted = threading.Semaphore(0)
        self._loop = asyncio.get_running_loop()
        self._at_end = False
        self.progress: ProgressSink = NoProgress()
        threading.Thread(target=self._read_lines, name="stdin", daemon=True).start()

    @property
    def interactive(self) -> bool:
        """Whether a person types at a prompt."""
        return bool(self._prompt)

    async def read(self) -> str | None:
        """The next line; None at the end."""
        if self._at_end:
            return None
        if self._prompt:
            sys.stdout.write(self._prompt)
            sys.stdout.flush()
        self._wanted.release()
        line = await self._lines.get()
        self._at_end = line is None
        return line

    async def confirm(self, question: str) -> bool:
        """A yes or a no."""
        write_line(sys.stdout, f"{question} [y/N]")
        return (await self.read() or "").strip().lower() in {"y", "yes"}

    def status(self, text: str) -> None:
        """Plain lines have no place for it."""

    def _read_lines(self) -> None:
        while True:
            self._wanted.acquire()
            try:
                line = sys.stdin.readline()
            except (OSError, ValueError):
                line = ""
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(
                    self._lines.put_nowait, line.rstrip("\n") if line else None
                )
            if not line:
                return


class PromptIO:
    """A prompt with history, completion and a status line."""

    def __init__(self, prompt: str, history: Path, completer: Completer) -> None:
        self._prompt = prompt
        self._status = ""
        self._session = _session(history, completer, lambda: self._status)
        self.progress: ProgressSink = NoProgress()

    @property
    def interactive(self) -> bool:
        """A person types."""
        return True

    async def read(self) -> str | None:
        """The next line; None at Ctrl-D. Ctrl-C drops the line that is being typed."""
        while True:
            try:
                return await self._ask(self._prompt)
            except EOFError:
                return None
            except KeyboardInterrupt:
                write_line(sys.stdout, "(exit leaves, help lists the commands)")

    async def confirm(self, question: str) -> bool:
        """A yes or a no."""
        try:
            answer = await self._ask(f"{question} [y/N] ")
        except (EOFError, KeyboardInterrupt):
            return False
        return answer.strip().lower() in {"y", "yes"}

    async def _ask(self, prompt: str) -> str:
        # Only while a prompt stands: what was written before must be there before it is drawn.
        with _written_above():
            return await self._session.prompt_async(prompt)

    def status(self, text: str) -> None:
        """Show a text below the prompt."""
        if text != self._status:
            self._status = text
            self._session.app.invalidate()


def _session(
    history: Path, completer: Completer, status: Callable[[], str]
) -> "PromptSession[str]":
    from prompt_toolkit.completion import Completer as Base  # noqa: PLC0415  (slow; terminals only)
    from prompt_toolkit.completion import Completion  # noqa: PLC0415
    from prompt_toolkit.history import FileHistory, InMemoryHistory  # noqa: PLC0415
    from prompt_toolkit.shortcuts import PromptSession  # noqa: PLC0415

    class WordCompleter(Base):
        def get_completions(self, *_arguments: object) -> "Iterator[Completion]":
            return iter(())

        async def get_completions_async(
            self, document: "Document", _complete_event: "CompleteEvent"
        ) -> "AsyncGenerator[Completion, None]":
            line = document.text_before_cursor
            for text in await completer(line):
                yield Completion(text, start_position=-len(last_word(line)))

    return PromptSession(
        history=FileHistory(os.fspath(history)) if _make_private(history) else InMemoryHistory(),
        completer=WordCompleter(),
        complete_while_typing=False,
        bottom_toolbar=lambda: status() or None,
        enable_open_in_editor=False,
    )


@contextlib.contextmanager
def _written_above() -> Iterator[None]:
    """What is written while the block runs goes above the prompt that stands there."""
    from prompt_toolkit.patch_stdout import StdoutProxy  # noqa: PLC0415  (terminals only)

    with (
        StdoutProxy(sleep_between_writes=BUNDLED_S, raw=True) as above,
        contextlib.redirect_stdout(cast("TextIO", above)),
        contextlib.redirect_stderr(cast("TextIO", above)),
    ):
        yield


def _make_private(path: Path) -> bool:
    """Make the history's file, for its owner alone; whether it can be used."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return False
    return True


def last_word(line: str) -> str:
    """The word that is being typed, with an opening quote when it has one."""
    quote = line.rfind('"')
    if quote >= 0 and line.count('"') % 2:
        return line[quote:]
    return line.rpartition(" ")[2]


@contextlib.contextmanager
def terminal(prompt: str, history: Path, completer: Completer) -> Iterator[ShellIO]:
    """The way to the user that this process's stdin and stdout allow."""
    fancy = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    if not fancy:
        yield PlainIO(prompt)
        return
    yield PromptIO(prompt, history, completer)
