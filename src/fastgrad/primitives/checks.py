"""Checks of what the functions of a user return, and of what they do to their arguments."""

import numpy as np

from fastgrad import _tree
from fastgrad import primitive_errors as messages
from fastgrad._engine import Tensor, asarray, is_grad_enabled, trace, untrace, write_count
from fastgrad.errors import DTypeError, MutationError, NotDifferentiableError
from fastgrad.rules.rule import ops


def read_only(value):
    """Return an array as one that cannot be written; other values unchanged."""
    if isinstance(value, np.ndarray) and value.flags.writeable:
        value = value.view()
        value.flags.writeable = False
    return value


def result(name, value):
    """Return a result of a forward as an array."""
    if isinstance(value, Tensor):
        if value.requires_grad:
            raise messages.result_recorded(name)
        value = value.numpy()
    elif not isinstance(value, (np.ndarray, np.generic, bool, int, float, complex)):
        raise messages.result_kind(name, value, 1)
    value = np.asarray(value)
    if value.dtype.kind not in "fcbiu":
        raise messages.result_dtype(name, value.dtype)
    return value


def results(name, value, count):
    """Return several results of a forward as a tuple of arrays."""
    if not isinstance(value, (tuple, list)) or len(value) != count:
        raise messages.result_kind(name, value, count)
    arrays = [result(name, v) for v in value]
    return type(value)(*arrays) if hasattr(value, "_fields") else tuple(arrays)


def call_rule(name, read, values):
    """Call a vjp or jvp. Raises if it writes to an operand or the result; it may write to its cotangent or tangent.

    If the sweep is recorded, its Tensors are traced meanwhile: values that leave the graph would be lost to the next
    derivative.
    """
    at = read.words.index(read.needs)
    if isinstance(values[at], Tensor):
        values[at] = ops.copy(values[at])  # other nodes may share it
    others = tensors(values[:at] + values[at + 1 :])
    before = list(map(write_count, others))
    if is_grad_enabled():
        traced = [v for v in tensors(values) if v.requires_grad]
        trace(traced)
        try:
            found = read(values)
        finally:
            untrace(traced)
    else:
        found = read(values)
    if before != list(map(write_count, others)):
        kind, own = ("vjp", "cotangent") if read.needs == "g" else ("jvp", "tangent")
        raise MutationError(
            f"the {kind} of {name!r} wrote in place to an operand or to the result, which other nodes may still "
            f"read: write to a copy, x.copy(), or out of place; it may write to its {own} {read.needs}"
        )
    return found


def derivative(found, what, values, word):
    """Return what a vjp or jvp returned as a Tensor. Raises if it is none, or if its own derivative is lost."""
    if not isinstance(found, Tensor):
        if is_grad_enabled() and any(t.requires_grad for t in tensors(values)):
            raise NotDifferentiableError(
                f"{what} returned {type(found).__name__}, not a Tensor, but its derivative is needed: use "
                "operators, NumPy or fastgrad functions on the Tensors that it is given"
            )
        found = asarray(found)
    if found.dtype.kind not in "fc":
        raise DTypeError(f"{what} returned {found.dtype}: a {word} must be floating or complex")
    return found


def tensors(values):
    """Return the Tensors among values, and in nested containers of them."""
    found = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (tuple, list, dict)):
            found += [leaf for leaf in _tree.leaves(value) if isinstance(leaf, Tensor)]
    return found
