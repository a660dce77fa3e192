"""Questions that the screens ask, in words. The safe answer comes first."""

from collections.abc import Sequence

from p2ptui.base.errors import P2PError
from p2ptui.node.api import NodeStatus
from p2ptui.widgets.answers import Answer
from p2ptui.widgets.dialog import CLOSE, Question
from p2ptui.widgets.table_rows import Toned

KEEP = "keep"
STOP = "stop"
STAY = "stay"
YES = "yes"
START = "start"


def leave_question(status: NodeStatus) -> Question | None:
    """Asked when something is under way that ends when the node does; None: nothing is."""
    if not (status.active or status.uploads or status.hashing):
        return None
    running = []
    if status.active:
        running.append(f"{status.active} download{'s' * (status.active != 1)}")
    if status.uploads:
        running.append(f"{status.uploads} upload{'s' * (status.uploads != 1)}")
    if status.hashing:
        running.append(f"{status.hashing} file{'s' * (status.hashing != 1)} to hash")
    return Question(
        "Leave",
        (
            f"Still under way: {', '.join(running)}.",
            Toned("The node can go on without this screen; `p2ptui` comes back to it.", "dim"),
        ),
        (
            Answer(KEEP, "Keep running", "k"),
            Answer(STOP, "Stop the node", "s", tone="bad"),
            Answer(STAY, "Stay", "y"),
        ),
    )


def remove_question(names: Sequence[str], *, deletes: bool) -> Question:
    """Asked before files are deleted."""
    what = names[0] if len(names) == 1 else f"{len(names)} files"
    lines: list[str | Toned] = [f"Withdraw {what}?"]
    if deletes:
        lines.append(Toned("What lies in the repository folder is deleted.", "warn"))
    return Question(
        "Remove",
        lines,
        (Answer(STAY, "Keep", "k"), Answer(YES, "Remove", "r", tone="bad")),
        tone="warn",
    )


def failure_dialog(error: P2PError) -> Question:
    """What went wrong, and what to do."""
    lines: list[str | Toned] = [error.message] if error.message else []
    if error.hint:
        lines.append(Toned(error.hint, "accent"))
    return Question(error.title, lines, (CLOSE,), tone="bad")


def gone_dialog(what: str, reason: str, comfort: str) -> Question:
    """The engine (`what`: the node, the tracker) ended under the screen."""
    lines: list[str | Toned] = [f"The {what} that this screen was attached to has ended."]
    if reason:
        lines.append(reason)
    lines.append(Toned(comfort, "dim"))
    return Question(
        f"The {what} is gone",
        lines,
        (Answer(START, "Start it again", "s"), Answer(STOP, "Leave", "l")),
        tone="bad",
    )
