"""Patterns: which elements of a result depend on which elements of an operand, for sparse Jacobians and Hessians.

The fact `pattern=` of a rule is a function `pattern(call, k)` of a `Call` and the number of an operand. It returns a
pair of arrays `(rows, columns)`: element `rows[i]` of the flattened result depends on element `columns[i]` of the
flattened operand. None in place of one of the two stands for 0, 1, 2, ..., and a negative number for no element. None
in place of the pair stands for all pairs. A pattern may have too many pairs, but never too few, for any value that the
operands may have. The functions here serve several ops; computes with NumPy alone.
"""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

LARGEST_GRID = 10**7  # elements of constant operands times those of results that are examined for zeros


class Call:
    """A recorded call of an op, as patterns see it.

    Attributes
    ----------
    rule : Rule
    operands : tuple
        Arrays, Python scalars and None.
    params : dict
    shape : tuple of int
        Shape of the result.
    varying : tuple of bool
        Which operands depend on what is differentiated.
    reads : list
        What the pattern has read of the values of operands: tuples `(j, function, function(operands[j]))`.
    """

    __slots__ = ("operands", "params", "reads", "rule", "shape", "varying")

    def __init__(self, rule, operands, params, shape, varying):
        self.rule = rule
        self.operands = operands
        self.params = params
        self.shape = shape
        self.varying = varying
        self.reads = []

    def shape_of(self, k):
        """Return the shape of operand number `k`."""
        return np.shape(self.operands[k])

    def read(self, j, function):
        """Return `function` of operand number `j`, and note that the pattern is valid for this value only."""
        value = function(self.operands[j])
        self.reads.append((j, function, value))
        return value


def pattern_of(call, k):
    """Return the pattern of operand number `k`, by the fact of the rule or by what its other facts imply."""
    rule = call.rule
    if rule.pattern is not None:
        return rule.pattern(call, k)
    if rule.elementwise:
        return elementwise(call, k)
    return selects(call, k) if rule.view else None


def positions(shape, start=0):
    """Return an array of `shape` that contains the number of each element, from `start`."""
    return np.arange(start, start + math.prod(shape)).reshape(shape)


def nothing(call, k):
    """No element depends on any: the pattern of functions that are piecewise constant."""
    return np.empty(0, np.intp), np.empty(0, np.intp)


def elementwise(call, k):
    """Each element of the result depends on the element at its place, after broadcasting."""
    return None, np.broadcast_to(positions(call.shape_of(k)), call.shape).ravel()


def selects(call, k):
    """Each element of the result is an element of an operand, or a constant: found by the forward of positions."""
    operands = [
        np.zeros(np.shape(o), np.intp) if call.rule.differentiable(j) else call.read(j, np.array)
        for j, o in enumerate(call.operands)
    ]
    constants = call.rule.run(operands, call.params)
    operands[k] = positions(call.shape_of(k), 1)
    return None, (call.rule.run(operands, call.params) - constants).ravel() - 1


def _axes(axis, ndim):
    return tuple(range(ndim)) if axis is None or not ndim else normalize_axis_tuple(axis, ndim)


def reduces(call, k):
    """Each element of the result depends on the elements that are reduced to it over `axis`."""
    shape = call.shape_of(k)
    axes = _axes(call.params["axis"], len(shape))
    kept = [1 if at in axes else n for at, n in enumerate(shape)]
    return np.broadcast_to(positions(call.shape).reshape(kept), shape).ravel(), None


def sums_to(call, k):
    """Each element of the result depends on the elements that broadcast from it."""
    return np.broadcast_to(positions(call.shape), call.shape_of(k)).ravel(), None


def _paired(rows, columns):
    """Return all pairs along the last axes of two arrays of positions, whose other axes broadcast."""
    rows, columns = np.broadcast_arrays(rows[..., :, None], columns[..., None, :])
    return rows.ravel(), columns.ravel()


def _lines(shape, axes):
    """Return the positions in an array of `shape` with `axes` as one axis at the end."""
    places = np.moveaxis(positions(shape), axes, range(-len(axes), 0))
    return places.reshape(*places.shape[: len(shape) - len(axes)], math.prod(shape[a] for a in axes))


def along(call, k, axes):
    """Each element of the result depends on all elements in its line along `axes`; the other axes broadcast."""
    rows, columns = (_lines(s, _axes(axes, len(s))) for s in (call.shape, call.shape_of(k)))
    return _paired(rows, columns)


def lines(call, k):
    """As `along`, for the parameter `axis`."""
    axis = call.params["axis"]
    return None if axis is None or not call.shape else along(call, k, axis)


def cumulative(call, k):
    """Each element of the result depends on the elements up to its place along `axis`."""
    shape, axis = call.shape_of(k), call.params["axis"]
    if axis is None or not shape:
        shape, axis = (math.prod(shape),), 0
    places = _lines(shape, _axes(axis, len(shape)))
    rows, columns = np.tril_indices(places.shape[-1])
    return places[..., rows].ravel(), places[..., columns].ravel()


def blocks(n_result, n_operand):
    """Return the pattern of an op on stacks: elements of the last axes depend on all elements of the last axes."""

    def pattern(call, k):
        shape = call.shape_of(k)
        rows, columns = (
            positions(s).reshape(*s[: len(s) - n], math.prod(s[len(s) - n :]))
            for s, n in ((call.shape, n_result), (shape, n_operand))
        )
        return _paired(rows, columns)

    return pattern


def contraction(call, k, terms, output):
    """Sum of products, in the notation of Einstein sums: one letter for each axis of the operands and the result.

    If all other operands are constants with zeros among their elements, pairs with a coefficient of 0 are left out.
    """
    lengths = {}
    for term, operand in zip(terms, call.operands, strict=True):
        for letter, n in zip(term, np.shape(operand), strict=True):
            lengths[letter] = max(lengths.get(letter, 1), n) if n else 0
    others = [j for j in range(len(terms)) if j != k]
    if any(call.varying[j] for j in others) or all(map(np.all, (call.operands[j] for j in others))):
        others = []
    letters = sorted({*output, *terms[k], *(letter for j in others for letter in terms[j])})
    if others and math.prod(lengths[letter] for letter in letters) > LARGEST_GRID:
        others, letters = [], sorted({*output, *terms[k]})
    grid = dict(zip(letters, np.ix_(*(np.arange(lengths[letter]) for letter in letters)), strict=True))

    def at(array, term):
        """Return the elements of an array, with an axis for each letter."""
        places = [0 if n == 1 else grid[letter] for n, letter in zip(array.shape, term, strict=True)]
        return array[tuple(places)]

    rows, columns = np.broadcast_arrays(at(positions(call.shape), output), at(positions(call.shape_of(k)), terms[k]))
    full = tuple(lengths[letter] for letter in letters)
    keep = np.ones(full, bool)
    for j in others:
        keep = keep & at(call.read(j, _nonzero), terms[j])
    return np.broadcast_to(rows, full)[keep], np.broadcast_to(columns, full)[keep]


def _nonzero(x):
    return np.asarray(x) != 0
