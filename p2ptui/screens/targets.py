"""What an action of a pane is for: the marked rows, or the row under the cursor. Pure values."""

from dataclasses import dataclass

from p2ptui.base.ids import PeerId, TransferId


@dataclass(frozen=True, slots=True)
class Target:
    """One row, as far as other screens have to know it."""

    name: str
    """Whole name, with `/`; may be hostile."""
    content_id: str = ""
    """Text form; empty: not hashed yet, or a folder, or a host."""
    transfer: TransferId | None = None
    host: PeerId | None = None
    """The member that it stands for, or that offers it."""
    nick: str = ""
    folder: bool = False

    @property
    def copied(self) -> str:
        """What `y` puts on the clipboard."""
        return self.content_id or self.host or self.name
