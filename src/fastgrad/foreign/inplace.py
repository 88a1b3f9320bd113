"""In-place methods of PyTorch: `x.add_(y)`, `x.zero_()`, `x.normal_()`.

Each is an in-place operator or `x[...] = value`, so that the rules of in-place
writes hold: they are recorded, counted and checked as `x += y` is.
"""

import operator

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import asarray, is_grad_enabled
from fastgrad._generator import generator as generator_of
from fastgrad.foreign.values import index_key, renamed
from fastgrad.functions.arguments import one_axis, plain
from fastgrad.functions.constants import eye
from fastgrad.rules.rule import FUNCTIONS

METHODS = {}


def _method(function):
    METHODS[function.__name__] = function
    return function


def _named(name, function, doc):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    METHODS[name] = function


def _operator(name, update, text):
    def inplace(self, other):
        return update(self, other)

    _named(name, inplace, f"`{text}`, written to this tensor.")


for _name, _update, _text in (
    ("mul_", operator.imul, "x *= other"), ("multiply_", operator.imul, "x *= other"),
    ("pow_", operator.ipow, "x **= other"), ("floor_divide_", operator.ifloordiv, "x //= other"),
    ("remainder_", operator.imod, "x %= other"),
):  # fmt: skip
    _operator(_name, _update, _text)


@_method
def add_(self, other, *, alpha=1):
    """`x += alpha * other`."""
    return operator.iadd(self, other if alpha == 1 else alpha * other)


@_method
def sub_(self, other, *, alpha=1):
    """`x -= alpha * other`."""
    return operator.isub(self, other if alpha == 1 else alpha * other)


@_method
def div_(self, other, *, rounding_mode=None):
    """`x /= other`; `rounding_mode` is "floor" or "trunc" for results without a fraction."""
    if rounding_mode is None:
        return operator.itruediv(self, other)
    return write(self, "div_", self.div(other, rounding_mode=rounding_mode))


@_method
def addcmul_(self, tensor1, tensor2, *, value=1):
    """`x += value * tensor1 * tensor2`."""
    return operator.iadd(self, value * (tensor1 * tensor2))


@_method
def addcdiv_(self, tensor1, tensor2, *, value=1):
    """`x += value * tensor1 / tensor2`."""
    return operator.iadd(self, value * (tensor1 / tensor2))


@_method
def lerp_(self, end, weight):
    """`x += weight * (end - x)`."""
    return operator.iadd(self, weight * (end - self))


def write(x, op, value):
    """Write `value`, computed from `x`, to `x`, and return `x`."""
    if value.shape != x.shape:
        raise errors.inplace_shape(op, value.shape, x.shape)
    if not np.can_cast(value.dtype, x.dtype, "same_kind"):
        raise errors.inplace_dtype(op, value.dtype, x.dtype)
    x[...] = value
    return x


def _kept(x):
    """Return `x`, or a copy if the backward pass may read its value, which is about to be overwritten."""
    return FUNCTIONS["copy"](x) if x.requires_grad and not x.is_leaf and is_grad_enabled() else x


def _function(name, op):
    def inplace(self, *args, **kwargs):
        return write(self, name, renamed(name, op, FUNCTIONS[op], (_kept(self), *args), kwargs))

    inplace.alias_of = op
    _named(name, inplace, f"`fg.{op}` of this tensor, written to it.")


for _name, _op in {
    "abs_": "abs", "neg_": "negative", "exp_": "exp", "log_": "log", "sqrt_": "sqrt", "square_": "square",
    "sin_": "sin", "cos_": "cos", "tanh_": "tanh", "sigmoid_": "sigmoid", "relu_": "relu", "round_": "round",
    "floor_": "floor", "ceil_": "ceil", "trunc_": "trunc", "reciprocal_": "reciprocal", "clip_": "clip",
    "clamp_": "clip", "tril_": "tril", "triu_": "triu",
}.items():  # fmt: skip
    _function(_name, _op)


@_method
def clamp_min_(self, min):
    """Raise elements below `min` to it."""
    return write(self, "clamp_min_", FUNCTIONS["clip"](_kept(self), min, None))


