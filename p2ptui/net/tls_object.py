"""What a TLS connection reads with: `ssl`'s own object, but for a question that it is asked often.

uvloop wants to know after every record whether more of it waits. OpenSSL's answer lets go of the
interpreter's lock, so that a thread at work on a chunk takes it, and the loop has to wait for it
again: a fifteenth of a fast download. Here the last read answers: one that filled its buffer may
have left something, any other has not.
"""

import ssl
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class TlsObject(ssl.SSLObject):
    """The TLS object of all our contexts."""

    _filled = False
    """Whether the last read filled its buffer."""

    def read(self, size: int = 1024, buffer: "WriteableBuffer | None" = None) -> bytes:
        """Bytes of one record, at most `size`; with a buffer their number, as `ssl` has it."""
        self._filled = False
        found = super().read(size, buffer)
        self._filled = (len(found) if buffer is None else cast("int", found)) == size
        return found

    def pending(self) -> int:
        """Whether decrypted bytes may wait: zero when there are none, else 1 however many."""
        return int(self._filled)
