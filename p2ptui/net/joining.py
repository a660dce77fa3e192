"""Joining: how a home without a certificate gets one, and whom it trusts for that (PROTOCOL.md 1).

The order is the point. We connect as a stranger, who shows nothing. The tracker speaks first and
sends its CA certificate. Before anything of ours is sent, that CA must have the pin we expect and
must have signed the very certificate with which the tracker proved itself in this handshake.
Where no pin is expected the user is asked to compare the fingerprint: trust on first use, which an
attacker who is active at that very moment can abuse, and at no later one.
"""

import asyncio
import logging

from msgspec import Struct

from p2ptui.base.addresses import format_address
from p2ptui.base.clock import Clock, SystemClock
from p2ptui.base.errors import ExitCode, P2PError, security_stop, unreachable, usage_error
from p2ptui.base.ids import Pin
from p2ptui.base.links import MAX_HOSTS, JoinLink
from p2ptui.base.text import display
from p2ptui.net.credentials import Credentials, Membership
from p2ptui.net.dialer import Deadlines, dial
from p2ptui.net.gate import vet_tracker
from p2ptui.net.identity import (
    BadIdentity,
    certificate_hash,
    check_issued,
    expiry_of,
    invite_hash,
    join_proof,
    pin_of,
)
from p2ptui.net.link import Link, LinkClosed
from p2ptui.net.refusals import explain_end
from p2ptui.net.tls import stranger_context
from p2ptui.net.wire.messages import Challenge, Failure, Join, Joined
from p2ptui.net.wire.protocol import Role

log = logging.getLogger(__name__)
TRUST_FIRST = "first"
"""As `trust`: accept any key at first contact; for runs that nobody watches."""
ANSWER_S = 10.0
CLOCK_WARNING_S = 300.0
_IF_FOUNDED_ANEW = "If the tracker was founded anew: p2ptui forget {}, then join it again."


class TrackerFacts(Struct, frozen=True):
    """What a tracker says to a stranger, its key proven to be its own."""

    pin: Pin
    swarm: str
    time: float
    """Its time of day, in seconds since 1970."""


class _Offer(Struct, frozen=True):
    """What a tracker told us of itself, proven to belong together."""

    challenge: Challenge
    leaf: bytes
    pin: Pin
    where: str


async def join_swarm(
    credentials: Credentials,
    target: JoinLink,
    *,
    nick: str,
    trust: str,
    clock: Clock,
    deadlines: Deadlines | None = None,
) -> Membership:
    """Become a member of a swarm, or renew a membership whose certificate has expired.

    `trust` is the fingerprint that the user accepted, or `TRUST_FIRST`; it is of importance only
    when neither the link nor an earlier visit names one. All addresses of the link are tried.
    Raises `P2PError`: a security stop (and then nothing was sent), unreachable, or what the tracker
    had against us.
    """
    trouble = unreachable("Cannot join", "the link names no address")
    for host, port in target.hosts:
        expected = await _expected_pin(credentials, target, host, port)
        try:
            return await _join_at(
                credentials,
                target,
                (host, port),
                expected=expected,
                trust=trust.strip().lower(),
                nick=nick,
                clock=clock,
                deadlines=deadlines,
            )
        except P2PError as error:
            if error.exit_code is not ExitCode.UNREACHABLE:
                raise
            trouble = error
    raise trouble


async def ask_tracker(host: str, port: int, *, timeout_s: float) -> TrackerFacts:
    """Who the tracker there is; nothing of ours is sent. Raises `P2PError`."""
    where = format_address(host, port)
    link, leaf = await dial(
        host,
        port,
        whom="the tracker",
        context=stranger_context(),
        vet=vet_tracker(Role.STRANGER),
        clock=SystemClock(),
        deadlines=Deadlines(connect_s=timeout_s, tls_s=timeout_s),
    )
    try:
        async with asyncio.timeout(timeout_s):
            offer = _prove(await link.receive(), leaf, where)
    except LinkClosed as end:
        raise explain_end(end, "the tracker", where) from None
    except TimeoutError:
        raise unreachable("No answer from the tracker", where) from None
    finally:
        link.abort()
    return TrackerFacts(offer.pin, offer.challenge.swarm, offer.challenge.time)


async def _expected_pin(
    credentials: Credentials, target: JoinLink, host: str, port: int
) -> Pin | None:
    """The pin that this address must have: the link's, or the one it had when we met it before."""
    known = await asyncio.to_thread(credentials.at_address, host, port)
    if known is None:
        return target.pin
    if target.pin is not None and target.pin != known.pin:
        raise security_stop(
            "Another key than the one known here",
            f"{format_address(host, port)} has the fingerprint {known.pin}, "
            f"the link says {target.pin}",
            _IF_FOUNDED_ANEW.format(known.pin),
        )
    return known.pin


