"""`SparseObject`: a cotangent that says how it is added to another one."""

from fastgrad.autograd._box import Box


class SparseObject:
    """A cotangent of the space `vs`; `mut_add(x)` adds it to `x`, which it may change, and returns the sum."""

    __slots__ = ("mut_add", "vs")

    def __init__(self, vs, mut_add):
        self.vs = vs
        self.mut_add = mut_add


class SparseBox(Box):
    """The box of a `SparseObject`."""

    __slots__ = ()


def densified(g):
    """Return a cotangent with all its elements."""
    if type(g) is SparseBox:
        g = g._value
    return g.mut_add(g.vs.zeros()) if type(g) is SparseObject else g
