"""Functions that return the same values in different memory layouts."""

import numpy as np


def contiguous(x):
    return np.array(x, order="C")


def fortran(x):
    return np.array(x, order="F")


def every_second(x):
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]) if x.ndim else (), x.dtype)
    part = wide[..., ::2] if x.ndim else wide
    part[...] = x
    return part


def reversed_(x):
    turn = (..., *(slice(None, None, -1),) * x.ndim)
    return np.array(x[turn], order="C")[turn]


def cut_out(x):
    block = np.zeros([n + 2 for n in x.shape], x.dtype)
    part = block[(slice(1, -1),) * x.ndim + (...,)]
    part[...] = x
    return part


def turned(x):
    """The last axis varies slowest; the others keep their order."""
    return np.moveaxis(np.array(np.moveaxis(x, -1, 0), order="C"), 0, -1) if x.ndim else contiguous(x)


WRITABLE = {
    "C": contiguous, "Fortran": fortran, "every second": every_second, "negative strides": reversed_,
    "cut out of a block": cut_out, "last axis slowest": turned,
}  # fmt: skip


def broadcast(x):
    """Zero strides along the first axis, so that all its elements are those of `x[0]`."""
    return np.broadcast_to(x[:1], x.shape) if x.ndim and x.shape[0] else contiguous(x)


LAYOUTS = WRITABLE | {"zero strides": broadcast}
