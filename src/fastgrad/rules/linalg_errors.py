"""The error of singular and non-square matrices. Forwards raise NumPy's, which becomes this one."""

import numpy as np

from fastgrad.errors import KINDS, FastgradError


class LinAlgError(FastgradError, np.linalg.LinAlgError):
    """A matrix is singular, not positive definite or not square, or an iteration does not converge."""


KINDS[np.linalg.LinAlgError] = LinAlgError
