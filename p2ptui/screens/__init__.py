"""Screens: they hold a `NodeApi`, know widgets, and own no domain logic."""