@_method
def clamp_max_(self, max):
    """Lower elements above `max` to it."""
    return write(self, "clamp_max_", FUNCTIONS["clip"](_kept(self), None, max))


# --- values that do not depend on the old ones ---


@_method
def fill_(self, value):
    """Set all elements to one number."""
    self[...] = value
    return self


@_method
def zero_(self):
    """Set all elements to 0."""
    self[...] = 0
    return self


@_method
def copy_(self, src, non_blocking=False):
    """Set the elements to those of `src`, which is broadcast and converted to the dtype of this tensor."""
    src = asarray(src)
    self[...] = src if src.dtype == self.dtype else src.astype(self.dtype)
    return self


@_method
def masked_fill_(self, mask, value):
    """Set the elements where `mask` is True to `value`."""
    self[np.broadcast_to(np.asarray(plain(mask), dtype=bool), self.shape)] = value
    return self


@_method
def index_fill_(self, dim, index, value):
    """Set the subtensors at the positions `index` along `dim` to `value`."""
    self[(*(slice(None),) * one_axis("index_fill_", dim, self.ndim), np.asarray(plain(index)))] = value
    return self


@_method
def fill_diagonal_(self, fill_value):
    """Set the main diagonal of a matrix to one number."""
    return self.masked_fill_(eye(*self.shape, dtype=bool), fill_value)


def _scatter_key(op, x, dim, index, src):
    index = np.asarray(plain(index))
    key = index_key(op, x, dim, index)
    if getattr(src, "ndim", 0):
        src = src[tuple(slice(n) for n in index.shape)]
    return key, index, src


@_method
def scatter_(self, dim, index, src=None, value=None):
    """Set the elements at `index` along `dim` to those of `src`, a tensor or a number.

    Parameters
    ----------
    dim : int
    index : array of int
        Has as many dimensions as this tensor.
    src, value : Tensor, array or number
    """
    key, _, src = _scatter_key("scatter_", self, dim, index, parameters.either(src, value))
    self[key] = src
    return self


@_method
def scatter_add_(self, dim, index, src):
    """Add `src` to the elements at `index` along `dim`; contributions to the same element add up."""
    key, index, src = _scatter_key("scatter_add_", self, dim, index, src)
    src = FUNCTIONS["broadcast_to"](src, index.shape)
    return operator.iadd(self, FUNCTIONS["scatter_add"](src, key, self.shape))


@_method
def index_add_(self, dim, index, source, *, alpha=1):
    """Add the subtensors of `alpha * source` to those at the positions `index` along `dim`."""
    key = (*(slice(None),) * one_axis("index_add_", dim, self.ndim), np.asarray(plain(index)))
    return operator.iadd(self, FUNCTIONS["scatter_add"](alpha * source, key, self.shape))


@_method
def detach_(self):
    """Make this leaf a constant. For a result, use `x = x.detach()`."""
    return self.requires_grad_(False)


# --- random values ---


def _draw(self, draw, generator):
    return fill_(self, draw(generator_of(generator), self.shape))


@_method
def normal_(self, mean=0, std=1, *, generator=None):
    """Draw all elements from a normal distribution."""
    return _draw(self, lambda rng, shape: rng.normal(mean, std, shape), generator)


@_method
def uniform_(self, a=0, b=1, *, generator=None):
    """Draw all elements uniformly from `a` to `b`."""
    return _draw(self, lambda rng, shape: rng.uniform(a, b, shape), generator)


@_method
def bernoulli_(self, p=0.5, *, generator=None):
    """Set each element to 1 with probability `p`, otherwise to 0."""
    return _draw(self, lambda rng, shape: rng.random(shape) < plain(p), generator)


@_method
def exponential_(self, lambd=1, *, generator=None):
    """Draw all elements from an exponential distribution with the rate `lambd`."""
    return _draw(self, lambda rng, shape: rng.exponential(1 / lambd, shape), generator)


@_method
def random_(self, low=0, high=None, *, generator=None):
    """Draw integers from `low` to `high` (exclusive); with one argument, from 0 to it."""
    low, high = (0, low) if high is None else (low, high)
    return _draw(self, lambda rng, shape: rng.integers(low, high, shape), generator)
