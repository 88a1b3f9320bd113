"""`python -m fastgrad`."""

import sys

from fastgrad import _interrupt
from fastgrad.cli import main

if __name__ == "__main__":
    _interrupt.end()
    sys.exit(main())
