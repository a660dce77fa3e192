"""Panes of the tracker's console."""
