"""`check=True`: a compiled function and the function itself, one after the other, compared to the bit."""

import numpy as np

from fastgrad import program_errors


def _bits(value):
    if isinstance(value, (tuple, list)):
        return [_bits(part) for part in value]
    if isinstance(value, dict):
        return {key: _bits(part) for key, part in value.items()}
    if hasattr(value, "detach"):
        value = value.detach().numpy()
    if not isinstance(value, (np.ndarray, np.generic, int, float, complex)):
        return value
    a = np.asarray(value)
    if a.dtype.kind in "fc":
        a = np.where(a != a, np.nan, a)  # the payload of a NaN says nothing
    return a.dtype.str, a.shape, a.tobytes()


def _state(arrays, leaves):
    return [_bits(a) for a in arrays], [None if x.grad is None else _bits(x.grad) for x in leaves]


def checked(name, replay, eager, arrays, leaves):
    """Return the result of `replay()`, or raise if `eager()` gives another one or leaves other values behind.

    `arrays` are what is written outside, over its memory, and `leaves` the Tensors whose `.grad` may change. Between
    the two calls both are put back. The values of `eager()` remain; they are the same.
    """
    before = [a.copy() for a in arrays]
    grads = [(x.grad, None if x.grad is None else x.grad.detach().numpy().copy()) for x in leaves]
    found = replay()
    if found is NotImplemented:
        return found
    wanted_bits, wanted_state = _bits(found), _state(arrays, leaves)
    for a, value in zip(arrays, before, strict=True):
        a[...] = value
    for x, (g, value) in zip(leaves, grads, strict=True):
        x.grad = g
        if g is not None and not np.array_equal(g.detach().numpy(), value, equal_nan=True):
            g.detach().numpy(writable=True)[...] = value
    result = eager()
    if _bits(result) != wanted_bits:
        raise program_errors.differs(name, "its result")
    if _state(arrays, leaves) != wanted_state:
        raise program_errors.differs(name, "what it leaves in Tensors or arrays outside")
    return found
