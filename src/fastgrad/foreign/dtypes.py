"""Dtypes in PyTorch's spelling: `fg.float` is float32, `fg.long` is int64."""

import numpy as np

float, double, cfloat, cdouble = np.float32, np.float64, np.complex64, np.complex128
short, int, long = np.int16, np.int32, np.int64
dtype = np.dtype
