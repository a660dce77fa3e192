"""What holds for all tests: property tests have no deadline, for they are never a timed test."""

from hypothesis import settings

settings.register_profile("p2ptui", deadline=None, print_blob=True)
settings.load_profile("p2ptui")
