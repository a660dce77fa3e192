"""Ground: words, errors, text and rules that everything stands on. No asyncio, no socket."""
