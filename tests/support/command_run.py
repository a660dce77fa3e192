"""Running single commands and whole shell sessions against fakes, and what they wrote."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from p2ptui.command_context import Context
from p2ptui.command_line import Parsed, parse_line
from p2ptui.commands import Side
from p2ptui.output import Output
from p2ptui.progress import NoProgress, Progress, ProgressSink

Api = TypeVar("Api")


async def until(condition: Callable[[], object]) -> None:
    """Let others run until the condition holds; fails after ten seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (there is no event to wait for)
            await asyncio.sleep(0)


class Shown:
    """A progress that remembers what was shown."""

    def __init__(self) -> None:
        self.all: list[Progress] = []
        self.cleared = 0

    def show(self, progress: Progress) -> None:
        self.all.append(progress)

    def clear(self) -> None:
        self.cleared += 1


class Desk:
    """Where commands are run, and what came of them."""

    def __init__(self, api: Any, *, as_json: bool = False) -> None:
        self.api = api
        self.out: list[str] = []
        self.err: list[str] = []
        self.progress: ProgressSink = NoProgress()
        self.wait = True
        self.ask: Callable[[str], Awaitable[bool]] | None = None
        self.output = Output(as_json=as_json, out=self.out.append, err=self.err.append)

    @property
    def context(self) -> Context[Any]:
        return Context(
            api=self.api, out=self.output, progress=self.progress, wait=self.wait, ask=self.ask
        )

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON objects that were written."""
        return [json.loads(line) for line in self.out]

    async def run(
        self,
        handlers: dict[str, Callable[[Context[Any], Parsed], Awaitable[None]]],
        line: str,
        side: Side = "peer",
    ) -> None:
        parsed = parse_line(line, side)
        assert parsed is not None
        command, args = parsed
        await handlers[command.name](self.context, args)
