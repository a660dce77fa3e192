"""Admission: the tracker's side of a stranger's link (PROTOCOL.md 1, *Join link* and *Open mode*).

Challenge, Join, then Joined or a Failure, and the link is closed: one try for each connection, for
the nonce is good for one proof. Who may get a certificate, in this order: nobody who is kicked; a
key that had one before, proven by the request's own signature; who proves an invite; in open mode,
who calls from a private address.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable

from msgspec import Struct

from p2ptui.base.addresses import is_private
from p2ptui.base.clock import Clock
from p2ptui.base.errors import P2PError
from p2ptui.base.ids import PeerId
from p2ptui.base.text import display
from p2ptui.net.identity import BadIdentity, id_of_key, key_of_csr
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.loop import Offload
from p2ptui.net.wire.messages import Challenge, Failure, FailureCode, Join, Joined, Kick
from tracker.attempts import Attempts
from tracker.authority import Authority
from tracker.invites import TOLD

log = logging.getLogger(__name__)
ANSWER_S = 10.0
JOIN_REQUEST = 0
"""The id that failures bear: a stranger asks once."""
NONCE_BYTES = 32


class Admitted(Struct, frozen=True):
    """A stranger who got a certificate.

    `again`: its key had one before; `invited`: it proved an invite.
    """

    peer_id: PeerId
    nick: str
    again: bool
    invited: bool = False


class Turned(Struct, frozen=True):
    """A stranger who asked and was turned away."""

    reason: str


class _Denied(Exception):  # noqa: N818  (an answer)
    def __init__(self, code: FailureCode, text: str) -> None:
        super().__init__(code, text)
        self.code: FailureCode = code
        self.text = text


class _Out(Exception):  # noqa: N818  (an answer)
    def __init__(self, kick: Kick) -> None:
        super().__init__(kick)
        self.kick = kick


class Admission:
    """Admits strangers to one authority's swarm."""

    def __init__(
        self,
        authority: Authority,
        *,
        is_open: Callable[[], bool],
        clock: Clock,
        offload: Offload,
    ) -> None:
        """`is_open`: whether private addresses need no invite now. `offload` waits for the disk."""
        self._is_open = is_open
        self._authority = authority
        self._clock = clock
        self._offload = offload
        self._attempts = Attempts()
        self._one_proof = asyncio.Lock()

    async def admit(  # noqa: PLR0911  (one for each way it ends)
        self, link: Link
    ) -> Admitted | Turned | None:
        """Talk to a stranger until the link is closed; None when it left without a word.

        Whoever only wants to see the fingerprint at first contact does that.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        is_open = self._is_open() and is_private(link.remote.host)
        challenge = Challenge(
            ca=self._authority.ca_der,
            nonce=nonce,
            swarm=self._authority.name,
            open=is_open,
            time=int(self._clock.wall()),
        )
        try:
            async with asyncio.timeout(ANSWER_S):
                await link.send(challenge)
                join = await link.receive()
                if not isinstance(join, Join):
                    return None
                admitted, leaf = await self._decide(join, nonce, link.remote.host, is_open=is_open)
                await link.send(Joined(certificate=leaf))
        except _Denied as denied:
            log.info("%s is not admitted: %s", link.remote.host, denied.text)
            link.post(Failure(id=JOIN_REQUEST, code=denied.code, text=denied.text))
            return Turned(reason=denied.text)
        except _Out as out:
            log.info("%s is not admitted: it is kicked", link.remote.host)
            await link.close("kicked", out.kick.why, out.kick.until)
            return Turned(reason="this member was put out of the swarm")
        except BadIdentity as error:
            await self._refuse(link, error)
            return Turned(reason=str(error))
        except P2PError:
            log.exception("%s cannot be admitted", link.remote.host)
            text = "the tracker could not write it down"
            link.post(Failure(id=JOIN_REQUEST, code="internal", text=text))
            return Turned(reason=text)
        except (LinkClosed, TimeoutError):
            return None
        finally:
            await link.close()
        log.info("%s admitted as %s (%s)", link.remote.host, admitted.peer_id, display(join.nick))
        return admitted

    async def _decide(
        self, join: Join, nonce: bytes, address: str, *, is_open: bool
    ) -> tuple[Admitted, bytes]:
        peer_id = id_of_key(key_of_csr(join.csr))
        if (kick := self._authority.kick_of(peer_id)) is not None:
            raise _Out(kick)
        again = self._authority.is_member(peer_id)
        if not again:
            if join.proof:
                await self._check_proof(join, nonce, address)
            elif not is_open:
                raise _Denied("denied", "an invite is needed from this address")
        leaf = await self._offload(self._authority.issue, join.csr)
        return Admitted(
            peer_id=peer_id, nick=join.nick, again=again, invited=bool(join.proof) and not again
        ), leaf

    async def _check_proof(self, join: Join, nonce: bytes, address: str) -> None:
        # One after the other: many at once would all pass before the first failure counts.
        async with self._one_proof:
            wait_s = self._attempts.pause_left(address, self._clock.monotonic())
            if wait_s > 0:
                raise _Denied("limit", f"too many failed attempts; try again in {wait_s:.0f} s")
            outcome = await self._offload(self._authority.check_proof, join.proof, nonce, join.csr)
            if outcome == "accepted":
                return
            self._attempts.failed(address, self._clock.monotonic())
        raise _Denied("not_found" if outcome == "unknown" else "gone", TOLD[outcome])

    async def _refuse(self, link: Link, error: BadIdentity) -> None:
        log.info("%s is not admitted: %s", link.remote.host, error)
        if error.fault == "kicked":
            await link.close("kicked")
            return
        code: FailureCode = "bad_request"
        if error.fault in {"unsupported_key", "bad_signature"}:
            code = "unsupported_key"
        link.post(Failure(id=JOIN_REQUEST, code=code, text=str(error)))
