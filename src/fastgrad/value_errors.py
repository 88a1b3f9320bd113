"""Errors of micrograd's Values and their messages, as in errors.py, for both engines."""

from fastgrad.errors import BackwardError, CompileError, DTypeError, NotDifferentiableError, StateError


def prev_holds(kind):
    """`_prev` of a Value in a sweep contains an object of class `kind`."""
    return NotDifferentiableError(f"_prev holds a {kind}: only Values can be swept")


def prev_kind(kind):
    """`_prev` was set to an object of class `kind` without going through the attribute."""
    return NotDifferentiableError(f"_prev is a {kind}, but must be a set of Values: assign it as v._prev = (a, b)")


def dict_kind(kind):
    """The `__dict__` of a Value was set to an object of class `kind`."""
    return TypeError(f"__dict__ of a Value was set to a {kind}, but must be a dict: assign v.__dict__ = dict(...)")


def value_emptied(name):
    """The number for `name`, "data" or "grad", was removed from the `__dict__` of a Value."""
    return BackwardError(f"the {name} of this Value was removed from its __dict__: assign v.{name} again")


def exponent_kind(kind):
    """A Value was raised to the power of an object of class `kind`. micrograd raises the same class."""
    return AssertionError(f"the exponent is a {kind}: only int, float and Value powers are supported")


def values_changed():
    """Code that ran during a sweep over Values has swept the same Values."""
    return BackwardError("code that ran during backward() has swept the same Values: call backward() after it")


def value_parts(what, got):
    """A pickled Value has `what`, as "its op", that is invalid."""
    return StateError(f"this is not a pickled Value: {what} cannot be {got!r:.100}; pickle the Value again")


def replay_kind(what, kind):
    """`what`, as "the loss", of `replay` is an object of class `kind`."""
    return NotDifferentiableError(f"{what} is a {kind}: only Values can be replayed")


def not_replayable(op):
    """`replay` of a graph with a node whose `_backward` or `_prev` the program has assigned."""
    return CompileError(
        f"the graph has an op of your own, {op!r}, with its own _backward or _prev, which a program cannot repeat: "
        "build it of operators and methods of Values, or call backward() instead of replay()"
    )


def refresh_missing(position):
    """The member of `refresh` at `position` is not in the graph."""
    return NotDifferentiableError(
        f"refresh[{position}] is not part of the graph of the loss: pass Values that the loss was computed from"
    )


def program_number(name, kind):
    """`name`, "data" or "grad", of a leaf of a program is an object of class `kind`."""
    return DTypeError(
        f"the {name} of a leaf is a {kind}, but programs compute with float64: assign v.{name} = float(v.{name})"
    )


def program_complex(base, exponent):
    """A power in a program is a complex number."""
    return DTypeError(f"{base}**{exponent} is complex, but programs compute with floats: call backward() instead")


def program_running():
    """A program was called by code that the same program was running."""
    return BackwardError("this program is running: code that it runs, or another thread, has called it again")


def program_pickled():
    """A program was copied or pickled."""
    return TypeError("programs cannot be copied or pickled: pickle the Values, and call replay() on the loss again")
