"""What a command is: its words, parameters and options. Plain data, cheap to import."""

from typing import Literal, NamedTuple

Side = Literal["peer", "tracker"]
Place = Literal["cli", "shell", "screen"]
Takes = Literal["one", "optional", "many", "any"]
"""How many words a parameter takes: one, at most one, at least one, any number."""
Completion = Literal["", "path", "folder", "own", "offered", "host", "transfer", "command"]
"""What completes a parameter: a local path, our own files, files of others, members, …"""
Need = Literal["nothing", "node", "members", "swarm"]
"""What must be there; `members`: the tracker, or members in reach that answer in its place."""
"""What must be there: nothing, a node or tracker, a node that is connected to its tracker."""

EVERYWHERE: frozenset[Place] = frozenset({"cli", "shell", "screen"})
TYPED: frozenset[Place] = frozenset({"shell", "screen"})
ONE_SHOT: frozenset[Place] = frozenset({"cli"})
LINES: frozenset[Place] = frozenset({"cli", "shell"})


class Param(NamedTuple):
    """A positional argument."""

    name: str
    help: str
    takes: Takes = "one"
    completion: Completion = ""
    behind: str = ""
    """What may stand behind it, for the usage line."""

    @property
    def usage(self) -> str:
        """How it stands in a usage line."""
        shape = self.name if self.takes in {"one", "many"} else f"[{self.name}]"
        return f"{shape} {self.behind}".rstrip()


class Option(NamedTuple):
    """A flag; without `metavar` it takes no value."""

    name: str
    help: str
    metavar: str = ""
    repeat: bool = False
    setting: str = ""
    """The setting that it overrides (`peer.nick`)."""
    places: frozenset[Place] = EVERYWHERE

    @property
    def key(self) -> str:
        """Its name among the parsed arguments."""
        return self.name.removeprefix("--").replace("-", "_")


JSON = Option("--json", "print JSON, one object a line", places=LINES)
LIMIT = Option("--limit", "show at most N rows (default 200; 0: all)", "N")
SORT = Option("--sort", "sort by a field; a leading - reverses", "FIELD")


class Command(NamedTuple):
    """One command."""

    name: str
    help: str
    group: str
    side: Side = "peer"
    params: tuple[Param, ...] = ()
    options: tuple[Option, ...] = ()
    places: frozenset[Place] = EVERYWHERE
    aliases: tuple[str, ...] = ()
    need: Need = "node"
    more: str = ""

    def usage(self, prefix: str = "") -> str:
        """`fetch NAME [IP PORT] [--to DIR]`, as people write it."""
        words = [self.name]
        words += [param.usage for param in self.params]
        words += [f"[{_option_usage(option)}]" for option in self.options]
        return prefix + " ".join(words)


def _option_usage(option: Option) -> str:
    usage = f"{option.name} {option.metavar}" if option.metavar else option.name
    return f"{usage} …" if option.repeat else usage
