"""Functions inside vmap that read the values of their arguments: they are called for one element after the other.

Functions that NumPy applies to each number, and reductions, are called once for the whole batch.
"""

import functools

import numpy as np

from fastgrad import _tree
from fastgrad._engine import Tensor
from fastgrad.batching import Batched, innermost
from fastgrad.errors import VmapError
from fastgrad.rules.batching import aligned, axes_behind
from fastgrad.rules.rule import FUNCTIONS
from fastgrad.tracebacks import shorten

_ARRAYS = (Tensor, np.ndarray, np.generic, float, complex, int)
_OF_SHAPES = (np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj)
_REDUCTIONS = (np.all, np.any, np.argmax, np.argmin, np.count_nonzero)


def like(x):
    """Return an array of the shape and dtype of one element, for a function that reads nothing else."""
    return np.broadcast_to(np.zeros((), x.dtype), x.shape) if type(x) is Batched else x


def looped(function, args, kwargs):
    """Return the results of a function for all elements of the innermost level among its arguments."""
    level = innermost((args, kwargs))
    results = [function(*_element(args, level, k), **_element(kwargs, level, k)) for k in range(level.size)]
    if not results:
        raise VmapError("a batch without elements inside vmap: this function needs the values of an element")
    rows = zip(*map(_tree.leaves, results), strict=True)
    return _tree.fill(results[0], [_joined(row, level) for row in rows])


def _element(tree, level, k):
    def element(x):
        return x.value[k] if type(x) is Batched and x.level is level else x

    return _tree.map_leaves(element, tree)


def _joined(row, level):
    """Return the results for all elements as one batch; what is no array must be the same for all."""
    if not isinstance(row[0], _ARRAYS) or isinstance(row[0], bool):
        if all(x == row[0] for x in row[1:]):
            return row[0]
    elif len({np.shape(x) if not isinstance(x, Tensor) else x.shape for x in row}) == 1:
        return Batched(FUNCTIONS["stack"](*row, axis=0), level)
    raise VmapError(
        "a result inside vmap has not the same shape for all elements of the batch: select with fg.where, or call the "
        "function outside of vmap"
    )


def by_element(function):
    """Decorate a function that may read the values of its arguments: then it is called for each element of a batch."""

    @functools.wraps(function)
    def called(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if not isinstance(error, VmapError) or innermost((args, kwargs)) is None:
                shorten(error)
                raise
        return looped(function, args, kwargs)

    return called


def constant(function, numpy_function, args, kwargs):
    """Return the result of a function without gradients, which calls `numpy_function`, for a batch."""
    if numpy_function in _OF_SHAPES:
        return numpy_function(*map(like, args), **{key: like(x) for key, x in kwargs.items()})
    level = innermost((args, kwargs))
    batched = [type(x) is Batched and x.level is level for x in args]
    values = [x.value if is_batch else x for x, is_batch in zip(args, batched, strict=True)]
    if (isinstance(numpy_function, np.ufunc) or numpy_function is np.isclose) and not {"out", "where"} & kwargs.keys():
        arrays = [k for k, x in enumerate(values) if not isinstance(x, (list, tuple))]
        if len(arrays) == len(values) and any(batched):
            return Batched(function(*aligned(values, batched), **kwargs), level)
    if numpy_function in _REDUCTIONS and batched == [True] and kwargs.keys() <= {"axis", "keepdims"}:
        x, axis = values[0], kwargs.get("axis")
        if axis is None and numpy_function in (np.argmax, np.argmin):
            if kwargs.get("keepdims"):
                return looped(function, args, kwargs)
            x, axis = FUNCTIONS["reshape"](x, (level.size, args[0].size)), 0
        kwargs = kwargs | {"axis": axes_behind(axis, x.ndim - 1)}
        return Batched(function(x, **kwargs), level)
    return looped(function, args, kwargs)
