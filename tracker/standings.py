"""Roles and limits that the admin gave to single members: an append-only ledger beside the CA key.

Losing the index takes nobody's role away. The last line about a member counts. Blocks when it
writes; may be called from several threads.
"""

import threading
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from p2ptui.base.ids import PeerId, WirePeerId
from tracker.api_values import Limits, Role
from tracker.ledger import Ledger

STANDINGS = "standings.log"
"""Name of the ledger, beside the authority's own."""


class Standing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a member is, and what it may do where that differs from all others."""

    peer: WirePeerId
    role: Role = "member"
    searches_s: Annotated[float, Meta(gt=0)] | None = None
    max_entries: Annotated[int, Meta(ge=0)] | None = None
    connections: Annotated[int, Meta(ge=1)] | None = None

    @property
    def limits(self) -> Limits | None:
        """Its own limits; None: those of all."""
        limits = Limits(
            searches_s=self.searches_s, max_entries=self.max_entries, connections=self.connections
        )
        return None if limits == Limits() else limits


class Standings:
    """The members whose standing is not that of all others."""

    def __init__(self, path: Path) -> None:
        """Read the ledger (blocks). Raises a storage error when it is damaged."""
        decoder: msgspec.json.Decoder[Standing] = msgspec.json.Decoder(Standing)
        self._ledger = Ledger(path, decoder)
        self._lock = threading.Lock()
        self._standings = {standing.peer: standing for standing in self._ledger.read()}

    def of(self, peer: PeerId) -> Standing:
        """A member's standing."""
        return self._standings.get(peer) or Standing(peer=peer)

    def is_operator(self, peer: PeerId) -> bool:
        """Whether it may act on the swarm from its own peer."""
        return self.of(peer).role == "operator"

    def change(self, peer: PeerId, role: Role | None, limits: Limits | None) -> Standing:
        """Change a role or limits, None leaves them; on disk when this returns."""
        with self._lock:
            before = self.of(peer)
            limits = limits if limits is not None else before.limits or Limits()
            standing = Standing(
                peer=peer,
                role=role or before.role,
                searches_s=limits.searches_s,
                max_entries=limits.max_entries,
                connections=limits.connections,
            )
            if standing != before:
                self._ledger.append(standing)
                self._standings[peer] = standing
            return standing
