"""Discarding: what a download that was given up has on disk is removed."""

import logging
from collections.abc import Callable
from pathlib import Path

from p2ptui.base.errors import P2PError
from p2ptui.base.ids import ContentId
from p2ptui.net.loop import Offload
from p2ptui.node.manifest import Manifest
from p2ptui.node.partial import Partial, stored_manifest

log = logging.getLogger(__name__)


async def throw_away(
    folder: Path,
    content: ContentId,
    *,
    open_partial: Callable[[Path, Manifest], Partial],
    offload: Offload,
) -> None:
    """Remove the partial of a content; one that cannot be removed is left and logged."""
    manifest = await offload(stored_manifest, folder, content)
    if manifest is None:
        return
    try:
        partial = await offload(open_partial, folder, manifest)
        await offload(partial.discard)
    except P2PError as error:
        log.warning("a partial in %s stays: %s", folder, error)
