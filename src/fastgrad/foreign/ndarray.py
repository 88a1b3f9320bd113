"""Methods of ndarray that `tensor_methods` does not have. `METHODS` is installed when one of them is first used.

Methods that write hold to the rules of `x[key] = value`: what they write is recorded, counted and checked.
"""

import numpy as np

from fastgrad import errors, leaving
from fastgrad._engine import asarray, leave
from fastgrad.functions import constants
from fastgrad.functions.arguments import one_axis, plain, records
from fastgrad.functions.joining import stack
from fastgrad.functions.selecting import in_bounds, integers, take, take_along_axis
from fastgrad.rules.rule import FUNCTIONS

METHODS = {}
_argpartition = constants.constant(np.argpartition)


def _method(function):
    METHODS[function.__name__] = function
    return function


# --- constants ---


@_method
def nonzero(self, *, as_tuple=True):
    """Return the indices of the nonzero elements, as `fg.nonzero` does.

    Parameters
    ----------
    as_tuple : bool
        Whether to return one vector of indices per axis, as in NumPy. False returns a matrix with one row per element,
        as PyTorch does by default.
    """
    found = constants.nonzero(self)
    return found if as_tuple else stack(found, axis=1)


@_method
def searchsorted(self, v, side="left", sorter=None):
    """Return the positions in this sorted vector where the elements of `v` keep it sorted: `fg.searchsorted`."""
    return constants.searchsorted(self, v, side=side, sorter=sorter)


@_method
def argpartition(self, kth, axis=-1, kind="introselect", order=None):
    """Return the indices that partition this tensor along `axis`, as `numpy.argpartition` does."""
    return _argpartition(self, kth, axis=axis, kind=kind, order=order)


@_method
def tobytes(self, order="C"):
    """Return the elements as bytes.

    Parameters
    ----------
    order : {"C", "F", "A"}
        The order of the elements.

    Raises
    ------
    NotDifferentiableError
        Inside a transform, if the tensor depends on an argument that is differentiated.
    """
    leave(self, "x.tobytes()")
    return self.detach().numpy().tobytes(order)


def flags(self):
    """The layout of the memory, as `x.detach().numpy().flags`. That array is read-only."""
    return self.detach().numpy().flags


METHODS["flags"] = property(flags)


# --- selections ---


@_method
def conjugate(self):
    """Return the complex conjugate: `fg.conj`."""
    return FUNCTIONS["conj"](self)


@_method
def compress(self, condition, axis=None):
    """Return the subtensors along `axis` at which `condition` is True.

    Parameters
    ----------
    condition : vector of bool
        May be shorter than the axis.
    axis : int, optional
        By default, this tensor is flattened.

    Raises
    ------
    ShapeError
        If the condition is not a vector.
    IndexingError
        If it is True beyond the end of the axis.
    """
    condition = np.asarray(plain(condition))
    if condition.ndim != 1:
        raise errors.ShapeError(f"compress: the condition must be a vector, got shape {condition.shape}")
    return take(self, np.flatnonzero(condition), axis)


@_method
def choose(self, choices, *, mode="raise"):
    """Return the elements of `choices` that this tensor of integers selects, as `numpy.choose` does.

    Parameters
    ----------
    choices : sequence of Tensor or array
        Broadcast against each other and this tensor.
    mode : {"raise", "wrap", "clip"}
        What a number out of bounds does.
    """
    return np.choose(self, choices, mode=mode)


@_method
def ptp(self, axis=None, *, keepdims=False):
    """Return the largest element minus the smallest one, over `axis`."""
    return FUNCTIONS["max"](self, axis, keepdims) - FUNCTIONS["min"](self, axis, keepdims)


