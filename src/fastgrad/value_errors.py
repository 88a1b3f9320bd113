"""What micrograd's Values say, of both engines: as in errors.py, of which this is a part."""

from fastgrad.errors import BackwardError, NotDifferentiableError, StateError


def prev_holds(kind):
    """`_prev` of a Value that is swept holds an object of class `kind`."""
    return NotDifferentiableError(f"_prev holds a {kind}: only Values can be swept")


def prev_kind(kind):
    """`_prev` was written as an object of class `kind`, past the attribute."""
    return NotDifferentiableError(f"_prev is a {kind}, a set of Values was wanted: assign it as v._prev = (a, b)")


def dict_kind(kind):
    """The `__dict__` of a Value was assigned an object of class `kind`."""
    return TypeError(f"__dict__ of a Value was set to a {kind}, a dict was wanted: assign v.__dict__ = dict(...)")


def value_emptied(name):
    """The number behind `name`, "data" or "grad", was taken out of the `__dict__` of a Value."""
    return BackwardError(f"the {name} of this Value was removed from its __dict__: assign v.{name} again")


def values_changed():
    """A sweep over Values has met code of the program that swept them as well."""
    return BackwardError("code run in the middle of backward() has swept the same Values: call backward() after it")


def value_parts(what, got):
    """A Value from a file has `what`, as "its op", that no Value has."""
    return StateError(f"this is no pickled Value: {what} cannot be {got!r:.100}. Pickle it again, from a Value")
