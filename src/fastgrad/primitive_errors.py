"""The texts of the errors of `primitive`: what came, what was wanted, what to do."""

from fastgrad.errors import DTypeError


def not_a_forward(got):
    """`primitive` of something that is not called, or whose parameters Python does not know."""
    return DTypeError(
        f"primitive: the forward is a Python function or a ufunc, got {got!r}; wrap it in a def with named parameters"
    )


def primitive_without_operands(name):
    """The forward of the primitive `name` has `**options`, parameters before `*xs`, or nothing to differentiate."""
    return DTypeError(
        f"primitive {name!r}: the forward must name its parameters and have an operand: f(x, /, option=1), f(x1, x2) "
        "or f(*xs, option=1)"
    )


def not_a_vjp(name, got):
    """A vjp of the primitive `name` that does not say what it reads."""
    return DTypeError(
        f"primitive {name!r}: a vjp is a Python function that names g, the cotangent of the result, and what else it "
        f"reads, no *args; got {got!r}"
    )


def vjp_word(name, word, meanings):
    """A vjp of the primitive `name` reads `word`, which has several `meanings`."""
    return DTypeError(
        f"primitive {name!r}: a vjp names {word!r}, which is {' and '.join(meanings)}: give the parameter another name"
    )


def vjp_count(name, operands, count):
    """The primitive `name` has another number of vjps than operands."""
    return DTypeError(
        f"primitive {name!r}: {len(operands)} operand(s), {', '.join(operands)}, and {count} vjp(s); give a tuple of "
        "one per operand, None where no gradient flows"
    )