@_method
def view(self, *shape, dtype=None):
    """Return the elements in another shape, as `x.reshape` does, or the bytes as another dtype.

    Parameters
    ----------
    *shape : int, or one tuple of int, or one dtype
        A shape as in PyTorch, or a dtype as in NumPy.
    dtype : dtype, optional
        The last axis becomes shorter or longer if its items have another size.

    Returns
    -------
    Tensor
        A shape is copied where the strides require it. With another dtype, a read-only constant.

    Raises
    ------
    NotDifferentiableError
        If this tensor is recorded, and its dtype would change.
    ShapeError
        If the bytes do not fit the dtype.
    """
    if dtype is None and len(shape) == 1 and isinstance(shape[0], (type, np.dtype, str)):
        dtype = shape[0]
    if dtype is None:
        return self.reshape(*shape)
    if np.dtype(dtype) == self.dtype:
        return self[...]
    if records(self):
        raise leaving.no_numpy_rule("x.view(dtype)")
    try:
        return asarray(self.detach().numpy().view(dtype))
    except ValueError as error:
        raise errors.ShapeError(f"view: {error}") from None


# --- writes ---


@_method
def fill(self, value):
    """Set all elements to one number.

    Raises
    ------
    ShapeError
        If `value` is not a number.
    """
    if np.ndim(plain(value)):
        raise errors.ShapeError(f"fill: the value must be a number, got shape {np.shape(plain(value))}")
    self[...] = value


@_method
def put(self, indices, values, mode="raise"):
    """Set the elements at `indices` of the flattened tensor.

    Parameters
    ----------
    indices : int or array of int
    values : Tensor, array or number
        Flattened, and repeated if there are fewer values than indices.
    mode : {"raise", "wrap", "clip"}
        What an index out of bounds does, as in `fg.take`.

    Raises
    ------
    IndexingError
        If an index is out of bounds, and the mode is "raise".
    """
    indices = in_bounds("put", integers("put", indices).ravel(), self.size, mode)
    values = asarray(values).ravel()
    if not indices.size or not values.size:
        return
    if values.size != indices.size:
        values = values[np.arange(indices.size) % values.size]
    if self.ndim:
        self[np.unravel_index(indices, self.shape)] = values
    else:
        self[...] = values[-1]


@_method
def partition(self, kth, axis=-1, kind="introselect", order=None):
    """Reorder the elements along `axis`, so that element `kth` is where it would be if they were sorted.

    Smaller elements are before it, and equal and larger ones after it.

    Parameters
    ----------
    kth : int or sequence of int
    axis : int
    kind : {"introselect"}
    order : None

    Raises
    ------
    ValueError
        If `kth` or the axis is out of bounds.
    """
    axis = one_axis("partition", axis, self.ndim)
    index = np.argpartition(self.detach().numpy(), plain(kth), axis=axis, kind=kind, order=order)
    self[...] = take_along_axis(FUNCTIONS["copy"](self), index, axis)


class Flat:
    """The elements of a Tensor in C order, as one vector that can be read and written: `x.flat`.

    Examples
    --------
    >>> x = fg.zeros(2, 2)
    >>> x.flat[1:3] = 5
    >>> x.tolist(), x.flat[2].item(), len(x.flat)
    ([[0.0, 5.0], [5.0, 0.0]], 5.0, 4)
    """

    __slots__ = ("base",)

    def __init__(self, base):
        self.base = base

    def __len__(self):
        return self.base.size

    def __iter__(self):
        return iter(self.base.ravel())

    def __getitem__(self, key):
        """Return one element, or a copy of several."""
        return FUNCTIONS["copy"](self.base.ravel()[key])

    def __setitem__(self, key, value):
        """Write elements; if there are fewer values than elements, they are repeated."""
        put(self.base, np.arange(self.base.size)[plain(key)], value)

    def copy(self):
        """Return a vector of all elements."""
        return self[...]

    def __array__(self, dtype=None, copy=None):
        return np.array(self[...], dtype=dtype)


def _flat(self):
    """The elements in C order, as one vector that can be read and written."""
    return Flat(self)


def _write_flat(self, value):
    put(self, np.arange(self.size), value)


METHODS["flat"] = property(_flat, _write_flat)
