"""The panes of the peer's screen."""
