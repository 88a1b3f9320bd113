"""Methods of Tensor in PyTorch's spelling that compute, select elements, or make new tensors of the same dtype."""

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import tensor
from fastgrad.functions import constants, products, selecting, shapes
from fastgrad.functions.arguments import one_axis, plain
from fastgrad.rules.rule import FUNCTIONS

METHODS = {}


def renamed(name, target, function, args, kwargs):
    """Call the function `target` for its other name; errors about its arguments bear that one."""
    try:
        return function(*args, **kwargs)
    except TypeError as error:
        said = str(error)
        if not said.startswith(f"{target}() "):
            raise
        raise TypeError(name + said.removeprefix(target)) from None


def _method(function):
    METHODS[function.__name__] = function
    return function


def lengths(sizes, shape=None, size=None):
    """Return the lengths of a shape given as `f(2, 3)`, `f((2, 3))`, or by keyword."""
    named = parameters.either(shape, size)
    if named is not None:
        if sizes:
            raise parameters.two_names()
        return named
    return sizes[0] if len(sizes) == 1 and hasattr(type(sizes[0]), "__iter__") and np.ndim(plain(sizes[0])) else sizes


# --- arithmetic ---


def _scaled(other, alpha):
    return other if alpha == 1 else alpha * other


@_method
def add(self, other, *, alpha=1):
    """Return `x + alpha * other`."""
    return self + _scaled(other, alpha)


@_method
def sub(self, other, *, alpha=1):
    """Return `x - alpha * other`."""
    return self - _scaled(other, alpha)


METHODS["subtract"] = sub


@_method
def div(self, other, *, rounding_mode=None):
    """Return `x / other`, rounded to integers if `rounding_mode` is "floor" or "trunc"."""
    if rounding_mode not in (None, "floor", "trunc"):
        raise ValueError(f'rounding_mode must be None, "floor" or "trunc", got {rounding_mode!r}')
    y = self / other
    return y if rounding_mode is None else FUNCTIONS[rounding_mode](y)


METHODS["divide"] = div


@_method
def norm(self, p=2, dim=None, keepdim=False):
    """Return the p-norm of the elements, or of the vectors along `dim`, as PyTorch does; `fg.norm` has matrix norms."""
    if p == "fro" or p is None:
        p = 2
    if dim is None:
        y = products.norm(self.reshape(-1), p)
        return y.reshape((1,) * self.ndim) if keepdim else y
    if p == 2:
        return products.norm(self, None, dim, keepdim)
    return products.norm(self, p, dim, keepdim)


@_method
def addmm(self, mat1, mat2, *, beta=1, alpha=1):
    """Return `beta * x + alpha * mat1 @ mat2`."""
    return _scaled(self, beta) + _scaled(FUNCTIONS["matmul"](mat1, mat2), alpha)


@_method
def lerp(self, end, weight):
    """Return `x + weight * (end - x)`."""
    return self + weight * (end - self)


# --- selection ---


@_method
def masked_fill(self, mask, value):
    """Return a copy with `value` where `mask` is True."""
    return FUNCTIONS["where"](mask, value, self)


@_method
def masked_select(self, mask):
    """Return the elements where `mask` is True, along one axis: `x[mask]`."""
    x, mask = shapes.broadcast_arrays(self, mask)
    return x[mask.numpy()]


@_method
def gather(self, dim, index):
    """Return the elements of `x` at `index` along `dim`, for an `index` that may be shorter along the other axes.

    Parameters
    ----------
    dim : int
    index : array of int
        Has as many dimensions as `x`.

    Returns
    -------
    Tensor
        Of the shape of `index`.
    """
    index = np.asarray(plain(index))
    return self[index_key("gather", self, dim, index)]


def index_key(op, x, dim, index):
    """Return the key for the elements of `x` at `index` along `dim`; the other indices are those of `index` itself."""
    dim = one_axis(op, dim, x.ndim)
    if index.ndim != x.ndim:
        raise errors.ShapeError(f"{op}: the index has {index.ndim} dimensions, x has {x.ndim}: they must be equal")
    key = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    key[dim] = index
    return tuple(key)


@_method
def index_select(self, dim, index):
    """Return the subtensors at the positions `index` along `dim`: `fg.take(x, index, axis)`."""
    return selecting.take(self, index, dim)


@_method
def scatter(self, dim, index, src):
    """Return a copy with `src` at `index` along `dim`."""
    return self.copy().scatter_(dim, index, src)


# --- new tensors of the same dtype ---


@_method
def new_tensor(self, data, *, dtype=None, requires_grad=False):
    """Return a new leaf of `data` in the dtype of this tensor."""
    return tensor(data, dtype=dtype or self.dtype, requires_grad=requires_grad)


def _new(name):
    function = getattr(constants, name)

    def new(self, *size, dtype=None, requires_grad=False):
        return function(lengths(size), dtype=dtype or self.dtype, requires_grad=requires_grad)

    new.__name__ = new.__qualname__ = f"new_{name}"
    new.__doc__ = f"Return `fg.{name}(size)` in the dtype of this tensor."
    METHODS[new.__name__] = new


for _name in ("zeros", "ones", "empty"):
    _new(_name)


@_method
def new_full(self, size, fill_value, *, dtype=None, requires_grad=False):
    """Return `fg.full(size, fill_value)` in the dtype of this tensor."""
    return constants.full(size, fill_value, dtype=dtype or self.dtype, requires_grad=requires_grad)
