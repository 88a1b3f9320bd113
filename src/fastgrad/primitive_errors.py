"""Errors of `primitive` and their messages: what was passed, what was expected, what to do."""

from fastgrad.errors import DTypeError, NotDifferentiableError, ReadOnlyError, ShapeError

_NEEDS = {"vjp": "g, the cotangent of the result", "jvp": "t, the tangent of its operand"}


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


def unknown_option(name, word, parameters):
    """`options=` names `word`, which is not one of the `parameters` of the forward."""
    return DTypeError(
        f"primitive {name!r}: options names {word!r}, which is not a parameter of the forward: {', '.join(parameters)}"
    )


def not_a_rule(name, got, kind):
    """A vjp or jvp of the primitive `name` has no parameter for its cotangent or tangent, or has `*args`."""
    return DTypeError(
        f"primitive {name!r}: a {kind} must be a Python function with a parameter {_NEEDS[kind]}, and a "
        f"named parameter for everything else that it reads, without *args; got {got!r}"
    )


def unknown_word(name, word, kind):
    """A parameter `word` of a vjp or jvp stands for nothing."""
    hint = ": pass saves=True, and return (result, saved) from the forward" if word == "saved" else ""
    return DTypeError(f"the {kind} of {name!r} names {word!r}, which is not an operand or parameter of it{hint}")


def ambiguous_word(name, word, kind, meanings):
    """A parameter `word` of a vjp or jvp of the primitive `name` has several `meanings`."""
    both = "both " if len(meanings) > 1 else ""
    return DTypeError(
        f"primitive {name!r}: the parameter {word!r} of a {kind} is {both}{' and '.join(meanings)}: rename it"
    )


def rule_count(name, kind, operands, count):
    """The primitive `name` has a different number of vjps or jvps than operands."""
    return DTypeError(
        f"primitive {name!r}: got {count} {kind}(s) for {len(operands)} operand(s), {', '.join(operands)}: pass a "
        "tuple of one per operand, None where no gradient flows"
    )


def no_rule(name):
    """Neither a vjp nor a jvp was passed from which it could be derived."""
    return DTypeError(
        f"primitive {name!r}: pass vjp=, one rule per operand, or jvp= as functions, from which the vjp is derived; "
        "vjp=None says that no gradient flows"
    )


def unknown_jvp(name, got):
    """`jvp=` is a string with no meaning."""
    return DTypeError(f'primitive {name!r}: jvp must be "linear", "multilinear", or functions, got {got!r}')


def output_count(name, got):
    """`outputs=` is not a positive integer."""
    return DTypeError(f"primitive {name!r}: outputs must be the number of results, a positive int, got {got!r}")


def result_dtype(name, dtype):
    """The forward returned an array that no Tensor can hold."""
    return DTypeError(
        f"primitive {name!r}: the forward must return floating, complex, integer or boolean arrays, got {dtype}"
    )


def result_recorded(name):
    """The forward returned a Tensor that depends on one that it closes over."""
    return NotDifferentiableError(
        f"primitive {name!r}: the forward returned a Tensor that requires a gradient, which would be lost, because it "
        "computes with a Tensor from outside: make that an operand, or use x.detach()"
    )


def operand_written(name, error):
    """The forward wrote to an operand."""
    return ReadOnlyError(
        f"primitive {name!r}: the forward wrote to an operand, which belongs to the caller ({error}): write to a copy, "
        "x.copy()"
    )


def not_together(name, got, count):
    """The vjp of a primitive with `together` did not return a tuple of `count` cotangents."""
    kind = type(got).__name__ + (f" of {len(got)}" if isinstance(got, (tuple, list)) else "")
    return DTypeError(
        f"the vjp of {name!r} must return a tuple with one cotangent per operand (together=True), {count} in all, got "
        f"{kind}"
    )


def tangent_kind(what, got, outputs):
    """The jvp of a primitive with several results did not return a tuple of their tangents."""
    return DTypeError(
        f"{what} must return a tuple of {outputs} tangents, one per result, None for zeros, got {type(got).__name__}"
    )


def result_kind(name, value, outputs):
    """The forward returned no array, or not `outputs` of them."""
    got = type(value).__name__
    if isinstance(value, (tuple, list)):
        got = f"{got} of {len(value)}"
    if outputs > 1:
        return DTypeError(f"primitive {name!r}: the forward must return a tuple of {outputs} arrays, got {got}")
    hint = f": pass outputs={len(value)}" if isinstance(value, (tuple, list)) and len(value) > 1 else ""
    return DTypeError(f"primitive {name!r}: the forward must return one array, got {got}{hint}")


def no_saved_values(name, value):
    """The forward of a primitive with `saves` did not return a pair."""
    return DTypeError(
        f"primitive {name!r}: with saves=True the forward must return a pair (result, saved), got "
        f"{type(value).__name__}"
    )


def recorded_option(name, word):
    """An option is a Tensor that requires a gradient, which it would not receive."""
    return NotDifferentiableError(
        f"{name}: the option {word!r} is or contains a Tensor that requires a gradient, but options receive none: make "
        "it an operand with a vjp, or pass x.detach()"
    )


def saved_differentiated():
    """The derivative of a saved value is needed."""
    return NotDifferentiableError(
        "a vjp or jvp computes with a saved value, whose derivative is needed but unknown: compute it from the "
        "operands or the result instead, pass it as an option to another op, or use saved.detach() if its "
        "derivative is zero"
    )


def saved_only(what):
    """The result of a vjp that reads saved objects is not recorded, though the next derivative is needed."""
    return NotDifferentiableError(
        f"{what} computes with saved values and returned a result that is not recorded, but its derivative is needed: "
        "compute with the operands too, or pass the saved values to an op as an option"
    )


def batch_results(name):
    """The results of the elements of a batch have different shapes or dtypes, or there is no element."""
    return ShapeError(
        f"vmap: {name!r} without a batching rule is called once per element; there must be an element, and all results "
        "must have the same shapes and dtypes"
    )
