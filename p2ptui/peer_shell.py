"""The peer's shell: what it is given to talk with a node."""

import asyncio
from dataclasses import replace

from p2ptui import __version__
from p2ptui.base.paths import Home
from p2ptui.base.settings import Settings
from p2ptui.base.text import display, format_duration, format_rate
from p2ptui.command_context import Context, absolute_path
from p2ptui.command_line import Parsed
from p2ptui.commands import PEER
from p2ptui.completion import LineCompleter
from p2ptui.hashing import run_hash
from p2ptui.headless import chosen, node_sentence
from p2ptui.node.api import HostPage, NodeApi, Page
from p2ptui.node.events import Connected, Disconnected, Section
from p2ptui.node.remote import RemoteNode
from p2ptui.output import Output
from p2ptui.peer_commands import HANDLERS
from p2ptui.peer_commands import join as join_command
from p2ptui.peer_program import prepare
from p2ptui.peer_tables import FINAL_STATES, peer_name, tracker_text
from p2ptui.peer_waiting import rows_of
from p2ptui.shell import Handler, Telling
from p2ptui.shell_io import Completer
from p2ptui.shell_program import Front, run_shell

STATUS_S = 0.5
CANDIDATES = 50
TOLD = (
    "connected", "disconnected", "published", "file_problem", "fetch_finished", "fetch_failed",
    "fetch_state", "notice", "resync",
)  # fmt: skip


async def run_peer_shell(home: Home, settings: Settings, args: Parsed) -> int:
    """`p2ptui peer --shell`; the exit code."""

    async def begin(context: Context[NodeApi], was_running: bool) -> None:
        await begin_with(context, args, was_running=was_running)

    front: Front[RemoteNode] = Front(
        side="peer",
        what="node",
        place=home.node,
        remote=RemoteNode,
        arguments=engine_arguments(args),
        handlers=typed_handlers(home, settings),
        prepare=prepare,
        telling=_telling,
        completer=completer,
        begin=begin,
        welcome=_welcome,
    )
    return await run_shell(front, as_json=args.flag("json"))


def typed_handlers(home: Home, settings: Settings) -> dict[str, Handler[NodeApi]]:
    """What carries out the commands that are typed at a prompt."""

    async def doctor(context: Context[NodeApi], _words: Parsed) -> None:
        from p2ptui.doctor import run_doctor  # noqa: PLC0415  (loads what a front-end needs not)

        await run_doctor(home, settings, context.out)

    return {**HANDLERS, "doctor": doctor, "hash": _hash}


async def begin_with(context: Context[NodeApi], args: Parsed, *, was_running: bool) -> None:
    """Do what the flags of `p2ptui peer` ask of a node that is attached to."""
    if was_running:
        await _apply_flags(context, args)
    if args.text("tracker"):
        words = Parsed(param0=args.text("tracker"), trust=args.text("trust"))
        await join_command(replace(context, out=_for_people(context.out)), words)


async def _hash(context: Context[NodeApi], words: Parsed) -> None:
    await asyncio.to_thread(run_hash, words, context.out, progress=False)


def engine_arguments(args: Parsed) -> list[str]:
    """The command line that starts a node. Joining is the front-end's: it may have to ask."""
    words: list[str] = ["peer", "--headless"]
    for option in PEER.options:
        if not option.setting.startswith("peer.") or option.name == "--tracker":
            continue
        values = args.many(option.key) if option.repeat else (args.text(option.key),)
        for value in values:
            if value:
                local = option.metavar == "DIR"
                words += [option.name, absolute_path(value) if local else value]
    return words


async def _apply_flags(context: Context[NodeApi], args: Parsed) -> None:
    """Do for a node that runs already what its flags would have done, or say that it cannot be."""
    for folder in args.many("share"):
        await context.api.share(absolute_path(folder), on=True)
    late = [name for name in ("downloads", "listen", "nick") if args.text(name)]
    if late:
        names = ", ".join(f"--{name}" for name in late)
        context.out.say(f"The node of this home runs already: {names} counts from its next start.")


def _for_people(out: Output) -> Output:
    return out.with_json(as_json=False)


async def _welcome(api: RemoteNode) -> str:
    status = await api.status()
    lines = [
        f"p2ptui {__version__}: you are {display(peer_name(status.nick, status.peer_id))}",
        f"Tracker: {tracker_text(status.tracker)}",
        f"Repository folder: {display(status.downloads)} (all in it is shared)",
    ]
    if status.tracker.state == "none":
        lines.append("Type: join LINK (from the tracker's admin), or help")
    else:
        lines.append("Type: search WORDS, fetch NAME, publish FILE, peers, help, exit")
    return "\n".join(lines)


class Teller:
    """Sentences for a prompt: what a user cares for, and a lost tracker once, not at every try."""

    def __init__(self) -> None:
        self._sentence = chosen(TOLD, node_sentence)
        self._lost = ""

    def __call__(self, event: object) -> str:
        """The sentence, or nothing."""
        if isinstance(event, Disconnected):
            if event.reason == self._lost:
                return ""
            self._lost = event.reason
        elif isinstance(event, Connected):
            self._lost = ""
        return self._sentence(event)


def _telling(api: RemoteNode) -> Telling:
    return Telling(
        feed=lambda: api.feed(("transfers",), STATUS_S),
        sentence=Teller(),
        status=status_line,
    )


def status_line(item: object) -> str | None:
    """What runs, for the line below the prompt; None for what is no section."""
    if not isinstance(item, Section):
        return None
    running = [
        row
        for row in rows_of(item.value)
        if row.direction == "down" and row.state not in FINAL_STATES
    ]
    if not running:
        return ""
    first = running[0]
    share = first.done * 100 // first.size if first.size else 100
    rate = format_rate(first.rate_bps) if first.rate_bps else first.state.replace("_", " ")
    left = f", {format_duration(first.eta_s)} left" if first.eta_s is not None else ""
    more = f"; {len(running) - 1} more" if len(running) > 1 else ""
    return f"{display(first.name)}: {share} %, {rate}{left}{more}"


def completer(api: NodeApi) -> Completer:
    """Completion by what a node knows."""

    async def own(text: str) -> list[str]:
        page = await api.library(Page(filter=text, limit=CANDIDATES))
        return [row.name for row in page.rows]

    async def offered(text: str) -> list[str]:
        if not text:
            return []
        page = await api.search(text, Page(limit=CANDIDATES))
        return [name for row in page.rows for name in row.names]

    async def hosts(text: str) -> list[str]:
        page: HostPage = await api.peers(Page(filter=text, limit=CANDIDATES))
        return [row.nick or row.peer_id for row in page.rows]

    async def transfers(_text: str) -> list[str]:
        page = await api.transfers(Page(limit=CANDIDATES))
        return [str(row.id) for row in page.rows if row.state not in FINAL_STATES]

    return LineCompleter(
        "peer", {"own": own, "offered": offered, "host": hosts, "transfer": transfers}
    )
