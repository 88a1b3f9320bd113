"""`array`, `r_` and `c_`: arrays of numbers and Tensors under NumPy's names. Imported at first use."""

import numpy as np

from fastgrad._engine import asarray, tensor
from fastgrad.functions import arrays
from fastgrad.functions.arrays import holds_tensor
from fastgrad.functions.concatenators import Concatenator


def array(object, dtype=None, *, copy=True, order="K", ndmin=0):
    """Return a Tensor of an array, a number, or nested lists, also of Tensors, to which the gradient flows.

    Parameters
    ----------
    object : Tensor, array, number, or nested sequence of them
    dtype : dtype, optional
    copy : bool or None
        Whether to copy an array, too. None copies if necessary.
    order : str
        Ignored: the memory order of a copy is C.
    ndmin : int
        The smallest number of axes. New ones of length 1 are added in front.

    Returns
    -------
    Tensor
    """
    if holds_tensor(object):
        return arrays.array(object, dtype, copy=bool(copy), ndmin=ndmin)
    made = np.array(object, dtype, copy=copy, ndmin=ndmin)
    return tensor(made) if copy else asarray(made)


class _Concatenator(Concatenator):
    """`numpy.r_` or `numpy.c_`: joins what is between the brackets. The result is a Tensor."""

    def __repr__(self):
        return f"<fastgrad.{'c_' if self._theirs is np.c_ else 'r_'}>"

    def __getitem__(self, key):
        return asarray(super().__getitem__(key))


r_, c_ = _Concatenator(np.r_), _Concatenator(np.c_)
