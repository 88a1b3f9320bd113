"""Keys of views: how the elements of a view are indexed in the array that owns the memory. Knows no Tensors.

A write to a view is recorded as a write to the owner, whatever chain of slices, transposes and reshapes the view came
from: only where its elements lie matters.
"""

import numpy as np

BASIC = (int, slice, type(None), type(Ellipsis))


def key_of(owner, part):
    """Return a key with which `owner[key]` has the elements of `part`; None if there is none.

    Where `part` has real or imaginary parts of `owner`, the key is that of the complex elements.

    Parameters
    ----------
    owner : ndarray
    part : ndarray
        A view of `owner`.

    Returns
    -------
    key : tuple of int, slice and None, or of arrays of int
        Slices wherever `part` has the axes of `owner` in their order, otherwise arrays.
    """
    offset = _address(part) - _address(owner)
    if part.dtype != owner.dtype:
        if any(stride % owner.itemsize for stride in owner.strides):  # as of a field of a structured array
            return None
        offset -= offset % owner.itemsize
    key = _slices(owner, part, offset)
    return _places(owner, part, offset) if key is None else key


def is_imaginary(owner, part):
    """Return whether `part`, which has real or imaginary parts of `owner`, has the imaginary ones."""
    return (_address(part) - _address(owner)) % owner.itemsize != 0


def item(array, key):
    """Return the view `array[key]`, of one element also; `array` itself if `key` is not basic, or out of bounds."""
    parts = item_key(array, key)
    return array if parts is None else array[parts]


def item_key(array, key):
    """Return the key of the view `array[key]`, of one element also; None if `key` is not basic, or out of bounds."""
    parts = key if isinstance(key, tuple) else (key,)
    if not all(type(index) in BASIC for index in parts):
        return None
    parts = parts if Ellipsis in parts else (*parts, ...)
    try:
        array[parts]
    except IndexError:
        return None
    return parts


def key_of_item(owner, part, key):
    """Return a key of `owner` for the elements of `part[key]`; None if `key` is not basic, or out of bounds."""
    found = item(part, key)
    return None if found is part else key_of(owner, found)


def is_item(array, key, part):
    """Return whether `part` is the view `array[key]` of the same memory."""
    found = item(array, key)
    same = all(n == 1 or s == t for n, s, t in zip(found.shape, found.strides, part.strides, strict=False))
    return found is not array and found.shape == part.shape and same and _address(found) == _address(part)


def _address(array):
    return array.__array_interface__["data"][0]


def _slices(owner, part, offset):
    """Return the key made of integers, slices and None; None if an axis of `part` is not one of `owner`'s in order."""
    if not part.size:
        fits = part.ndim == owner.ndim and all(n <= m for n, m in zip(part.shape, owner.shape, strict=True))
        return tuple(map(slice, part.shape)) if fits else None
    start = _start(owner, offset)
    if start is None:
        return None
    key, axis = [], 0
    for n, stride in zip(part.shape, part.strides, strict=True):
        if n == 1:
            key.append(None)
            continue
        while axis < owner.ndim and not _steps(owner, axis, start[axis], n, stride):
            key.append(start[axis])
            axis += 1
        if axis == owner.ndim:
            return None
        step = stride // owner.strides[axis]
        stop = start[axis] + n * step
        key.append(slice(start[axis], stop if stop >= 0 else None, step))
        axis += 1
    key.extend(start[axis:])
    return (*key, ...) if all(type(index) is int for index in key) else tuple(key)


def _steps(owner, axis, start, n, stride):
    """Return whether `n` elements `stride` bytes apart, from `start` on, lie along an axis of `owner`."""
    if owner.shape[axis] == 1 or stride == 0 or stride % owner.strides[axis]:
        return False
    return 0 <= start + (n - 1) * (stride // owner.strides[axis]) < owner.shape[axis]


def _start(owner, offset):
    """Return the index of the element that lies `offset` bytes behind the first one; None if there is none."""
    index = [0] * owner.ndim
    for axis in _longest_first(owner):
        stride = owner.strides[axis]
        if stride <= 0:
            return None
        index[axis], offset = divmod(offset, stride)
        if index[axis] >= owner.shape[axis]:
            return None
    return None if offset else index


def _longest_first(owner):
    """Return the axes with more than one element, those with the longest stride first."""
    axes = [axis for axis in range(owner.ndim) if owner.shape[axis] > 1]
    return sorted(axes, key=lambda axis: -abs(owner.strides[axis]))


def _places(owner, part, offset):
    """Return the key made of one array of indices for each axis of `owner`; None if its axes are interleaved."""
    if owner.ndim == 0:
        return None
    rest = np.full(part.shape, offset, np.intp)
    for axis, (n, stride) in enumerate(zip(part.shape, part.strides, strict=True)):
        rest += (np.arange(n) * stride).reshape((n,) + (1,) * (part.ndim - axis - 1))
    index = [np.zeros(part.shape, np.intp)] * owner.ndim
    axes = _longest_first(owner)
    for axis in axes:
        if owner.strides[axis] < 0:  # count from the other end, where the lowest address is
            rest -= (owner.shape[axis] - 1) * owner.strides[axis]
    for axis in axes:
        places, rest = np.divmod(rest, abs(owner.strides[axis]) or 1)
        if (places >= owner.shape[axis]).any():
            return None
        index[axis] = owner.shape[axis] - 1 - places if owner.strides[axis] < 0 else places
    return None if rest.any() else tuple(index)
