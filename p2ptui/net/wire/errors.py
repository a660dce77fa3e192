"""What may be wrong with what the other side sent."""

from p2ptui.net.wire.messages import GoodbyeCode


class ProtocolViolation(Exception):  # noqa: N818  (the word of PROTOCOL.md 7)
    """The other side broke the protocol: that connection ends with `code`, nobody else's.

    `reason` is told to the other side and written to the log, so it holds no remote text.
    """

    def __init__(self, reason: str, code: GoodbyeCode = "protocol") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code: GoodbyeCode = code
