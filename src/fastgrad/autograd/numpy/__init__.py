"""NumPy's namespace for differentiated functions, as `autograd.numpy`."""

import numpy

from fastgrad.autograd.numpy import numpy_boxes, numpy_vspaces
from fastgrad.numpy._names import lookup

__all__ = list(numpy.__all__)


def __getattr__(name):
    return lookup(__name__, numpy, name)


def __dir__():
    return dir(numpy)
