"""The programs that take part, ours among them; each module opens one as a `Contestant`."""
