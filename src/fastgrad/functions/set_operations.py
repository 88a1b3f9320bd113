"""Unions, intersections and differences of sets of numbers, under NumPy's names. Imported at first use.

An element of a result gets its gradient from the first element that equals it.
"""

import numpy as np

from fastgrad._engine import tensor
from fastgrad.functions.arguments import as_tensor, plain
from fastgrad.functions.joining import concat
from fastgrad.functions.shapes import ravel
from fastgrad.rules.rule import FUNCTIONS


def _chosen(values, *arrays):
    """Return `values`, which are elements of the arrays, as these elements."""
    arrays = concat([ravel(as_tensor(x)) for x in arrays])
    elements = plain(arrays)
    order = np.argsort(elements, kind="stable")
    return FUNCTIONS["getitem"](arrays, order[np.searchsorted(elements[order], values)])


def union1d(ar1, ar2):
    """Return the sorted unique elements of both arrays.

    Parameters
    ----------
    ar1, ar2 : Tensor or array

    Returns
    -------
    Tensor, 1-d
    """
    return _chosen(np.union1d(plain(ar1), plain(ar2)), ar1, ar2)


def intersect1d(ar1, ar2, assume_unique=False, return_indices=False):
    """Return the sorted unique elements that are in both arrays.

    Parameters
    ----------
    ar1, ar2 : Tensor or array
    assume_unique : bool
        Whether no element occurs twice in an array.
    return_indices : bool
        Whether to return the indices of the first occurrences in the flattened arrays, too.

    Returns
    -------
    Tensor, 1-d, or tuple of three Tensors
    """
    found = np.intersect1d(plain(ar1), plain(ar2), assume_unique, return_indices)
    values, *places = found if return_indices else (found,)
    values = _chosen(values, ar1, ar2)
    return (values, *map(tensor, places)) if return_indices else values


def setxor1d(ar1, ar2, assume_unique=False):
    """Return the sorted unique elements that are in one of the arrays, and not in both.

    Parameters
    ----------
    ar1, ar2 : Tensor or array
    assume_unique : bool
        Whether no element occurs twice in an array.

    Returns
    -------
    Tensor, 1-d
    """
    return _chosen(np.setxor1d(plain(ar1), plain(ar2), assume_unique), ar1, ar2)


def setdiff1d(ar1, ar2, assume_unique=False):
    """Return the unique elements of `ar1` that are not in `ar2`, sorted unless `assume_unique` is True.

    Parameters
    ----------
    ar1, ar2 : Tensor or array
    assume_unique : bool
        Whether no element occurs twice in an array.

    Returns
    -------
    Tensor, 1-d
    """
    return _chosen(np.setdiff1d(plain(ar1), plain(ar2), assume_unique), ar1)
