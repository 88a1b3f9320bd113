"""Converts axes, shapes, counts and keys to plain ints and tuples. Knows no engine.

An object with `__index__`, a subclass of int or tuple, or a list that is modified while it is read may give different
values each time. An op therefore converts its parameters here, once, before it reads memory, and uses and saves the
plain values. Kernels accept plain values only.
"""

import operator

import numpy as np

from fastgrad import errors
from fastgrad.batching import Batched, VmapError

_INTS = {int}

# PyTorch's keywords, each with the parameter that it stands for.
PYTORCH_KEYWORDS = {"dim": "axis", "dims": "axis", "keepdim": "keepdims"}
# Op -> function for a call with one of these keywords, where PyTorch's result is another one; set by `_assemble`.
PYTORCH_CALLS = {"max": None, "median": None, "min": None, "std": None, "var": None}

# Reduction -> the keywords that select elements, or say what to start from; set by `_assemble` to functions for them.
_FROM, _OF, _ABOUT = ("initial", "where"), ("where",), ("mean", "where")
MASKED_KEYWORDS = {
    "sum": _FROM, "prod": _FROM, "max": _FROM, "min": _FROM, "mean": _OF, "var": _ABOUT, "std": _ABOUT,
    "nansum": _FROM, "nanprod": _FROM, "nanmax": _FROM, "nanmin": _FROM, "nanmean": _OF, "nanvar": _ABOUT,
    "nanstd": _ABOUT,
}  # fmt: skip
MASKED_CALLS = dict.fromkeys(MASKED_KEYWORDS)


def keywords(given):
    """Return keyword arguments with PyTorch's keywords replaced by those that they stand for.

    Raises
    ------
    TypeError
        If a parameter is passed under two names.
    """
    if PYTORCH_KEYWORDS.keys().isdisjoint(given):
        return given
    renamed = {PYTORCH_KEYWORDS.get(key, key): value for key, value in given.items()}
    if len(renamed) != len(given):
        raise two_names()
    return renamed


def either(value, alias, default=None):
    """Return a parameter, or what was passed for it under PyTorch's name.

    Raises
    ------
    TypeError
        If both are passed.
    """
    if alias is None:
        return value
    if value is not default:
        raise two_names()
    return alias


def two_names():
    """A parameter was passed under its own name and under PyTorch's."""
    return errors.DTypeError(
        "got two values for one parameter: pass axis or dim, keepdims or keepdim, cotangent or gradient"
    )


def _is_plain(value):
    """Return whether `value` is a tuple of ints, and no subclass of these."""
    return type(value) is tuple and set(map(type, value)) <= _INTS


def integer(value):
    """Return a length, a count or an axis as an int. Raises for a bool, which was probably meant as a flag."""
    if type(value) is int:
        return value
    if isinstance(value, bool):
        raise errors.bool_for_int(value)
    return operator.index(value)


def length(value):
    """Return None, or a length as an int."""
    return value if value is None or type(value) is int else integer(value)


def integers(value):
    """Return a sequence of ints as a tuple. The sequence is copied before its elements are converted."""
    return value if _is_plain(value) else tuple(map(integer, tuple(value)))


def axes(value):
    """Return None, one axis, or a tuple of axes."""
    if value is None or type(value) is int:
        return value
    return integers(value) if isinstance(value, (tuple, list)) else integer(value)


def shape(value):
    """Return a shape as a tuple; an int stands for a shape with one axis."""
    if _is_plain(value):
        return value
    if not hasattr(type(value), "__iter__") or getattr(value, "ndim", 1) == 0:
        return (integer(value),)
    return integers(value)


def number(value):
    """Return a real number, such as a correction of degrees of freedom, as a float or an int."""
    return value if type(value) in (float, int) else float(value)


def tolerance(value):
    """Return None, or a real number as a float."""
    return value if value is None or type(value) is float else float(value)


def flag(value):
    """Return a flag such as `keepdims` as a bool; integers are accepted."""
    if type(value) is bool:
        return value
    return bool(value) if isinstance(value, np.bool_) else bool(operator.index(value))


def word(value):
    """Return a name, such as a padding mode, as a str; other objects unchanged, for the op to reject."""
    return str.__str__(value) if isinstance(value, str) else value


