"""Choosing elements by conditions or numbers, and inserting them, under NumPy's names. Imported at first use."""

import numpy as np

from fastgrad import errors
from fastgrad._engine import Tensor
from fastgrad.functions.arguments import as_tensor, one_axis, plain
from fastgrad.functions.batches import by_element
from fastgrad.functions.products import diag
from fastgrad.functions.shapes import ravel
from fastgrad.rules import selecting
from fastgrad.rules.rule import FUNCTIONS

_where = FUNCTIONS["where"]


@by_element
def choose(a, choices, *, mode="raise"):
    """Return, for each element of the index array `a`, the element of the choice with that number.

    Parameters
    ----------
    a : array of int
    choices : sequence of Tensor or array
        Broadcast against each other and `a`.
    mode : {"raise", "wrap", "clip"}
        What to do with indices that are out of bounds.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If an index is out of bounds.
    """
    return selecting.choose(*map(as_tensor, choices), a=np.asarray(plain(a)), mode=mode)


def insert(arr, obj, values, axis=None):
    """Return `arr` with `values` inserted before the positions `obj` along `axis`, or into the flattened `arr`.

    Parameters
    ----------
    arr : Tensor or array
    obj : int, slice, or array of int or bool
    values : Tensor or array
        Converted to the dtype of `arr`, and broadcast.
    axis : int, optional

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        If a position or the axis is out of bounds.
    ValueError
        If the shapes do not fit.
    """
    return selecting.insert(arr, values, plain(obj), axis)


def diagflat(v, k=0):
    """Return a matrix with the elements of `v`, flattened, on diagonal `k` and zeros elsewhere.

    Parameters
    ----------
    v : Tensor or array
    k : int
        0 is the main diagonal; positive diagonals are above it, negative ones below.

    Returns
    -------
    Tensor
    """
    return diag(ravel(as_tensor(v)), k)


@by_element
def select(condlist, choicelist=None, default=0, *, dim=None, index=None):
    """Return elements of the first array in `choicelist` whose condition is True, and `default` elsewhere.

    Parameters
    ----------
    condlist : list of array of bool
    choicelist : list of Tensor or array
        As many as conditions. All are broadcast against each other.
    default : Tensor, array or number
    dim, index : int
        PyTorch's function: `select(x, dim, index)` is the subarray of the Tensor `x` at `index` along axis `dim`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the numbers of conditions and choices differ, or there are none.
    TypeError
        If a condition is not an array of booleans.
    """
    if isinstance(condlist, Tensor):
        axis = one_axis("select", choicelist if dim is None else dim, condlist.ndim)
        return FUNCTIONS["getitem"](condlist, (*(slice(None),) * axis, default if index is None else index))
    if len(condlist) != len(choicelist):
        raise errors.ShapeError(f"select: got {len(condlist)} conditions and {len(choicelist)} choices")
    if not len(condlist):
        raise errors.ShapeError("select: the list of conditions is empty")
    conditions = [np.asarray(plain(condition)) for condition in condlist]
    for k, condition in enumerate(conditions):
        if condition.dtype != bool:
            raise errors.DTypeError(f"select: condition {k} has dtype {condition.dtype.name}, and must be of booleans")
    choices = [x if type(x) in (int, float, complex) else as_tensor(x) for x in (*choicelist, default)]
    dtype = np.result_type(*(x if isinstance(x, (int, float, complex)) else x.dtype for x in choices))
    *choices, result = (_in_dtype(x, dtype) for x in choices)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = _where(condition, choice, result)
    return result


def _in_dtype(x, dtype):
    if isinstance(x, (int, float, complex)):
        return as_tensor(np.asarray(x, dtype))
    return x if x.dtype == dtype else FUNCTIONS["astype"](x, dtype)


@by_element
def piecewise(x, condlist, funclist, *args, **kw):
    """Return the values of functions of the elements of `x`, each of them where its condition is True.

    Parameters
    ----------
    x : Tensor or array
    condlist : list of array of bool, or one such array
    funclist : list of function, Tensor, array or number
        One per condition, and one more for the elements for which none is True. A function gets the vector of its
        elements.
    *args, **kw
        Further arguments of the functions.

    Returns
    -------
    Tensor
        Of the shape and dtype of `x`, and 0 where no condition is True.

    Raises
    ------
    ValueError
        If the numbers of conditions and functions do not fit.
    """
    x = as_tensor(x)
    condlist = plain(condlist)
    if np.isscalar(condlist) or (not isinstance(condlist[0], (list, np.ndarray)) and x.ndim):
        condlist = [condlist]
    conditions = np.asarray(condlist, bool)
    n = len(conditions)
    if n == len(funclist) - 1:
        conditions = np.concatenate([conditions, ~np.any(conditions, axis=0, keepdims=True)])
    elif n != len(funclist):
        raise errors.ShapeError(f"piecewise: {n} conditions need {n} or {n + 1} functions, got {len(funclist)}")
    y = as_tensor(np.zeros(x.shape, x.dtype))
    for condition, function in zip(conditions, funclist, strict=True):
        value = function
        if callable(function):
            chosen = FUNCTIONS["getitem"](x, condition)
            if not chosen.size:
                continue
            value = function(chosen, *args, **kw)
        y = FUNCTIONS["setitem"](y, value, condition)
    return y
