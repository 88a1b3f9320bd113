"""`tuple`, `list`, `dict`, `isinstance` and `type` for functions that are differentiated, and spaces of containers.

In a differentiated function, containers are ordinary ones that hold boxes, so that Python's own work as well.
"""

import numpy as np

from fastgrad._engine import Tensor
from fastgrad.autograd._box import Box
from fastgrad.autograd.core import VSpace, defjvp, defvjp, vspace
from fastgrad.autograd.tracer import getval, isbox, notrace_primitive, primitive
from fastgrad.autograd.util import subvals

__all__ = [
    "Box", "ContainerVSpace", "DictBox", "DictMeta", "DictVSpace", "ListMeta", "ListVSpace", "NamedTupleVSpace",
    "SequenceBox", "SequenceVSpace", "TupleMeta", "TupleVSpace", "VSpace", "container_take", "container_untake", "dict",
    "dict_", "isinstance", "isinstance_", "list", "list_", "make_sequence", "notrace_primitive",
    "sequence_extend_left", "sequence_extend_right", "subvals", "tuple", "tuple_", "type", "type_", "vspace",
]  # fmt: skip

isinstance_, type_ = isinstance, type
tuple_, list_, dict_ = tuple, list, dict


def _plain(x):
    """Return a value of the type of what a box holds."""
    if isinstance_(x, Tensor):
        return np.empty(0, x.dtype) if x.ndim else x.dtype.type(0)
    return getval(x) if isbox(x) else x


def isinstance(x, kinds):
    """As Python's, for the value of a box."""
    return isinstance_(_plain(x), kinds)


def type(x, *args):
    """As Python's, for the value of a box."""
    return type_(_plain(x), *args)


def container_take(A, idx):
    """Return an item of a container."""
    return A[idx]


def make_sequence(seq_type, *args):
    """Return a sequence of values."""
    return seq_type(args)


def sequence_extend_right(seq, *elts):
    """Return a sequence with further elements at its end."""
    return seq + type_(seq)(elts)


def sequence_extend_left(seq, *elts):
    """Return a sequence with further elements at its beginning."""
    return type_(seq)(elts) + seq


def container_untake(x, idx, vs):
    """Return the cotangent of a container for the cotangent `x` of its item `idx`: zeros elsewhere."""
    zeros = vs.zeros()
    if isinstance_(idx, slice):
        places = range(*idx.indices(len(zeros)))
        return vs._subvals(zeros, zip(places, x, strict=True))
    return vs._subval(zeros, idx, x)


_take = primitive(container_take)  # of boxes of containers
defvjp(_take, lambda ans, A, idx: lambda g: _untake(g, idx, vspace(A)))
defjvp(_take, "same")
_untake = primitive(container_untake)
defvjp(_untake, lambda ans, x, idx, vs: lambda g: _take(g, idx))
defjvp(_untake, "same")


class SequenceBox(Box):
    """The box of a tuple or list in a trace with nodes of a user."""

    __slots__ = ()

    def __getitem__(self, idx):
        return _take(self, idx)

    def __iter__(self):
        return (self[k] for k in range(len(self)))

    def __len__(self):
        return len(self._value)

    def __add__(self, other):
        return type_(self._value)((*self, *other))

    def __radd__(self, other):
        return type_(self._value)((*other, *self))

    def __contains__(self, elt):
        return elt in self._value

    def index(self, elt):
        """Return the place of an element."""
        return self._value.index(elt)


class DictBox(Box):
    """The box of a dict in a trace with nodes of a user."""

    __slots__ = ()

    def __getitem__(self, key):
        return _take(self, key)

    def __len__(self):
        return len(self._value)

    def __iter__(self):
        return iter(self._value)

    def __contains__(self, key):
        return key in self._value

    def items(self):
        """Return pairs of keys and boxes."""
        return [(key, self[key]) for key in self]

    def keys(self):
        """Return the keys."""
        return list_(self)

    def values(self):
        """Return the boxes of the values."""
        return [self[key] for key in self]

    def get(self, key, default=None):
        """Return the box of a value, or a default."""
        return self[key] if key in self._value else default


