"""Claims: what becomes of it when members say that a source has not what it offers (F62).

The tracker believes nobody: not the member that complains, nor three of them. It asks the owner
over its own connection to look at the file; what the owner itself denies is handed out no more.
"""

import logging
from typing import Protocol

from p2ptui.base.clock import Clock
from p2ptui.base.ids import ContentId, content_id_text, short_content_id
from p2ptui.net.link import LinkClosed
from p2ptui.net.requests import RequestFailed
from p2ptui.net.tasks import TaskSet
from p2ptui.net.wire import messages as m
from p2ptui.net.wire.errors import ProtocolViolation
from tracker import events
from tracker.doubts import NEEDED, Doubts
from tracker.registry import Member, Registry
from tracker.rows import who
from tracker.service import Emit
from tracker.store import Store, StoreError

CHECK_S = 30.0
log = logging.getLogger(__name__)


class Teller(Protocol):
    """Tells those who wait for sources of a content."""

    def tell_withheld(self, owner: Member, content: ContentId) -> None:
        """An owner is named for a content no more."""
        ...


class Claims:
    """Hears of failures, has owners asked, and tells the outcome. End it with `close`."""

    def __init__(
        self,
        *,
        doubts: Doubts,
        registry: Registry,
        store: Store,
        teller: Teller,
        clock: Clock,
        emit: Emit,
    ) -> None:
        self._doubts = doubts
        self._registry = registry
        self._store = store
        self._teller = teller
        self._clock = clock
        self._emit = emit
        self._tasks = TaskSet()

    def heard(self, reporter: Member, message: m.ClaimFailed) -> None:
        """A member says that a source has not what it offers.

        It counts of somebody who waits for sources of that content, and about an owner that is
        here and says that it has it.
        """
        owner = self._registry.get(message.peer)
        if (
            owner is not None
            and owner is not reporter
            and message.content in reporter.watched
            and reporter.limits.may_complain(self._clock.monotonic())
        ):
            self._tasks.spawn(self._weigh(reporter, owner, message.content), name="claim")

    async def wait(self) -> None:
        """Return once nothing is being weighed or asked."""
        await self._tasks.wait()

    async def close(self) -> None:
        """Ask nobody any more."""
        await self._tasks.cancel_all()

    async def _weigh(self, reporter: Member, owner: Member, content: ContentId) -> None:
        try:
            held = await self._store.held(owner.peer, (content,))
        except StoreError as error:
            log.warning("what is said of %s is not looked into: %s", owner.peer, error)
            return
        now = self._clock.monotonic()
        if held and self._doubts.failed(content, owner.peer, reporter.peer, now):
            await self._ask(owner, content)

    async def _ask(self, owner: Member, content: ContentId) -> None:
        denied = False
        if m.REPORTS not in owner.features:
            answer = "it is of an older version and cannot be asked"
        else:
            try:
                checked = await owner.requests.ask(
                    lambda number: m.Check(number, content), CHECK_S, m.Checked
                )
            except (TimeoutError, LinkClosed, RequestFailed, ProtocolViolation):
                answer = "it does not answer"
            else:
                answer = "it says that it has" if checked.held else "it has not"
                denied = not checked.held
        if denied and self._doubts.withhold(content, owner.peer):
            self._teller.tell_withheld(owner, content)
            outcome = "it is not named as a source until it announces it again"
        else:
            outcome = "it is named last among the sources for an hour"
        name, short = who(owner.nick, owner.peer), short_content_id(content_id_text(content))
        text = f"{NEEDED} members say that {name} has not {short}, which it offers: "
        self._emit(
            events.TrackerNotice(
                time=self._clock.wall(), level="warning", text=f"{text}{answer}; {outcome}"
            )
        )
