"""Net: asyncio, sockets, TLS and timers. Knows nothing of files, shares or hosts."""
