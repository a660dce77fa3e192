"""The order of TLS 1.3 cipher suites: AES-128-GCM first where the processor has AES.

PROTOCOL.md 1 asks for it, and `ssl` before Python 3.15 has no call for it (`set_ciphers` speaks of
TLS 1.2 alone). OpenSSL has one, `SSL_CTX_set_ciphersuites`, reached here through the very library
that `_ssl` is linked to. The pointer it needs is the first member behind the object's head in every
CPython that this module knows. Where anything is not as expected the order stays OpenSSL's own,
which is as secure and a little slower: nothing else depends on this module.
"""

import contextlib
import ctypes
import platform
import ssl
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

_AES_FIRST = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
_KNOWN_LAYOUT = (3, 11) <= sys.version_info[:2] <= (3, 14) and sys.implementation.name == "cpython"

_Set = Callable[[ssl.SSLContext, str], object]


def prefer_fast_cipher(context: ssl.SSLContext) -> bool:
    """Put AES-128-GCM first if the processor has AES; whether it stands first now."""
    if has_aes():
        setter = _setter()
        if setter is not None:
            setter(context, _AES_FIRST)
    return context.get_ciphers()[0]["name"] == "TLS_AES_128_GCM_SHA256"


@cache
def has_aes() -> bool:
    """Whether the processor computes AES in hardware, as far as the system tells."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("ascii", "replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip().lower() in {"flags", "features"}:
                return "aes" in value.split()
    # Elsewhere: all Macs of the last ten years have it.
    return sys.platform == "darwin" and platform.machine() in {"arm64", "x86_64"}


@cache
def _setter() -> _Set | None:
    method: _Set | None = getattr(ssl.SSLContext, "set_ciphersuites", None)
    if method is not None:
        return method
    if not _KNOWN_LAYOUT:
        return None
    try:
        import _ssl  # noqa: PLC0415  (built into some interpreters, absent from others)

        library = ctypes.CDLL(_ssl.__file__)
        function = library.SSL_CTX_set_ciphersuites
    except (ImportError, AttributeError, OSError):
        return None
    function.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    function.restype = ctypes.c_int

    def set_ciphersuites(context: ssl.SSLContext, names: str) -> object:
        pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
        return function(pointer, names.encode("ascii"))

    return set_ciphersuites
