"""The same work in other libraries, if they are installed. They are extra columns without a target.

Each library has a dict `MAKERS` from the name of a row to a function of the row's data, which returns the step, the
answer and, if the step is a statement, its scope. All answers are compared with fastgrad's.
"""

from importlib import import_module
from importlib.util import find_spec

import numpy as np

from fastgrad.benchmark.race import Contender

LIBRARIES = ("torch", "jax", "autograd", "casadi", "micrograd")
_selected = set(LIBRARIES)


def choose(names):
    """Restrict the peers to these libraries."""
    _selected.intersection_update(names)


def installed(library):
    """Return whether this library is selected and installed."""
    return library in _selected and find_spec(library) is not None


def chosen():
    """Return the names of the libraries that get a column."""
    return [library for library in LIBRARIES if installed(library)]


def missing():
    """Return the names of the libraries that are not installed or fail on import, and exclude them."""
    absent = [library for library in LIBRARIES if not installed(library)]
    for library in chosen():
        try:
            import_module(f"{__name__}.with_{library}")
        except Exception as error:  # a broken installation of another library must not stop the benchmark
            absent.append(f"{library} ({type(error).__name__} on import)")
            _selected.discard(library)
    return absent


def peers(name, *data):
    """Return a contender of each selected library that supports row `name`. `data` is the data of the row."""
    found = []
    for library in chosen():
        makers = import_module(f"{__name__}.with_{library}").MAKERS
        if name in makers:
            found.append(Contender(library, *makers[name](*data)))
    return found


def named(names, values):
    """Return an answer: a dict from names to arrays."""
    return dict(zip(names, map(np.asarray, values)))
