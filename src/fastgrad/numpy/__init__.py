"""NumPy's namespace for Tensors: `import fastgrad.numpy as np`.

Every name of `numpy`, `numpy.linalg`, `numpy.fft` and `numpy.random` is here. A function that fastgrad differentiates
has NumPy's signature, and records if a Tensor is among the arguments, also inside lists and tuples. Otherwise it calls
NumPy's function, and returns what that returns. All other names are NumPy's own objects.

    >>> import fastgrad as fg
    >>> import fastgrad.numpy as np
    >>> fg.grad(lambda x: np.sum(np.array([x, x * x])))(3.0)
    7.0
    >>> np.sum([1.0, 2.0])
    np.float64(3.0)
"""  # fmt: skip

import numpy

from fastgrad.numpy import _objects
from fastgrad.numpy._names import lookup

__all__ = list(numpy.__all__)
__version__ = numpy.__version__
_OWN = {"r_": _objects.r_, "c_": _objects.c_, "vectorize": _objects.vectorize}


def __getattr__(name):
    return _OWN[name] if name in _OWN else lookup(__name__, numpy, name)


def __dir__():
    return dir(numpy)
