"""`autograd.numpy.random`: the functions of `numpy.random`. Random numbers are constants."""

import numpy as _np

from fastgrad.autograd.numpy._functions import wrap_namespace

wrap_namespace(vars(_np.random), globals())


def __getattr__(name):
    return getattr(_np.random, name)  # modules such as `mtrand`
