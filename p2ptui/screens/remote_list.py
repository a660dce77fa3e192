"""The list of one member, brought page by page into a tree, and what is fetched from it."""

from collections.abc import AsyncIterator, Iterable

import msgspec

from p2ptui.node.api import (
    BrowseRequest,
    FetchRequest,
    NodeApi,
    Ownership,
    Page,
    RemoteFile,
    RemotePage,
)
from p2ptui.screens.remote_tree import RemoteTree

PAGE = 1000
MOST = 100_000
"""Files that the tree holds; of more, a filter finds them."""


class RemoteList:
    """What a member shares. `host` is a nick, an id or the beginning of one."""

    def __init__(self, api: NodeApi, host: str) -> None:
        self._api = api
        self._host = host
        self.tree = RemoteTree()
        self.total = 0
        """Files that it has."""
        self.brought = 0
        """How many of them are in the tree."""
        self.coming = False
        """Whether more of them are on their way."""

    async def bring(self) -> AsyncIterator[RemotePage]:
        """Bring all anew, page by page; what is open stays open. May raise `P2PError`."""
        tree, brought = RemoteTree(), 0
        tree.opened = self.tree.opened
        self.coming = True
        try:
            while self.coming:
                page = await self.ask(brought, PAGE)
                tree.add(page.rows)
                brought += len(page.rows)
                self.tree, self.total, self.brought = tree, page.total, brought
                self.coming = bool(page.rows) and brought < min(page.total, MOST)
                yield page
        finally:
            self.coming = False

    async def ask(self, offset: int, limit: int, text: str = "") -> RemotePage:
        """A page of it. May raise `P2PError`."""
        page = Page(offset=offset, limit=limit, filter=text)
        return await self._api.browse(BrowseRequest(host=self._host, page=page))

    async def fetch(self, files: Iterable[RemoteFile], folders: Iterable[str]) -> int:
        """Fetch files, and folders with all below; how many downloads began."""
        begun = 0
        for file in files:
            row = await self._api.fetch(FetchRequest(target=file.content_id))
            begun += row.state != "finished"
            self.mark(file, "have" if row.state == "finished" else "fetching")
        for folder in folders:
            row = await self._api.fetch_folder(self._host, folder, "")
            begun += max(0, row.files - row.files_done)
        return begun

    def mark(self, file: RemoteFile, have: Ownership) -> None:
        """Note what became of a file."""
        if self.tree.file(file.name) is not None:
            self.tree.add((msgspec.structs.replace(file, have=have),))
