"""Tracker: the index server of a swarm and its certificate authority."""
