"""`numpy.linalg` for Tensors: linear algebra. See `fastgrad.numpy`."""

import numpy

from fastgrad.numpy._names import lookup

__all__ = list(numpy.linalg.__all__)


def __getattr__(name):
    return lookup(__name__, numpy.linalg, name)


def __dir__():
    return dir(numpy.linalg)
