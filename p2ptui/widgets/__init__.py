"""Widgets: plain values in, messages out. They know Textual, and nothing of nodes or trackers."""
