"""Axes, shapes, counts and keys in plain ints and tuples, read once from whatever the caller gave. Knows no engine.

An object with `__index__`, a subclass of int or tuple, a list that changes while it is read: each may answer otherwise
the next time. So an op reads a parameter here, once, before it looks at memory, and computes with, and keeps for its
backward, what came of it. Kernels take nothing but such plain values.
"""

import operator

import numpy as np

from fastgrad import errors

_INTS = {int}


def _is_plain(value):
    """Whether this is a tuple of ints, exactly."""
    return type(value) is tuple and set(map(type, value)) <= _INTS


def integer(value):
    """A length, a count or an axis as an int. No bool: it is a flag in the wrong place."""
    if type(value) is int:
        return value
    if isinstance(value, bool):
        raise errors.bool_for_int(value)
    return operator.index(value)


def integers(value):
    """A sequence of ints as a tuple, taken before any of its elements is asked for its number."""
    return value if _is_plain(value) else tuple(map(integer, tuple(value)))


def axes(value):
    """None, one axis, or a tuple of them."""
    if value is None or type(value) is int:
        return value
    return integers(value) if isinstance(value, (tuple, list)) else integer(value)


def shape(value):
    """A shape as a tuple, given as a sequence of ints or, of one axis, as an int."""
    if _is_plain(value):
        return value
    if not hasattr(type(value), "__iter__") or getattr(value, "ndim", 1) == 0:
        return (integer(value),)
    return integers(value)


def number(value):
    """One real number, such as a divisor's correction, as a float or an int."""
    return value if type(value) in (float, int) else float(value)


def flag(value):
    """A switch such as `keepdims`: a bool, or an integer that stands for one."""
    if type(value) is bool:
        return value
    return bool(value) if isinstance(value, np.bool_) else bool(operator.index(value))


def word(value):
    """A name such as a padding mode; what is no str is left for the op to refuse."""
    return str.__str__(value) if isinstance(value, str) else value


def numbers(value):
    """Ints as NumPy takes them, one or nested sequences of one length, as an int or nested tuples."""
    if type(value) is int or isinstance(value, dict):
        return value
    if not hasattr(type(value), "__iter__") and hasattr(value, "__index__"):
        return operator.index(value)
    return _nested(np.array(value.detach().numpy() if hasattr(value, "numpy") else value).tolist())


def _nested(value):
    return tuple(map(_nested, value)) if isinstance(value, list) else value


def key(value):
    """A key for `x[key]`: of exact ints, slices of them, None, Ellipsis, and arrays that nobody else holds."""
    return tuple(map(_part, tuple(value))) if isinstance(value, tuple) else _part(value)


def _part(part):
    if part is None or part is Ellipsis or type(part) is int:
        return part
    if isinstance(part, slice):
        return slice(_bound(part.start), _bound(part.stop), _bound(part.step))
    if isinstance(part, (np.ndarray, bool, np.bool_, list, tuple)):
        # NumPy reads [] as an integer index, np.array makes it float
        return np.array(part, dtype=np.intp if type(part) in (list, tuple) and not part else None)
    if hasattr(part, "numpy"):
        return np.array(part.detach().numpy())
    return operator.index(part) if hasattr(part, "__index__") else np.array(part)


def _bound(value):
    return value if value is None or type(value) is int else operator.index(value)


# What a reader gives back as it is; asked first, since most parameters are so.
_PLAIN = {integer: (int,), axes: (int, type(None)), number: (float, int), flag: (bool,), word: (str,), numbers: (int,)}


def read(**readers):
    """The `prepare` of a rule that reads each parameter by the function given under its name."""
    steps = tuple((name, reader, _PLAIN.get(reader, ())) for name, reader in readers.items())

    def prepare(params):
        for name, reader, plain in steps:
            value = params[name]
            if type(value) not in plain:
                params[name] = reader(value)
        return params

    prepare.plain = {name: plain for name, _, plain in steps}  # types of values that are left as they are
    return prepare


def own_operator(other, slot):
    """Whether `other` is an ndarray of a class in which the operator means something else: a matrix, a masked array."""
    kind = type(other)
    return (
        kind is not np.ndarray
        and isinstance(other, np.ndarray)
        and (
            getattr(kind, f"__r{slot}__", None) is not getattr(np.ndarray, f"__r{slot}__", None)
            or kind.__array_ufunc__ is not np.ndarray.__array_ufunc__
        )
    )
