"""What holds for all tests: property tests have no deadline, for they are never a timed test.

Nothing is sent beyond this machine: discovery is off unless a test asks for it.
"""

import os

from hypothesis import settings

os.environ |= {"P2PTUI_PEER_DISCOVER": "off", "P2PTUI_TRACKER_ADVERTISE": "off"}

settings.register_profile("p2ptui", deadline=None, print_blob=True)
settings.load_profile("p2ptui")
