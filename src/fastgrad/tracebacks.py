"""Which frames of a traceback users see: those of their own code, down to the line that called fastgrad.

Where an error leaves fastgrad, the frames of fastgrad are removed, and those of NumPy if fastgrad called it. The last
line of the traceback is then a line of the user: the wrong call, or the line of a hook or rule that failed. If the
environment variable FASTGRAD_TRACEBACK is "full", all frames are kept. (core/tracebacks.pxd does the same in C.)
"""

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_DEFECTS = (AttributeError, NameError, KeyError, SystemError)

P = ParamSpec("P")
R = TypeVar("R")


def shorten(error: BaseException) -> None:
    """Remove the outer frames of `error` that belong to fastgrad or NumPy.

    Called in an `except` block that ends with a bare `raise`, which does not add the current frame again. An error of
    a class that wrong code raises, and that comes from nowhere else, is a defect of fastgrad and keeps its frames.
    """
    if os.environ.get("FASTGRAD_TRACEBACK") == "full":
        return
    trace = error.__traceback__
    while trace is not None and _is_internal(trace.tb_frame.f_globals.get("__name__")):
        trace = trace.tb_next
    if trace is not None or not isinstance(error, _DEFECTS):
        error.__traceback__ = trace


def _is_internal(module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in ("fastgrad", "numpy")


def boundary(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function whose errors have no frames of fastgrad. For functions that take more than a microsecond."""

    @functools.wraps(function)
    def bounded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            shorten(error)
            raise

    return bounded


def outside_frame():
    """Return the innermost frame outside fastgrad, or else the outermost frame, and its level above the caller."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
        level += 1
    return frame, level


def user_line():
    """Return the innermost line of the running program outside fastgrad, as 'file:line: source'."""
    import linecache

    frame, _ = outside_frame()
    name, number = frame.f_code.co_filename, frame.f_lineno
    if name.startswith(_HERE):
        return None
    source = linecache.getline(name, number).strip()
    return f"{name}:{number}: {source}" if source else f"{name}:{number}"
