"""`python -m p2ptui`: the same as the command `p2ptui`."""

import sys

from p2ptui.cli import main

if __name__ == "__main__":
    sys.exit(main())
