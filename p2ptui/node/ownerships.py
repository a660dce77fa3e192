"""Ownerships: what contents that others offer are to this node."""

from collections.abc import Collection

from p2ptui.base.ids import ContentId
from p2ptui.node.api import Ownership
from p2ptui.node.downloads import Downloads
from p2ptui.node.library import Library


class NodeOwnerships:
    """What this node has or is fetching."""

    def __init__(self, library: Library, downloads: Downloads) -> None:
        self._library = library
        self._downloads = downloads

    async def __call__(self, contents: Collection[ContentId]) -> dict[ContentId, Ownership]:
        """For each content that is not new, what it is to us."""
        found: dict[ContentId, Ownership] = dict.fromkeys(
            await self._library.have(contents), "have"
        )
        for content in contents:
            if content not in found and self._downloads.of_content(content) is not None:
                found[content] = "fetching"
        return found
