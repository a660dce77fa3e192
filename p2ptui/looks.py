"""How the full-screen programs look: settings and flags become `Looks`."""

import sys
from typing import TYPE_CHECKING

from p2ptui.base.paths import Home
from p2ptui.base.settings import Settings
from p2ptui.command_line import Parsed

if TYPE_CHECKING:
    from p2ptui.screens.keys import Key
    from p2ptui.screens.session import Looks


def looks_of(
    home: Home, settings: Settings, args: Parsed, keys: "tuple[Key, ...] | None" = None
) -> "Looks":
    """Theme, signs and keys; `keys` None: those of the peer.

    Raises a usage error when two keys of the settings clash.
    """
    from p2ptui.screens.keys import KEYS, keymap_of, remap  # noqa: PLC0415  (slow to load)
    from p2ptui.screens.session import Looks  # noqa: PLC0415
    from p2ptui.widgets.glyphs import ASCII, UNICODE  # noqa: PLC0415

    unicode = "utf" in (sys.stdout.encoding or "").lower()
    plain = settings.look.ascii or args.flag("ascii") or not unicode
    return Looks(
        theme=settings.look.theme,
        glyphs=ASCII if plain else UNICODE,
        keys=remap(settings.keys, str(home.settings), keys or KEYS),
        keymap=keymap_of(settings.keys),
    )
