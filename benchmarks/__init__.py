"""Benchmarks: ratios against other programs, measured in one run."""
