"""What the demo tells of its steps."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from p2ptui.base.errors import P2PError


class Told(msgspec.Struct, frozen=True):
    """What is told of a step: a sentence, and the figures in it."""

    text: str
    figures: Mapping[str, object]


Step = Callable[[], Awaitable[Told]]


def wrong(what: str, found: object) -> P2PError:
    """A step that came out otherwise than it must."""
    return P2PError(what, f"found: {found}")