def numbers(value):
    """Return an int, or nested sequences of ints as NumPy accepts them, as an int or nested tuples."""
    if type(value) is int or isinstance(value, dict) or _is_plain(value):
        return value
    if type(value) is tuple and all(map(_is_plain, value)) and len(set(map(len, value))) == 1:
        return value
    if not hasattr(type(value), "__iter__") and hasattr(value, "__index__"):
        return operator.index(value)
    try:
        array = np.array(value.detach().numpy() if hasattr(value, "numpy") else value)
    except ValueError:
        raise ValueError(f"must be an int or sequences of ints of equal lengths, got {value!r}") from None
    return _nested(array.tolist())


def _nested(value):
    return tuple(map(_nested, value)) if isinstance(value, list) else value


def key(value):
    """Return a key for `x[key]` that consists of ints, slices of ints, None, Ellipsis, and new arrays."""
    return tuple(map(_index, tuple(value))) if isinstance(value, tuple) else _index(value)


def _index(index):
    if index is None or index is Ellipsis or type(index) is int or type(index) is Batched:
        return index
    if isinstance(index, slice):
        return slice(_bound(index.start), _bound(index.stop), _bound(index.step))
    if isinstance(index, (np.ndarray, bool, np.bool_, list, tuple)):
        # NumPy treats [] as an integer index, but np.array([]) is float
        return np.array(index, dtype=np.intp if type(index) in (list, tuple) and not index else None)
    if hasattr(index, "numpy"):
        if index.dtype.kind not in "biu":
            raise errors.IndexingError(
                f"arrays used as indices must be of integer (or boolean) type, got {index.dtype}: use astype(int)"
            )
        return np.array(index.detach().numpy())
    return operator.index(index) if hasattr(index, "__index__") else np.array(index)


def _bound(value):
    return value if value is None or type(value) is int else operator.index(value)


# The types that a reader returns unchanged; tested first, since most parameters have them.
_PLAIN = {
    integer: (int,), axes: (int, type(None)), length: (int, type(None)), number: (float, int), numbers: (int,),
    tolerance: (float, type(None)), flag: (bool,), word: (str, type(None)), key: (int,),
}  # fmt: skip


def read(**readers):
    """Return a function for `prepare` of a rule, which applies to each parameter the reader of that name."""
    steps = tuple((name, reader, _PLAIN.get(reader, ())) for name, reader in readers.items())

    def prepare(params):
        for name, reader, plain in steps:
            value = params[name]
            if type(value) not in plain:
                params[name] = reader(value)
        return params

    prepare.plain = {name: plain for name, _, plain in steps}  # types of values that are returned unchanged
    return prepare


def own_operator(other, slot):
    """Return whether `other` is an ndarray subclass with an operator of its own, as a matrix or masked array."""
    kind = type(other)
    return (
        kind is not np.ndarray
        and isinstance(other, np.ndarray)
        and (
            getattr(kind, f"__r{slot}__", None) is not getattr(np.ndarray, f"__r{slot}__", None)
            or kind.__array_ufunc__ is not np.ndarray.__array_ufunc__
        )
    )


def array_of(obj, dtype, copy):
    """Return `obj`, which is no Tensor, as an array, and whether nobody else holds its memory.

    For a list or tuple that contains Tensors that are recorded, returns None in place of the second.
    """
    if not hasattr(obj, "__array__") and hasattr(obj, "__dlpack__"):
        obj = np.from_dlpack(obj)
    try:
        array = np.array(obj, dtype=dtype, copy=copy)
    except (errors.NotDifferentiableError, VmapError):
        if type(obj) not in (list, tuple) or copy is False:
            raise
        return obj, None
    return array, bool(copy) or isinstance(obj, (bool, int, float, complex, list, tuple, np.generic))


def private(value):
    """Return a parameter that its owner can no longer modify: arrays are copied, in tuples and lists too."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return type(value)(map(private, value)) if type(value) in (tuple, list) else value


def overlaps(shape, strides, itemsize):
    """Return whether elements of such an array, which has some, may share memory.

    They do not if each axis, by ascending stride, steps over all that the ones before reach.
    """
    reach = itemsize
    for step, n in sorted((abs(step), n) for step, n in zip(strides, shape, strict=True) if n > 1):
        if step < reach:
            return True
        reach += step * (n - 1)
    return False


class _Same:
    """Equal to itself alone; keeps the object, whose address is not used again."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, _Same) and self.value is other.value

    __hash__ = None


def comparable(value):
    """Return a parameter in a form that `==` compares: arrays by contents, objects of unknown classes by identity."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, (tuple, list)):
        return [comparable(each) for each in value]
    if value is None or value is Ellipsis or isinstance(value, (int, float, complex, str, slice, np.generic, np.dtype)):
        return value
    return _Same(value)
