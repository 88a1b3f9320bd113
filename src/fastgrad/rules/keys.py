"""Keys of a batch: what `x[key]`, `x[key] = v` and their relatives do to each element, as one key of the whole batch.

NumPy puts the axes of index arrays where the arrays are if these follow one another, and in front otherwise. In the
key of a batch there is one more index, of the batch itself, so that the axes may come out in another order.
"""

import numpy as np

from fastgrad._engine import Tensor
from fastgrad.batching import Batched, Part
from fastgrad.errors import VmapError
from fastgrad.rules.batching import rank, shape_of
from fastgrad.rules.derivatives import ops

_SLICE, _INT, _ARRAY, _NEW, _DOTS = range(5)


class BatchKey:
    """The key of the batch, and the order of the axes of its result.

    Attributes
    ----------
    key : tuple
    rank : int
        Number of axes of the result for one element.
    order : tuple of int or None
        The axes of the batch's result in the order (batch, axes of one element); None if they are in that order.
    """

    def __init__(self, key, ndim, x_batched, size):
        parts = key if type(key) is tuple else (key,)
        if any(type(p) is Part for p in parts):
            parts = tuple(q for p in parts for q in _without_masks(p))
        kinds = [_kind(p) for p in parts]
        consumed = sum(
            p.ndim if _is_mask(p) else k in (_SLICE, _INT, _ARRAY) for p, k in zip(parts, kinds, strict=True)
        )
        rest = max(ndim - consumed, 0)  # of a key that is too long, the op raises
        arrays = [k for k, kind in enumerate(kinds) if kind == _ARRAY]
        if arrays:
            kinds = [_ARRAY if kind == _INT else kind for kind in kinds]
            arrays = [k for k, kind in enumerate(kinds) if kind == _ARRAY]
        width = max((_array_ndim(parts[k]) for k in arrays), default=0)
        self.rank = kinds.count(_SLICE) + kinds.count(_NEW) + rest + width
        self.order = None
        if any(type(p) is Part for p in parts):
            self._with_parts(parts, kinds, arrays, width, rest, x_batched, size)
            return
        self.key = (slice(None), *parts)
        if arrays and not _adjacent(arrays):  # (arrays, batch, others)
            self._set_order([width, *range(width), *range(width + 1, self.rank + 1)])

    def _with_parts(self, parts, kinds, arrays, width, rest, x_batched, size):
        """Set key and order if some of the indices differ between the elements."""
        parts = tuple(_aligned_part(p, width) if type(p) is Part else p for p in parts)
        before = sum(1 if kind in (_SLICE, _NEW) else rest for kind in kinds[: arrays[0]])
        if x_batched:
            self.key = (np.arange(size).reshape(size, *(1,) * width), *parts)
            if before and _adjacent(arrays):  # (batch, arrays, others)
                behind = range(1 + width, self.rank + 1)
                self._set_order([0, *behind[:before], *range(1, 1 + width), *behind[before:]])
        else:
            self.key = parts
            if before and _adjacent(arrays):
                self._set_order([before, *range(before), *range(before + 1, self.rank + 1)])

    def _set_order(self, order):
        self.order = None if order == sorted(order) else tuple(order)

    def of_result(self, y):
        """Return the result of `x[key]` with the batch as axis 0."""
        return y if self.order is None else ops.permute_dims(y, self.order)

    def for_value(self, value, is_batch):
        """Return a value in the order of axes in which it can be assigned to `x[key]`."""
        if not is_batch and (self.order is None or not rank(value, False)):
            return value
        shape = value.shape if is_batch else (1, *shape_of(value))
        extra = self.rank + 1 - len(shape)
        if extra:  # missing axes, or leading axes of length 1, which NumPy allows
            value = ops.reshape(value, (shape[0], *(1,) * extra, *shape[1 + max(-extra, 0) :]))
        elif not is_batch:
            value = ops.reshape(value, shape)
        if self.order is None:
            return value
        return ops.permute_dims(value, tuple(self.order.index(k) for k in range(self.rank + 1)))


def _without_masks(p):
    """Return an index as a sequence of indices: a mask as the arrays of the places where it is True."""
    return p.nonzero() if isinstance(p, np.ndarray) and p.dtype.kind == "b" and p.ndim else (p,)


def _is_mask(p):
    return isinstance(p, np.ndarray) and p.dtype.kind == "b"


def _kind(p):
    if p is None:
        return _NEW
    if p is Ellipsis:
        return _DOTS
    if isinstance(p, slice):
        return _SLICE
    values = p.value if type(p) is Part else p
    if type(p) in (Part, Batched) and values.dtype.kind == "b":
        raise mask_differs()
    return _ARRAY if isinstance(p, (np.ndarray, Tensor, Part, Batched)) else _INT


def mask_differs():
    """Error for a mask that is different for each element of the batch, and so selects different numbers of values."""
    return VmapError(
        "x[mask] inside vmap: the mask differs between the elements of the batch, so that the numbers of selected "
        "elements may differ: use fg.where(mask, x, other)"
    )


def _array_ndim(p):
    if type(p) is Part:
        return p.value.ndim - 1
    return 1 if _is_mask(p) else rank(p, False)


def _adjacent(arrays):
    return arrays[-1] - arrays[0] == len(arrays) - 1


def _aligned_part(part, width):
    """Return the indices of all elements, with `width` axes after the one of the batch."""
    value, missing = part.value, width + 1 - part.value.ndim
    return ops.reshape(value, (value.shape[0], *(1,) * missing, *value.shape[1:])) if missing else value


# --- batching rules


def getitem(operands, batched, params, size):
    """`x[key]`; an element is a copy, as for one array."""
    (x,) = operands
    key = BatchKey(params["key"], rank(x, batched[0]), batched[0], size)
    y = key.of_result(ops.getitem(x, key.key))
    return y if key.rank else ops.copy(y)


def scatter_add(operands, batched, params, size):
    """`x` added up at the places of each element."""
    (x,), shape = operands, params["shape"]
    key = BatchKey(params["key"], len(shape), True, size)
    if not batched[0]:
        x = ops.broadcast_to(x, (size, *shape_of(x)))
    return (key.for_value(x, True),), {"key": key.key, "shape": (size, *shape)}


def _assigned(operands, batched, params, size):
    """Return operands and key of an assignment to a part of each element, which has the axes of the batch."""
    x, value = operands
    if not batched[0]:
        x = ops.broadcast_to(x, (size, *shape_of(x)))
    key = BatchKey(params["key"], x.ndim - 1, True, size)
    return (x, key.for_value(value, batched[1])), {"key": key.key}


add_at = _assigned


def setitem(operands, batched, params, size):
    """`x[key] = value`; a mask that differs between the elements selects where a single value is written."""
    mask = params["key"]
    if type(mask) is not Part or mask.value.dtype.kind != "b":
        return _assigned(operands, batched, params, size)
    x, value = operands
    if rank(value, batched[1]):
        raise mask_differs()
    if not batched[0]:
        x = ops.broadcast_to(x, (size, *shape_of(x)))
    missing = (1,) * (x.ndim - mask.value.ndim)
    if batched[1]:
        value = ops.reshape(value, (size, *(1,) * (x.ndim - 1)))
    return ops.where(ops.reshape(mask.value, (*mask.value.shape, *missing)), value, x)


for _function in (getitem, setitem, scatter_add, add_at):
    _function.takes_parts = True
