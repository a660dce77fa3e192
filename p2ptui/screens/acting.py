"""A screen whose keys are coroutines `do_<key id>`, each in a worker whose errors are told."""

import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from textual import on
from textual.screen import Screen

from p2ptui.base.errors import P2PError
from p2ptui.screens.keys import method_of
from p2ptui.screens.notices import tell_error, tell_unexpected
from p2ptui.widgets.key_footer import KeyFooter

log = logging.getLogger(__name__)


class ActingScreen(Screen[None]):
    """Finds who carries out a key; an expected error becomes a notice, a bug a dialog."""

    @property
    def doers(self) -> Sequence[object]:
        """Who may carry out a key, the first that can does."""
        raise NotImplementedError

    def action_act(self, key_id: str) -> None:
        """Carry out a key."""
        method = method_of(key_id)
        for doer in self.doers:
            work = getattr(doer, method, None)
            if work is not None:
                self.attempt(work())
                return

    def attempt(self, work: Coroutine[Any, Any, None], *, group: str = "act") -> None:
        """Run something in a worker; what goes wrong is told."""
        self.run_worker(self._guarded(work), group=group)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except P2PError as error:
            tell_error(self.app, error)
        except Exception as error:  # the border of a worker
            log.exception("a key or command failed")
            tell_unexpected(self.app, error)

    @on(KeyFooter.Chosen)
    async def _click_key(self, message: KeyFooter.Chosen) -> None:
        await self.run_action(message.hint.action)
