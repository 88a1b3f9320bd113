"""`numpy.fft` for Tensors: Fourier transforms. See `fastgrad.numpy`."""

import numpy

from fastgrad.numpy._names import lookup

__all__ = list(numpy.fft.__all__)


def __getattr__(name):
    return lookup(__name__, numpy.fft, name)


def __dir__():
    return dir(numpy.fft)
