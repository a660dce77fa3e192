"""What a screen of an engine tells the app."""

from dataclasses import dataclass

from textual.message import Message


@dataclass
class EngineGone(Message):
    """The engine's feed ended and nobody asked for that."""

    reason: str
