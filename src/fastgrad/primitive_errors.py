"""Errors of `primitive` and their messages: what was passed, what was expected, what to do."""

from fastgrad.errors import DTypeError


def not_a_forward(got):
    """The forward of a `primitive` is not callable, or has no signature."""
    return DTypeError(
        f"primitive: the forward must be a Python function or a ufunc, got {got!r}: wrap it in a def with named "
        "parameters"
    )


def primitive_without_operands(name):
    """The forward of the primitive `name` has `**options`, parameters before `*xs`, or no operand."""
    return DTypeError(
        f"primitive {name!r}: the forward must name its parameters and have an operand: f(x, /, option=1), f(x1, x2) "
        "or f(*xs, option=1)"
    )


def not_a_vjp(name, got):
    """A vjp of the primitive `name` has no parameter `g`, or has `*args`."""
    return DTypeError(
        f"primitive {name!r}: a vjp must be a Python function with a parameter g, the cotangent of the result, and a "
        f"named parameter for everything else that it reads, without *args; got {got!r}"
    )


def vjp_word(name, word, meanings):
    """A parameter `word` of a vjp of the primitive `name` has several `meanings`."""
    both = "both " if len(meanings) > 1 else ""
    return DTypeError(
        f"primitive {name!r}: the parameter {word!r} of a vjp is {both}{' and '.join(meanings)}: rename it"
    )


def vjp_count(name, operands, count):
    """The primitive `name` has a different number of vjps than operands."""
    return DTypeError(
        f"primitive {name!r}: got {count} vjp(s) for {len(operands)} operand(s), {', '.join(operands)}: pass a tuple "
        "of one per operand, None where no gradient flows"
    )
