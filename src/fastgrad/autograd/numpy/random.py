"""NumPy's random numbers."""

import numpy


def __getattr__(name):
    return getattr(numpy.random, name)
