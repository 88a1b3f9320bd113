"""Cumulative sums and products, and differences. Imported at first use.

Names and signatures are those of the Python array API standard, and NumPy's where it has others.
"""

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor, one_axis
from fastgrad.functions.joining import concat
from fastgrad.functions.shapes import broadcast_to, ravel
from fastgrad.rules.rule import FUNCTIONS

_getitem = FUNCTIONS["getitem"]


def cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False):
    """Return the cumulative sum of `x` along `axis`, preceded by 0 if `include_initial` is True.

    Parameters
    ----------
    x : Tensor or array
    axis : int, optional
        May be omitted if `x` has at most one axis.
    dtype : dtype, optional
        The dtype to compute in, and of the result.
    include_initial : bool

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If `axis` is out of bounds, or missing for an `x` with several axes.
    """
    return _cumulative("cumsum", "cumulative_sum", x, axis, dtype, np.zeros if include_initial else None)


def cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False):
    """Return the cumulative product of `x` along `axis`, preceded by 1 if `include_initial` is True.

    Parameters
    ----------
    x : Tensor or array
    axis : int, optional
        May be omitted if `x` has at most one axis.
    dtype : dtype, optional
        The dtype to compute in, and of the result.
    include_initial : bool

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If `axis` is out of bounds, or missing for an `x` with several axes.
    """
    return _cumulative("cumprod", "cumulative_prod", x, axis, dtype, np.ones if include_initial else None)


def _cumulative(op, name, x, axis, dtype, initial):
    """Return the result of a scan along `axis`, preceded by what `initial` makes, unless it is None."""
    x = as_tensor(x)
    x = x if x.ndim else ravel(x)
    if axis is None and x.ndim != 1:
        raise errors.ShapeError(f"{name}: x has shape {x.shape}: select the axis with axis=")
    axis = one_axis(name, 0 if axis is None else axis, x.ndim)
    y = FUNCTIONS[op](x, axis=axis, dtype=dtype)
    if initial is None:
        return y
    return concat([initial((*y.shape[:axis], 1, *y.shape[axis + 1 :]), y.dtype), y], axis)


def diff(x, /, n=1, axis=-1, prepend=None, append=None):
    """Return the differences of adjacent elements along `axis`, computed `n` times.

    Parameters
    ----------
    x : Tensor or array
        The differences of booleans are whether they differ.
    n, axis : int
    prepend, append : Tensor, array or number, optional
        Joined to `x` along `axis`, before its first element and after its last one. A number becomes one element.

    Returns
    -------
    Tensor
        Shorter by `n` along `axis`.

    Raises
    ------
    ShapeError
        If `x` is a scalar, or the shape of `prepend` or `append` differs in another axis.
    ValueError
        If `n` is negative.
    AxisError
        If the axis is out of bounds.
    """
    x, n = as_tensor(x), parameters.integer(n)
    if n == 0:
        return x
    if n < 0:
        raise errors.BadSetting(f"diff: n must not be negative, got {n}")
    if not x.ndim:
        raise errors.ShapeError("diff needs at least one axis, got a scalar")
    axis = one_axis("diff", axis, x.ndim)
    ends = [None if part is None else _end(part, x.shape, axis) for part in (prepend, append)]
    if ends != [None, None]:
        x = concat([part for part in (ends[0], x, ends[1]) if part is not None], axis)
    lead = (slice(None),) * axis
    step = FUNCTIONS["not_equal" if x.dtype.kind == "b" else "subtract"]
    for _ in range(n):
        x = step(_getitem(x, (*lead, slice(1, None))), _getitem(x, (*lead, slice(None, -1))))
    return x


def _end(part, shape, axis):
    """Return an array to join to one of the given shape; a number becomes one element along the axis."""
    part = as_tensor(part)
    return part if part.ndim else broadcast_to(part, (*shape[:axis], 1, *shape[axis + 1 :]))
