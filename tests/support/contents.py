"""Contents for tests: bytes from a seed, and their manifests."""

import random

from p2ptui.node.manifest import Manifest, chunk_hash

MIB = 2**20


def make_bytes(size: int, seed: int = 1) -> bytes:
    """Bytes that no other seed gives."""
    return random.Random(seed).randbytes(size)


def make_manifest(data: bytes) -> Manifest:
    """The manifest of some bytes of at most 64 GiB."""
    return Manifest.of(
        len(data), [chunk_hash(data[at : at + MIB]) for at in range(0, len(data), MIB)]
    )


def chunks_of(data: bytes) -> list[bytes]:
    """Some bytes in their chunks."""
    return [data[at : at + MIB] for at in range(0, len(data), MIB)]
