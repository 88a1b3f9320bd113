"""The same work in other libraries, where they are installed: extra columns, never required, no target.

Each library has a maker per row that returns its step and its answer. Every answer is checked like fastgrad's own.
"""

import importlib
from importlib.util import find_spec

import numpy as np

from bench.harness import Contender

LIBRARIES = ("torch", "jax", "autograd", "micrograd")
_wanted = set(LIBRARIES)


def choose(names):
    """Measure only these libraries, of those that are installed."""
    _wanted.intersection_update(names)


def installed(library):
    """Whether this library is wanted and can be imported."""
    return library in _wanted and find_spec(library) is not None


def chosen():
    """Names of the libraries that get a column."""
    return [library for library in LIBRARIES if installed(library)]


def peers(name, *facts):
    """The contenders of every installed library that has row `name`; `facts` are the row's data."""
    found = []
    for library in ("torch", "jax", "autograd"):
        if installed(library):
            makers = importlib.import_module(f"bench.peers.with_{library}").MAKERS
            if name in makers:
                step, answer = makers[name](*facts)
                found.append(Contender(library, step, answer))
    return found


def named(names, values):
    """An answer: names with arrays."""
    return dict(zip(names, map(np.asarray, values)))
