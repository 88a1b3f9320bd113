"""`autograd.numpy` by fastgrad: NumPy's names, differentiated where mathematics allows."""
# ruff: noqa: F403  NumPy's names are made when the module is imported

import numpy as _np

from fastgrad.autograd.numpy import (
    fft,
    linalg,
    numpy_boxes,
    numpy_jvps,
    numpy_vjps,
    numpy_vspaces,
    numpy_wrapper,
    random,
)
from fastgrad.autograd.numpy.numpy_wrapper import *
from fastgrad.autograd.numpy.numpy_wrapper import numpy_version as __version__


def __getattr__(name):
    return getattr(_np, name)  # modules such as `lib`, which are NumPy's own


def __dir__():
    return sorted({*globals(), *dir(_np)})
