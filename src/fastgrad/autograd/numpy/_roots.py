"""The square root of sums of squares, which has a subgradient where it is 0. Its factors there are infinity and 0.

`sqrt(u)` has the derivative `du / (2 sqrt(u))`. Where u is 0 and du is not, this is infinite, and so is the result.
Where u is a sum of squares, du is 0 as well, and the factor is left out: the gradient is 0, as that of `linalg.norm`.
"""

import numpy as np

from fastgrad._engine import Tensor, node_key, node_of
from fastgrad.rules.rule import FUNCTIONS

_sqrt, _where = FUNCTIONS["sqrt"], FUNCTIONS["where"]
# Ops whose result is 0 only where they read zeros of an operand, with derivative 0 if that operand's is 0.
_SUMS = {"sum", "mean", "nansum", "nanmean", "add", "concat", "stack", "abs", "real", "where"}
_MOVES = {
    "getitem", "reshape", "permute_dims", "transpose", "squeeze", "expand_dims", "broadcast_to", "astype", "copy",
    "flip", "roll", "diagonal", "moveaxis", "take", "ravel",
}  # fmt: skip
_PRODUCTS = {"multiply", "matmul", "dot"}


def sqrt(x, /):
    """The square root; where a sum of squares is 0, its gradient is 0."""
    y = _sqrt(x)
    if y.requires_grad and _has_zero(y) and is_sum_of_squares(x):
        zero = x.detach().numpy() == 0
        return _where(zero, 0.0, _sqrt(_where(zero, 1.0, x)))
    return y


def _has_zero(y):
    return not y if y.ndim == 0 else np.count_nonzero(y.detach().numpy()) < y.size


def is_sum_of_squares(x):
    """Return whether the ops that computed a Tensor tell that it is nowhere negative and that its zeros are minima.

    Its derivative is then 0 wherever its value is.
    """
    stack, seen = [x], set()
    while stack:
        x = stack.pop()
        if not isinstance(x, Tensor) or not x.requires_grad:
            if np.any(np.asarray(x) < 0):
                return False
            continue
        if id(x) in seen:
            continue
        seen.add(id(x))
        found = node_of(x)
        terms = _terms(*found[:1], *found[3:]) if found is not None else None
        if terms is None:
            return False
        stack += terms
    return True


def _terms(rule, operands, is_current):
    """Return the operands that have to be sums of squares for the result to be one; None if it need not be one."""
    name = rule.name
    if not is_current:
        return None  # operands were written in place
    if name in ("square", "var", "nanvar"):
        return []
    if name == "power" and not isinstance(operands[1], Tensor):
        return _of_power(*operands)
    if name in _PRODUCTS and len(operands) == 2:
        if _is_same(*operands):
            return [] if name == "multiply" or operands[0].ndim == 1 else None
        return list(operands)
    if name == "divide" and not isinstance(operands[1], Tensor):
        return list(operands)
    return list(operands) if name in _SUMS | _MOVES else None


def _of_power(base, exponent):
    exponents = np.asarray(exponent)
    if not np.all(exponents > 1):
        return None
    if base.dtype.kind != "c" and np.all(exponents % 2 == 0):
        return []
    found = node_of(base)
    return [] if found is not None and found[0].name == "abs" else [base]


def _is_same(a, b):
    """Return whether two real operands are one Tensor, or the same view of one."""
    if not isinstance(a, Tensor) or not isinstance(b, Tensor) or a.dtype.kind == "c":
        return False
    if node_key(a) == node_key(b):
        return True
    of_a, of_b = node_of(a), node_of(b)
    if of_a is None or of_b is None or of_a[0].name != "reshape" != of_b[0].name:
        return False
    return node_key(of_a[3][0]) == node_key(of_b[3][0]) and a.shape == b.shape and of_a[4] and of_b[4]
