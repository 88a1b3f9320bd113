"""`VSpace`: the vector space of a type of values. Those of arrays and containers are registered elsewhere.

The operations are ordinary functions: with boxes they are recorded like any other.
"""

from fastgrad.autograd._sparse import SparseObject
from fastgrad.autograd.tracer import getval, isbox


class VSpace:
    """The vector space that a value belongs to. Subclasses make zeros, a basis and random values of it."""

    __slots__ = ()
    mappings = {}  # from the type of a value to a function that returns its space; may be changed at run time
    iscomplex = False

    def __init__(self, value):
        pass

    def zeros(self):
        """Return the zero."""
        raise NotImplementedError(f"{type(self).__name__} defines no zeros")

    def ones(self):
        """Return the sum of the standard basis."""
        raise NotImplementedError(f"{type(self).__name__} defines no ones")

    def standard_basis(self):
        """Yield the vectors of the standard basis."""
        raise NotImplementedError(f"{type(self).__name__} defines no standard_basis")

    def randn(self):
        """Return a vector of normally distributed numbers."""
        raise NotImplementedError(f"{type(self).__name__} defines no randn")

    def mut_add(self, x_prev, x_new):
        """Return the sum, perhaps in the memory of `x_prev`, which is zero if it is None."""
        x_prev = self.zeros() if x_prev is None else x_prev
        if isbox(x_prev) or isbox(x_new):
            return self._add(x_prev, x_new)
        return self._mut_add(x_prev, x_new)

    def add(self, x_prev, x_new):
        """Return the sum."""
        return self._add(x_prev, x_new)

    def scalar_mul(self, x, a):
        """Return the product with a number."""
        return self._scalar_mul(x, a)

    def inner_prod(self, x, y):
        """Return the inner product."""
        return self._inner_prod(x, y)

    def covector(self, x):
        """Return the covector of a vector: the conjugate in a complex space."""
        return self._covector(x)

    def _add(self, x, y):
        return x + y

    def _mut_add(self, x, y):
        x += y
        return x

    def _scalar_mul(self, x, a):
        return x * a

    def _inner_prod(self, x, y):
        raise NotImplementedError(f"{type(self).__name__} defines no _inner_prod")

    def _covector(self, x):
        return x

    def __eq__(self, other):
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None

    def __repr__(self):
        return f"{type(self).__name__}_{self.__dict__}"

    @classmethod
    def register(cls, value_type, vspace_maker=None):
        """Make this class, or what `vspace_maker(value)` returns, the space of values of a type."""
        VSpace.mappings[value_type] = vspace_maker or cls


def vspace(value):
    """Return the vector space of a value."""
    maker = VSpace.mappings.get(type(value))
    if maker is not None:
        return maker(value)
    if isbox(value):
        return vspace(getval(value))
    for kind in (tuple, list, dict):  # subclasses, such as named tuples
        if isinstance(value, kind) and kind in VSpace.mappings:
            return VSpace.mappings[kind](value)
    raise TypeError(
        f"Can't find vector space for value {value!r} of type {type(value)}. Valid types are {list(VSpace.mappings)}"
    )


def _space_of_sparse(value):
    return value.vs


VSpace.register(SparseObject, _space_of_sparse)
