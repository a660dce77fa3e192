"""Paths: the words for how a member is connected with this node. Pure."""

WAYS = {
    "direct": "Its port can be dialled.",
    "inbound": "It has dialled us.",
    "connect-back": "It dialled us because the tracker asked it to: its port was not reached.",
    "relay": "Neither of us can dial the other: what is fetched goes through the tracker.",
}
_SHORT = {
    "inbound": ", dialled us",
    "connect-back": ", dialled us back",
    "relay": ", by relay",
}


def by_way(path: str) -> str:
    """The way behind a member's name; nothing for the usual one, and for none."""
    return _SHORT.get(path, "")