def _register(box, *kinds):
    for kind in kinds:
        box.register(kind)


class TupleMeta(type_(tuple_)):
    """Makes tuples instances of `tuple`."""

    def __instancecheck__(cls, instance):
        return isinstance_(instance, tuple_) or isinstance_(_plain(instance), tuple_)


class tuple(tuple_, metaclass=TupleMeta):
    """Python's tuple."""

    def __new__(cls, xs=()):
        return tuple_(xs)


class ListMeta(type_):
    """Makes lists instances of `list`."""

    def __instancecheck__(cls, instance):
        return isinstance_(instance, list_) or isinstance_(_plain(instance), list_)


class list(list_, metaclass=ListMeta):
    """Python's list."""

    def __new__(cls, xs=()):
        return list_(xs)


class DictMeta(type_):
    """Makes dicts instances of `dict`."""

    def __instancecheck__(cls, instance):
        return isinstance_(instance, dict_) or isinstance_(_plain(instance), dict_)


class dict(dict_, metaclass=DictMeta):
    """Python's dict."""

    def __new__(cls, *args, **kwargs):
        return dict_(*args, **kwargs)


class ContainerVSpace(VSpace):
    """The space of a container; `shape` is a container of spaces."""

    def __init__(self, value):
        self.shape = value
        self.shape = self._map(vspace)

    @property
    def size(self):
        """The number of real numbers."""
        return sum(vs.size for vs in self._values(self.shape))

    def zeros(self):
        """Return a container of zeros."""
        return self._map(lambda vs: vs.zeros())

    def ones(self):
        """Return a container of ones."""
        return self._map(lambda vs: vs.ones())

    def randn(self):
        """Return a container of normally distributed numbers."""
        return self._map(lambda vs: vs.randn())

    def standard_basis(self):
        """Yield containers in which one number is not zero."""
        zeros = self.zeros()
        for place, vs in self._kv_pairs(self.shape):
            for x in vs.standard_basis():
                yield self._subval(zeros, place, x)

    def _add(self, x, y):
        return self._map(lambda vs, a, b: vs._add(a, b), x, y)

    def _mut_add(self, x, y):
        return self._map(lambda vs, a, b: vs._mut_add(a, b), x, y)

    def _scalar_mul(self, x, a):
        return self._map(lambda vs, b: vs._scalar_mul(b, a), x)

    def _inner_prod(self, x, y):
        return sum(self._values(self._map(lambda vs, a, b: vs._inner_prod(a, b), x, y)))

    def _covector(self, x):
        return self._map(lambda vs, a: vs._covector(a), x)

    def _subval(self, xs, idx, x):
        return self._subvals(xs, ((idx, x),))


class SequenceVSpace(ContainerVSpace):
    """The space of a sequence; `seq_type` is its type, or what that is derived from."""

    def _values(self, x):
        return x

    def _kv_pairs(self, x):
        return enumerate(x)

    def _map(self, f, *args):
        return self._made(map(f, self.shape, *args))

    def _subvals(self, xs, pairs):
        return self._made(subvals(xs, pairs))

    def _made(self, values):
        kind = type_(self.shape)
        return kind(*values) if hasattr(kind, "_fields") else kind(values)


class ListVSpace(SequenceVSpace):
    """The space of a list."""

    seq_type = list_


class TupleVSpace(SequenceVSpace):
    """The space of a tuple."""

    seq_type = tuple_


class NamedTupleVSpace(SequenceVSpace):
    """The space of a named tuple."""


class DictVSpace(ContainerVSpace):
    """The space of a dict."""

    def _values(self, x):
        return x.values()

    def _kv_pairs(self, x):
        return x.items()

    def _map(self, f, *args):
        return dict_((key, f(vs, *(x[key] for x in args))) for key, vs in self.shape.items())

    def _subvals(self, xs, pairs):
        return {**xs, **dict_(pairs)}


ListVSpace.register(list_)
TupleVSpace.register(tuple_)
DictVSpace.register(dict_)
_register(SequenceBox, tuple_, list_)
_register(DictBox, dict_)
