"""The same work in other libraries, where they are installed: extra columns, never required, no target.

Each library has a table `MAKERS`: by the name of a row, a function of the row's data that returns the step, the answer
and, where the step is a statement, its names. Every answer is checked as fastgrad's own is.
"""

from importlib import import_module
from importlib.util import find_spec

import numpy as np

from fastgrad.benchmark.race import Contender

LIBRARIES = ("torch", "jax", "autograd", "micrograd")
_wanted = set(LIBRARIES)


def choose(names):
    """Measure only these libraries, of those that are installed."""
    _wanted.intersection_update(names)


def installed(library):
    """Whether this library is wanted and can be found."""
    return library in _wanted and find_spec(library) is not None


def chosen():
    """Names of the libraries that get a column."""
    return [library for library in LIBRARIES if installed(library)]


def missing():
    """Names of the libraries that are not installed or fail on import, which are then left out, with the reason."""
    absent = [library for library in LIBRARIES if not installed(library)]
    for library in chosen():
        try:
            import_module(f"{__name__}.with_{library}")
        except Exception as error:  # a broken installation of another library must not end our table
            absent.append(f"{library} ({type(error).__name__} on import)")
            _wanted.discard(library)
    return absent


def peers(name, *facts):
    """The contenders of every installed library that has row `name`; `facts` are the row's data."""
    found = []
    for library in chosen():
        makers = import_module(f"{__name__}.with_{library}").MAKERS
        if name in makers:
            found.append(Contender(library, *makers[name](*facts)))
    return found


def named(names, values):
    """An answer: names with arrays."""
    return dict(zip(names, map(np.asarray, values)))
