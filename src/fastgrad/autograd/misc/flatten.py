"""Nested containers of arrays as one vector, and back."""

import numpy as np

from fastgrad import _tree
from fastgrad.autograd.core import make_vjp


def flatten(value):
    """Return nested tuples, lists and dicts of arrays and numbers as one vector, and the function that restores them.

    Dicts are flattened in the order of their sorted keys. Both are differentiable.
    """
    if not _tree.leaves(value):
        return np.zeros(0), lambda vector: _tree.map_leaves(None, value)
    unflatten, vector = make_vjp(_flatten, value)
    return vector, unflatten


def _flatten(value):
    parts = []
    _collect(value, parts)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _collect(value, parts):
    if isinstance(value, (tuple, list)):
        for child in value:
            _collect(child, parts)
    elif isinstance(value, dict):
        for key in sorted(value):
            _collect(value[key], parts)
    else:
        parts.append(np.ravel(value))


def flatten_func(func, example):
    """Return `func` as a function of a vector with a vector as its result, the function that restores, and a vector.

    The latter two belong to `example`, an argument of `func`.
    """
    vector, unflatten = flatten(example)

    def of_vector(x, *args):
        return flatten(func(unflatten(x), *args))[0]

    return of_vector, unflatten, vector
