"""Benchmarks: p2ptui beside other programs, measured in one run (`python -m benchmarks`)."""
