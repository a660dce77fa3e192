"""p2ptui: peer-to-peer file sharing for the terminal."""

__version__ = "0.1.0"
