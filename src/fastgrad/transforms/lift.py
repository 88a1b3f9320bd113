"""Shared by all transforms: checks of functions and argument numbers, and ops through which arguments enter.

The engine's `Run` is one call of a transformed function: it converts arguments to Tensors, and results back.
"""

import functools

import numpy as np

from fastgrad import transform_arguments
from fastgrad._engine import Function, Run, Tensor
from fastgrad.errors import MutationError
from fastgrad.made_functions import MadeFunction, remember
from fastgrad.rules.rule import Rule

__all__ = [
    "Run", "alias", "argument_numbers", "derivative_of", "entry", "made_of", "own_array", "own_gradient",
    "require_function", "require_output",
]  # fmt: skip


def _entry(x, /):
    return x.copy()


def _alias(x, /):
    return x[...]


# A Tensor that an outer transform differentiates enters an inner one through this op. The inner gradient is taken with
# respect to the result, so it ignores other ways in which `f` depends on the Tensor; the outer gradient includes them.
# The op copies, as for all arguments, so that writes by `f` do not reach the caller.
_entry.__name__ = "entry"
entry = Function(Rule(_entry, lambda g: g, numpy=()))

# The same memory with a node of its own.
_alias.__name__ = "alias"
alias = Function(Rule(_alias, lambda g: g, view=True, numpy=()))


def made_of(f, call, maker, **options):
    """Return the function `maker(f, **options)`, which calls `call`."""
    return remember(functools.wraps(f)(MadeFunction(call)), maker, f, **options)


def derivative_of(f, call, maker, **options):
    """As `made_of`, marked as a derivative."""
    made = made_of(f, call, maker, **options)
    made._is_derivative = True
    return made


def require_function(verb, f):
    """Raise if `f` is not callable."""
    if not callable(f):
        hint = ": for the gradient of a computed Tensor use fg.gradients(outputs, inputs)"
        raise TypeError(f"{verb} takes a function, got {type(f).__name__}{hint if isinstance(f, Tensor) else ''}")


def argument_numbers(verb, argnums):
    """Return `argnums` as an int or a tuple of ints."""
    numbers = argnums if isinstance(argnums, (tuple, list)) else (argnums,)
    if not numbers or not all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) for k in numbers):
        raise TypeError(f"{verb}: argnums must be an int or a tuple of ints, got {argnums!r}")
    return tuple(map(int, numbers)) if numbers is argnums else int(argnums)


def own_array(t):
    """Return the value of `t` as an array that shares memory with nothing."""
    return t.detach().numpy().copy()


def own_gradient(g):
    """As `own_array`, for a result of `gradients`: its memory is not shared, so a copy is rarely needed."""
    try:
        array = g.numpy(writable=True)
    except MutationError:
        return own_array(g)
    return array if array.flags.forc else array.copy()  # strides of 0: one element stands for several


def require_output(verb, leaf):
    """Raise if an output is neither a Tensor, an array nor a number."""
    return transform_arguments.require_output(verb, leaf, Tensor)
