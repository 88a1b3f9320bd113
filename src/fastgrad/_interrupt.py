"""Ctrl-C while `python -m fastgrad` is being imported: one line and exit code 130, as when the command runs."""

import os
import signal
import sys


def is_command(words):
    """Return whether the words of a command line run this package with `-m`."""
    return "-mfastgrad" in words or any(
        option == "-m" and module.partition(".")[0] == "fastgrad"
        for option, module in zip(words, words[1:], strict=False)
    )


def _stop(number, frame):
    os.write(2, b"fastgrad: interrupted\n")
    os._exit(130)


def begin():
    """Exit at once on Ctrl-C, unless it is ignored or handled otherwise."""
    if is_command(sys.orig_argv) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)


def end():
    """Raise KeyboardInterrupt on Ctrl-C again."""
    if signal.getsignal(signal.SIGINT) is _stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)
