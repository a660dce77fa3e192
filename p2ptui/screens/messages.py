"""What the peer's screen tells the app."""

from dataclasses import dataclass

from textual.message import Message


@dataclass
class NodeGone(Message):
    """The node's feed ended and nobody asked for that."""

    reason: str
