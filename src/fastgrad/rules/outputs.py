"""Several results of one op: packed into one array, which the engine records, and read from it by an op for each.

A node has one value. An op with several results therefore records them side by side in one array of the widest dtype,
and each result that users see is the result of `output`, which copies its elements and gives them their shape and
dtype. Cotangents of the results meet in the cotangent of the packed array, so that the vjp of the op runs once.
The ops take any number of leading axes, those of batches. They are not entered in the table of rules.
"""

import functools
import math

import numpy as np

from fastgrad import _engine
from fastgrad.errors import DTypeError, ShapeError
from fastgrad.rules.derivatives import ops
from fastgrad.rules.rule import Rule

_DTYPES = frozenset(np.dtype(order + char) for char in "?bhilqBHILQfdFD" for order in "<>")


class Layout:
    """The shapes and dtypes of results, and their places along the last axis of the packed array."""

    __slots__ = ("dtype", "dtypes", "floating", "places", "shapes")

    def __init__(self, shapes, dtypes):
        self.shapes, self.dtypes = tuple(shapes), tuple(dtypes)
        self.floating = [k for k, dtype in enumerate(self.dtypes) if dtype.kind in "fc"]
        exact = [np.dtype(np.float64)] * (len(self.floating) < len(self.dtypes))  # holds the halves of integers
        self.dtype = np.result_type(*(self.dtypes[k] for k in self.floating), *exact)
        self.places, start = [], 0
        for shape, dtype in zip(self.shapes, self.dtypes, strict=True):
            stop = start + math.prod(shape) * _numbers_per_element(dtype)
            self.places.append(slice(start, stop))
            start = stop

    def __eq__(self, other):
        return self.shapes == other.shapes and self.dtypes == other.dtypes

    __hash__ = None

    @property
    def size(self):
        """The length of the packed array."""
        return self.places[-1].stop if self.places else 0

    def split(self, packed):
        """Return the results, of a packed Tensor."""
        return tuple(output(packed, layout=self, k=k) for k in range(len(self.shapes)))

    def split_floating(self, packed):
        """Return the cotangents of the results, of a packed Tensor; None for integers and booleans."""
        return tuple(output(packed, layout=self, k=k) if k in self.floating else None for k in range(len(self.shapes)))

    def join(self, parts):
        """Return tangents of the floating results, a Tensor each, as a packed Tensor."""
        return join_outputs(*(parts[k] for k in self.floating), layout=self)


def pack(arrays, lead=0):
    """Return arrays as one, and its layout. The first `lead` axes, those of batches, are kept."""
    for a in arrays:
        if a.dtype not in _DTYPES:
            raise DTypeError(
                f"a result has dtype {a.dtype}, but a Tensor holds only bool, integers, float32, float64, complex64 "
                "and complex128: convert it first, for example with .astype(np.float64)"
            )
        if a.shape[:lead] != arrays[0].shape[:lead] or a.ndim < lead:
            raise ShapeError(f"results of a batch must all have its axes first, got shapes {[a.shape for a in arrays]}")
    layout = _layout(tuple(a.shape[lead:] for a in arrays), tuple(a.dtype for a in arrays))
    batch = arrays[0].shape[:lead]
    packed = np.empty((*batch, layout.size), layout.dtype)
    for a, place, dtype in zip(arrays, layout.places, layout.dtypes, strict=True):
        packed[..., place] = _as_numbers(a.reshape((*batch, math.prod(a.shape[lead:]))), dtype)
    return packed, layout


@functools.lru_cache(256)
def _layout(shapes, dtypes):
    return Layout(shapes, [dtype.newbyteorder("=") for dtype in dtypes])


def _numbers_per_element(dtype):
    """Integers of 64 bits take two numbers, one for each half, since a float64 holds 53 bits only."""
    return 2 if dtype.kind in "iu" and dtype.itemsize == 8 else 1


def _as_numbers(flat, dtype):
    return np.ascontiguousarray(flat, dtype).view(np.int32) if _numbers_per_element(dtype) == 2 else flat


def _from_numbers(flat, dtype):
    if flat.dtype == dtype:
        return flat
    flat = flat.real if dtype.kind != "c" else flat
    return flat.astype(np.int32).view(dtype) if _numbers_per_element(dtype) == 2 else flat.astype(dtype)


def _output(packed, /, *, layout, k):
    batch = packed.shape[:-1]
    return _from_numbers(packed[..., layout.places[k]], layout.dtypes[k]).reshape(batch + layout.shapes[k])


def _place_output(part, /, *, layout, k):
    batch = part.shape[: part.ndim - len(layout.shapes[k])]
    packed = np.zeros((*batch, layout.size), layout.dtype)
    packed[..., layout.places[k]] = part.reshape((*batch, math.prod(layout.shapes[k])))
    return packed


def _join_outputs(*parts, layout):
    batch = parts[0].shape[: parts[0].ndim - len(layout.shapes[layout.floating[0]])]
    packed = np.zeros((*batch, layout.size), layout.dtype)
    for part, k in zip(parts, layout.floating, strict=True):
        packed[..., layout.places[k]] = part.reshape((*batch, math.prod(layout.shapes[k])))
    return packed


def _same_call(operands, batched, params, size):
    """Batch rule: leading axes are allowed, but must be those of all operands."""
    return [
        x if has else ops.broadcast_to(x, (size, *x.shape)) for x, has in zip(operands, batched, strict=True)
    ], params


def _elements(size, layout, k):
    """Return the places of the elements of result `k` in the flattened packed array, which has `size` elements."""
    place = layout.places[k]
    starts = np.arange(0, size, max(layout.size, 1))[:, None]
    return (starts + np.arange(place.start, place.stop)).ravel()


def _pattern_of_output(call, k):
    layout, number = call.params["layout"], call.params["k"]
    return None, _elements(math.prod(call.shape_of(0)), layout, number) if number in layout.floating else None


def _pattern_of_packed(call, k):
    layout = call.params["layout"]
    number = call.params["k"] if "k" in call.params else layout.floating[k]
    return _elements(math.prod(call.shape), layout, number), None


def _structural(forward, vjp, pattern):
    name = forward.__name__.lstrip("_")
    return _engine.Function(Rule(forward, vjp, name=name, jvp="linear", batch=_same_call, pattern=pattern, numpy=()))


output = _structural(_output, lambda g, layout, k: place_output(g, layout=layout, k=k), _pattern_of_output)
place_output = _structural(_place_output, lambda g, layout, k: output(g, layout=layout, k=k), _pattern_of_packed)
join_outputs = _structural(
    _join_outputs, lambda g, layout, i: output(g, layout=layout, k=layout.floating[i]), _pattern_of_packed
)
