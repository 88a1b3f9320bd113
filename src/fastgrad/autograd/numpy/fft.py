"""`autograd.numpy.fft`: the functions of `numpy.fft` for boxes."""

import numpy as _np

from fastgrad.autograd.numpy._functions import wrap_namespace

wrap_namespace(vars(_np.fft), globals())
