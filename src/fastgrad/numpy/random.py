"""`numpy.random` for Tensors: random numbers, which are constants. See `fastgrad.numpy`."""

import numpy

from fastgrad.numpy._names import lookup

__all__ = list(numpy.random.__all__)


def __getattr__(name):
    return lookup(__name__, numpy.random, name)


def __dir__():
    return dir(numpy.random)