async def _join_at(
    credentials: Credentials,
    target: JoinLink,
    address: tuple[str, int],
    *,
    expected: Pin | None,
    trust: str,
    nick: str,
    clock: Clock,
    deadlines: Deadlines | None,
) -> Membership:
    where = format_address(*address)
    link, leaf = await dial(
        *address,
        whom="the tracker",
        context=stranger_context(),
        vet=vet_tracker(Role.STRANGER),
        clock=clock,
        deadlines=deadlines,
    )
    try:
        async with asyncio.timeout(ANSWER_S):
            offer = _prove(await link.receive(), leaf, where)
            former = await asyncio.to_thread(credentials.membership, offer.pin)
            if expected is not None or former is None:
                await _check_pin(credentials, offer, expected, trust)
            certificate = await _ask(link, credentials, target, offer, nick)
    except LinkClosed as end:
        raise explain_end(end, "the tracker", where) from None
    except TimeoutError:
        raise unreachable("No answer from the tracker", where) from None
    finally:
        link.abort()
    hosts = (address, *target.hosts, *(former.hosts if former else ()))
    membership = _membership(offer, certificate, tuple(dict.fromkeys(hosts))[:MAX_HOSTS], clock)
    await asyncio.to_thread(credentials.save, membership)
    return membership


def _prove(message: object, leaf: bytes, where: str) -> _Offer:
    """Hold the tracker's CA against the certificate that it proved to own in this handshake."""
    if isinstance(message, Failure):
        raise unreachable("Refused by the tracker", f"{where}: {display(message.text)}")
    if not isinstance(message, Challenge):
        raise unreachable("No tracker", f"{where} speaks, but not as a tracker does")
    try:
        pin = pin_of(message.ca)
        check_issued(leaf, message.ca)
    except BadIdentity as error:
        raise security_stop(
            "Not the tracker it says it is", f"{where}: {error}", "Do not join here."
        ) from None
    return _Offer(message, leaf, pin, where)


async def _check_pin(
    credentials: Credentials, offer: _Offer, expected: Pin | None, trust: str
) -> None:
    """Decide whether this key is the one that was meant; nothing has been sent so far."""
    if expected is not None:
        if offer.pin == expected:
            return
        known = await asyncio.to_thread(credentials.membership, expected)
        if known is not None:
            raise _changed(offer.where, known, offer.pin)
        raise security_stop(
            "Another key than the link's",
            f"{offer.where} has the fingerprint {offer.pin}, the link says {expected}",
            "Somebody may stand in between, or the link is old: ask for a new one.",
        )
    if trust in {TRUST_FIRST, offer.pin}:
        log.info("first contact with %s: fingerprint %s accepted", offer.where, offer.pin)
        return
    if trust:
        raise security_stop(
            "Another fingerprint",
            f"{offer.where} has the fingerprint {offer.pin}, you trust {trust}",
            "Compare it with what the tracker's screen shows.",
        )
    raise security_stop(
        "First contact with this tracker",
        f"{offer.where} has the fingerprint {offer.pin}",
        f"If the tracker's screen shows the same, add: --trust {offer.pin}",
    )


async def _ask(
    link: Link, credentials: Credentials, target: JoinLink, offer: _Offer, nick: str
) -> bytes:
    csr = credentials.csr()
    challenge = offer.challenge
    proof = b""
    if target.invite:
        leaf_hash = certificate_hash(offer.leaf)
        proof = join_proof(invite_hash(target.invite), challenge.nonce, leaf_hash, csr)
    await link.send(Join(csr=csr, nick=nick[:64], proof=proof))
    answer = await link.receive()
    if isinstance(answer, Joined):
        return answer.certificate
    if isinstance(answer, Failure):
        raise _rejected(answer, offer.where)
    raise unreachable("No tracker", f"{offer.where} speaks, but not as a tracker does")


def _rejected(failure: Failure, where: str) -> P2PError:
    text = f"{where}: {display(failure.text)}" if failure.text else where
    match failure.code:
        case "gone":
            return usage_error("The invite cannot be used any more", text, "Ask for a new link.")
        case "not_found":
            return usage_error("The invite is wrong", text, "Copy the whole link, or ask for one.")
        case "denied":
            return usage_error("An invite is needed", text, "Ask the tracker's admin for a link.")
        case "limit":
            return unreachable("Too many failed attempts", text, "Wait a minute, then try again.")
        case "unsupported_key":
            return usage_error("Our key is not accepted", text)
        case _:
            return unreachable("The tracker could not admit us", text, "Try again later.")


def _membership(
    offer: _Offer, certificate: bytes, hosts: tuple[tuple[str, int], ...], clock: Clock
) -> Membership:
    try:
        expires = expiry_of(certificate)
    except BadIdentity as error:
        raise security_stop("Not a certificate for us", f"{offer.where}: {error}") from None
    apart = clock.wall() - offer.challenge.time
    if expires <= clock.wall():
        raise unreachable(
            "The clocks are too far apart",
            f"this machine is {apart / 86400:.1f} days ahead of the tracker: "
            "the new certificate would have expired already",
            "Set the clock of this machine, or the tracker's.",
        )
    if abs(apart) > CLOCK_WARNING_S:
        log.warning("this machine's clock is %+.0f s off the tracker's", apart)
    return Membership(
        pin=offer.pin,
        name=offer.challenge.swarm,
        hosts=hosts,
        ca=offer.challenge.ca,
        leaf=certificate,
        expires=expires,
    )


def _changed(where: str, known: Membership, pin: Pin) -> P2PError:
    """A key that was met before is another now: a hard stop with the way out."""
    return security_stop(
        "The tracker's key has changed",
        f"{where} had the fingerprint {known.pin}, and now it is {pin}",
        "Somebody may stand in between. " + _IF_FOUNDED_ANEW.format(known.pin),
    )
