"""Histograms whose weights are Tensors, under NumPy's names. Imported at first use."""

import numpy as np

from fastgrad import leaving
from fastgrad.functions.arguments import as_tensor, plain, records
from fastgrad.functions.batches import by_element
from fastgrad.functions.scans import diff
from fastgrad.functions.shapes import ravel
from fastgrad.rules import counting
from fastgrad.rules.rule import FUNCTIONS


def bincount(x, /, weights=None, minlength=0):
    """Return the number of occurrences of each integer from 0 in `x`, or the sum of their weights.

    Parameters
    ----------
    x : array of int, 1-d
        Not negative.
    weights : Tensor or array, optional
        Of the shape of `x`. The gradient flows to it.
    minlength : int
        The smallest length of the result.

    Returns
    -------
    Tensor, 1-d

    Raises
    ------
    ValueError
        If an element is negative, or the shapes differ.
    """
    return counting.bincount(plain(x), weights, minlength)


@by_element
def histogram(a, bins=10, range=None, density=None, weights=None):
    """Return the number of elements of `a` in each bin, or the sum of their weights, and the edges of the bins.

    Parameters
    ----------
    a : Tensor or array
        Counts are constants. The gradient flows through edges that are the smallest and largest element.
    bins : int, array or str
        The number of bins, their edges, or the name of a rule.
    range : (number, number), optional
        The first and the last edge.
    density : bool, optional
        Whether to divide by the sum, and by the lengths of the bins.
    weights : Tensor or array, optional
        Of the shape of `a`. The gradient flows to it.

    Returns
    -------
    hist, edges : Tensor

    Raises
    ------
    NotDifferentiableError
        If `bins` is the name of a rule that depends on a Tensor that requires a gradient.
    ValueError
        If the edges do not increase, or the shapes differ.
    """
    a = as_tensor(a) if records(a) else np.asarray(plain(a))
    values, w = np.ravel(plain(a)), None if weights is None else plain(weights)
    found, edges = np.histogram(plain(a), plain(bins), plain(range), density, w)
    if not records((a, bins, range, weights)):
        return as_tensor(found), as_tensor(edges)
    recorded = _edges(a, bins, range, edges)
    if weights is None and not density:
        return as_tensor(found), recorded
    bin = np.searchsorted(edges, values, "right") - 1
    bin[values == edges[-1]] = len(edges) - 2
    inside = np.flatnonzero((bin >= 0) & (bin < len(edges) - 1))
    w = as_tensor(np.ones(values.size)) if weights is None else ravel(as_tensor(weights))
    hist = FUNCTIONS["scatter_add"](FUNCTIONS["getitem"](w, inside), (bin[inside],), (len(edges) - 1,))
    return hist / diff(recorded) / FUNCTIONS["sum"](hist) if density else hist, recorded


def _edges(a, bins, range, edges):
    """Return the edges of the bins, recorded if they depend on a Tensor that requires a gradient."""
    if np.ndim(plain(bins)) == 1:
        return as_tensor(bins)
    if range is None and not (records(a) and a.size):
        return as_tensor(edges)
    if isinstance(bins, str):
        raise leaving.no_numpy_argument("fg.histogram", "bins")
    first, last = (FUNCTIONS["min"](a), FUNCTIONS["max"](a)) if range is None else range
    if edges[0] != plain(first):  # of equal ends NumPy moves both
        first, last = first - 0.5, last + 0.5
    return counting.linspace(first, last, len(edges))
