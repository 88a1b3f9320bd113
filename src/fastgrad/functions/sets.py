"""Set functions: unique elements, and membership. Imported at first use."""

import numpy as np

from fastgrad.functions.arguments import plain, records
from fastgrad.functions.constants import constant, wrapped
from fastgrad.functions.selecting import take

_NOTES = """
    Notes
    -----
    Each unique element receives the gradient as the first of the equal elements of `x`; the others get 0.
    """


def _selecting(function):
    """Add the common part of the docstring."""
    function.__doc__ += _NOTES
    return function


@_selecting
def unique(
    x, /, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True, sorted=True
):
    """Return the unique elements of `x`, sorted, or its unique subarrays along `axis`.

    Parameters
    ----------
    x : Tensor or array
    return_index, return_inverse, return_counts : bool
        Whether to return the index in `x` of each unique element, the index in the result of each element of `x`, and
        how often each unique element occurs.
    axis : int, optional
        By default, `x` is flattened.
    equal_nan : bool
        Whether all NaNs count as one element.
    sorted : bool
        Whether the elements must be sorted.

    Returns
    -------
    Tensor, or tuple of Tensor
        The unique elements, and what the other parameters ask for.
    """
    array, recorded = np.asarray(plain(x)), records(x)
    options = {"return_inverse": return_inverse, "return_counts": return_counts, "axis": axis, "equal_nan": equal_nan}
    found = np.unique(array, return_index=bool(return_index or recorded), **options)
    if not recorded:
        return wrapped(found)
    values, index, *more = found
    parts = (index, *more) if return_index else tuple(more)
    first = take(x, index.reshape(-1), axis).reshape(values.shape)
    return (first, *wrapped(parts)) if parts else first


@_selecting
def unique_all(x, /):
    """Return the unique elements of `x` with their indices, the inverse indices, and their counts. NaNs are different.

    Parameters
    ----------
    x : Tensor or array

    Returns
    -------
    named tuple of Tensor
        `values`; `indices` of their first occurrence in the flattened `x`; `inverse_indices`, of the shape of `x`, of
        its elements in `values`; and `counts`, how often each occurs.
    """
    found = np.unique_all(np.asarray(plain(x)))
    return wrapped(found)._replace(values=take(x, found.indices)) if records(x) else wrapped(found)


@_selecting
def unique_counts(x, /):
    """Return the unique elements of `x`, and how often each occurs. NaNs are different.

    Parameters
    ----------
    x : Tensor or array

    Returns
    -------
    named tuple of Tensor
        `values` and `counts`.
    """
    found = wrapped(np.unique_counts(np.asarray(plain(x))))
    if not records(x):
        return found
    more = unique_all(x)
    return found._replace(values=more.values, counts=more.counts)


@_selecting
def unique_inverse(x, /):
    """Return the unique elements of `x`, and the indices of the elements of `x` in them. NaNs are different.

    Parameters
    ----------
    x : Tensor or array

    Returns
    -------
    named tuple of Tensor
        `values`, and `inverse_indices` of the shape of `x`.
    """
    found = wrapped(np.unique_inverse(np.asarray(plain(x))))
    if not records(x):
        return found
    more = unique_all(x)
    return found._replace(values=more.values, inverse_indices=more.inverse_indices)


@_selecting
def unique_values(x, /):
    """Return the unique elements of `x`, in any order. NaNs are different.

    Parameters
    ----------
    x : Tensor or array

    Returns
    -------
    Tensor, 1-d
    """
    array = np.asarray(plain(x))
    values = np.unique_values(array)
    if not records(x):
        return wrapped(values)
    indices = np.empty(values.shape, np.intp)
    indices[np.argsort(values, kind="stable")] = np.unique_all(array).indices  # which are those of sorted values
    return take(x, indices)


def _isin(x1, x2, /, *, invert=False, assume_unique=False, kind=None):
    """Return which elements of `x1` are in `x2`.

    Parameters
    ----------
    x1, x2 : Tensor, array or number
    invert : bool
        Whether to return which are not.
    assume_unique : bool
        Whether no element occurs twice in `x1`, nor in `x2`, which is faster.
    kind : {None, "sort", "table"}
        The algorithm: see `numpy.isin`.

    Returns
    -------
    Tensor of bool
        Of the shape of `x1`.
    """


isin = constant(np.isin, _isin)
