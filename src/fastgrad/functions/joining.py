"""Joining and splitting: functions that convert their arguments and call one rule.

Names and signatures are those of the Python array API standard, and NumPy's where it has others.
"""

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor, one_axis, plain
from fastgrad.functions.shapes import ravel, reshape
from fastgrad.rules.rule import FUNCTIONS

_getitem = FUNCTIONS["getitem"]


def concat(arrays, /, axis=0, *, dim=None):
    """Join a sequence of arrays along an existing axis; if `axis` is None, the arrays are flattened first.

    Parameters
    ----------
    arrays : sequence of Tensor or array
    axis : int or None

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes differ along another axis, or there are no arrays.
    """
    axis = parameters.either(axis, dim, 0)
    return FUNCTIONS["concat"](*(map(ravel, arrays) if axis is None else arrays), axis=0 if axis is None else axis)


concatenate = concat


def stack(arrays, /, axis=0, *, dim=None):
    """Join a sequence of arrays of the same shape along a new axis of the result.

    Parameters
    ----------
    arrays : sequence of Tensor or array
    axis : int

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If the shapes differ, or there are no arrays.
    """
    return FUNCTIONS["stack"](*arrays, axis=parameters.either(axis, dim, 0))


def vstack(arrays, /):
    """Join a sequence of arrays along axis 0; vectors become rows."""
    return concat([x if x.ndim > 1 else reshape(x, (1, -1)) for x in map(as_tensor, arrays)], axis=0)


def hstack(arrays, /):
    """Join a sequence of arrays along axis 1, or vectors along axis 0."""
    xs = [x if x.ndim else reshape(x, (1,)) for x in map(as_tensor, arrays)]
    return concat(xs, axis=0 if xs and xs[0].ndim == 1 else 1)


def split(x, /, indices_or_sections, axis=0):
    """Split `x` along `axis`.

    Parameters
    ----------
    x : Tensor or array
    indices_or_sections : int or sequence of int
        The number of equal parts, or the indices to split at.
    axis : int

    Returns
    -------
    list of Tensor
        Views of `x`.

    Raises
    ------
    ValueError
        If equal parts are requested and the length is not a multiple of their number.
    """
    x = as_tensor(x)
    axis = one_axis("split", axis, x.ndim)
    n = x.shape[axis]
    indices_or_sections = parameters.numbers(plain(indices_or_sections))
    if not isinstance(indices_or_sections, tuple):
        parts = parameters.integer(indices_or_sections)
        if parts <= 0 or n % parts:
            raise errors.ShapeError(
                f"split: axis {axis} of length {n} cannot be split into {parts} equal parts: pass the indices to split "
                "at"
            )
        cuts = [k * (n // parts) for k in range(1, parts)]
    else:
        cuts = list(parameters.integers(indices_or_sections))
    lead = (slice(None),) * axis
    return [_getitem(x, (*lead, slice(a, b))) for a, b in zip([0, *cuts], [*cuts, n], strict=True)]


def unstack(x, /, *, axis=0, dim=None):
    """Return the subarrays of `x` along `axis`, as a tuple."""
    x = as_tensor(x)
    axis = one_axis("unstack", parameters.either(axis, dim, 0), x.ndim)
    return tuple(_getitem(x, (*(slice(None),) * axis, k)) for k in range(x.shape[axis]))
