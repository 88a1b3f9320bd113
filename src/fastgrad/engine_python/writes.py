"""Which values survive in-place writes: those in other parts of the memory, and former values that were kept."""

import math
from typing import NamedTuple

from numpy.lib.array_utils import byte_bounds

from fastgrad.engine_python.tensor import is_leaf

MOST_WRITES = 65536  # that a Storage remembers; the older half is forgotten then


class Region(NamedTuple):
    """What a strided array covers: runs of `width` bytes between two addresses, at multiples of `step`."""

    low: int
    high: int
    width: int
    step: int


def region_of(array):
    low, high = byte_bounds(array) if array.size else (0, 0)
    axes = [(n, abs(stride)) for n, stride in zip(array.shape, array.strides, strict=True) if n > 1]
    width = array.itemsize
    while (axis := next((axis for axis in axes if axis[1] == width), None)) is not None:
        width *= axis[0]
        axes.remove(axis)
    return Region(low, high, width, math.gcd(*(stride for _, stride in axes)))


def are_disjoint(a, b):
    """Return whether two regions are known to have no byte in common."""
    if a.high <= b.low or b.high <= a.low:
        return True
    step = math.gcd(a.step, b.step)
    if not step:
        return False
    apart = (a.low - b.low) % step
    return apart >= b.width and apart + a.width <= step


def note_write(storage, region):
    """Remember where the write that gave `storage` its present version went."""
    storage.writes.append((storage.version, region))
    if len(storage.writes) > MOST_WRITES:
        del storage.writes[: MOST_WRITES // 2]


def kept(x, version):
    """Return `x`, or the tensor with its value at `version` if it was written since and that value was kept."""
    if x.storage.version != version:
        for before in x._history:
            if before.storage.version == version:
                return before
    return x


def survives(x, version):
    """Return whether the memory of the view `x` was not written since `version`."""
    if x.view_version is None or (is_leaf(x) and x.view_version != version):
        return False
    since = [region for written, region in x.storage.writes if written > version]
    own = region_of(x.array)
    return len(since) == x.storage.version - version and all(are_disjoint(region, own) for region in since)
