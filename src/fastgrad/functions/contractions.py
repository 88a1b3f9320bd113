"""Einstein sums and tensor products, computed as products of matrices.

An Einstein sum of two operands sorts their letters into four groups: those of both operands that remain (batch), those
of both that are summed over, and those that remain of the first or the second operand alone. Permuted to this order
and reshaped to one axis per group, it is a product of stacks of matrices. How is decided once per subscripts, since
NumPy parses them in each call. Repeated letters in a term, axes of length 1 that are broadcast, and sums of
integers are left to the rules `einsum` and `tensordot`, and so to NumPy.
"""

from math import prod

import numpy as np

from fastgrad import parameters
from fastgrad._engine import Tensor
from fastgrad.errors import ShapeError
from fastgrad.functions.arguments import as_tensor, distinct_axes
from fastgrad.rules.einsum import explicit, from_sublists
from fastgrad.rules.rule import FUNCTIONS

_einsum, _matmul, _multiply, _permute, _reshape, _sum, _tensordot = (
    FUNCTIONS[name] for name in ("einsum", "matmul", "multiply", "permute_dims", "reshape", "sum", "tensordot")
)
_REAL = (np.dtype(np.float32), np.dtype(np.float64))
_MOST = 1000  # entries of a cache, which is then emptied

_steps = {}  # (subscripts, numbers of axes) -> explicit subscripts, and how to contract or None
_orders = {}  # (subscripts, shapes) -> pairs of operands to contract, in order
_axes = {}  # (axes, number of axes, number of axes) -> how to contract


class Pair:
    """How to contract two operands.

    Attributes
    ----------
    first, second : tuple of int or None
        The axes of the operands in the order batch, remaining, summed and batch, summed, remaining.
    batch, summed : int
        The numbers of axes in these groups.
    result : tuple of int or None
        The axes of the product in the order of the result.
    """

    __slots__ = ("batch", "first", "result", "second", "summed")

    def __init__(self, first, second, batch, summed, result):
        self.first, self.second, self.result = _unless_sorted(first), _unless_sorted(second), _unless_sorted(result)
        self.batch, self.summed = batch, summed

    def __call__(self, x1, x2):
        """Return the contraction, or None if only the rule supports it."""
        if self.first is not None:
            x1 = _permute(x1, self.first)
        if self.second is not None:
            x2 = _permute(x2, self.second)
        shape1, shape2 = x1.shape, x2.shape
        batch, end = self.batch, self.batch + self.summed
        stack, left = shape1[:batch], shape1[batch : len(shape1) - self.summed]
        summed, right = shape2[batch:end], shape2[end:]
        if shape2[:batch] != stack or shape1[len(shape1) - self.summed :] != summed:
            return None
        if not self.summed:
            x2 = _reshape(x2, stack + (1,) * len(left) + right) if left else x2
            y = _multiply(_reshape(x1, shape1 + (1,) * len(right)) if right else x1, x2)
        elif stack and not left and not right:
            if x1.dtype not in _REAL or x2.dtype not in _REAL:
                return None
            y = _sum(_multiply(x1, x2), axis=tuple(range(batch, end)))
        else:
            n = prod(summed)
            x1 = _reshape(x1, (*stack, prod(left), n) if left or stack else (n,))
            x2 = _reshape(x2, (*stack, n, prod(right)) if right or stack else (n,))
            y = _reshape(_matmul(x1, x2), (*stack, *left, *right))
        return y if self.result is None else _permute(y, self.result)

    def faster(self, n1, n2):
        """Return a function for operands with `n1` and `n2` axes, which needs no shapes if each group is one axis."""
        left, right = n1 - self.batch - self.summed, n2 - self.batch - self.summed
        if self.summed != 1 or max(left, right) > 1 or (self.batch and left + right < 2):
            return self
        first, second, result = self.first, self.second, self.result

        def product(x1, x2):
            try:
                y = _matmul(
                    x1 if first is None else _permute(x1, first), x2 if second is None else _permute(x2, second)
                )
            except ShapeError:  # lengths that differ, of which one may be 1
                return None
            return y if result is None else _permute(y, result)

        return product


def _unless_sorted(axes):
    return None if list(axes) == sorted(axes) else tuple(axes)


def _step(subscripts):
    """Return a function of one or two operands for explicit subscripts, or None if only the rule supports them."""
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    valid = all(len(set(word)) == len(word) and (word.isalpha() or not word) for word in (*terms, output))
    if not valid or not set(output) <= set(inputs) or len(terms) > 2:
        return None
    others = terms[::-1] if len(terms) == 2 else [""]
    kept = [[a for a in term if a in output or a in other] for term, other in zip(terms, others, strict=True)]
    alone = [tuple(k for k, a in enumerate(term) if a not in left) for term, left in zip(terms, kept, strict=True)]
    if len(terms) == 1:
        order = _unless_sorted([kept[0].index(a) for a in output])
        if order is None and not any(alone):
            return None  # a copy
        last = (lambda x: x) if order is None else lambda x: _permute(x, order)
    else:
        last = _pair(*kept, output)
    if not any(alone):
        return last

    def sums_first(*xs):
        if not all([x.dtype in _REAL for x in xs]):
            return None
        return last(*[_sum(x, axis=axes) if axes else x for x, axes in zip(xs, alone, strict=True)])

    return sums_first


def _pair(term1, term2, output):
    """Return the contraction of two terms without letters that are summed within one of them."""
    batch = [a for a in term1 if a in term2 and a in output]
    summed = [a for a in term1 if a in term2 and a not in output]
    left, right = [a for a in term1 if a not in term2], [a for a in term2 if a not in term1]
    if not left:  # the order of the summed axes is free: that of the larger operand avoids a copy
        summed = [a for a in term2 if a in summed]
    first = [term1.index(a) for a in batch + left + summed]
    second = [term2.index(a) for a in batch + summed + right]
    made = batch + left + right
    pair = Pair(first, second, len(batch), len(summed), [made.index(a) for a in output])
    return pair.faster(len(first), len(second))


def _remember(cache, key, value):
    if len(cache) >= _MOST:
        cache.clear()
    cache[key] = value
    return value


def einsum(subscripts, /, *operands, optimize=True):
    """Evaluate an Einstein sum: products of `operands`, summed over the letters that the output does not contain.

    Parameters
    ----------
    subscripts : str
        One term of letters per operand, as `"ij,jk->ik"`. A letter that occurs twice in a term selects a diagonal, and
        `...` stands for the remaining axes. Without `->`, the output consists of the letters that occur once, in
        alphabetical order. NumPy's alternative form `einsum(x1, [0, 1], x2, [1, 2], [0, 2])` is supported too.
    *operands : Tensor or array
        Most sums of two operands are computed as products of matrices.
    optimize : bool or str
        How the order of the products of three and more operands is chosen, as in `np.einsum_path`. False multiplies
        all of them at once.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the terms do not fit the operands.
    """
    if not isinstance(subscripts, str):
        subscripts, operands = from_sublists((subscripts, *operands))
    if len(operands) == 2 and isinstance(operands[0], Tensor) and isinstance(operands[1], Tensor):
        key = (subscripts, operands[0].ndim, operands[1].ndim)
    else:
        operands = [as_tensor(x) for x in operands]
        if len(operands) > 2 and optimize and all(x.dtype in _REAL for x in operands):
            return _in_order(subscripts, operands, optimize)
        key = (subscripts, *[x.ndim for x in operands])
    known = _steps.get(key)
    if known is None:
        subscripts = explicit(subscripts, key[1:])
        known = _remember(_steps, key, (subscripts, _step(subscripts)))
    subscripts, step = known
    y = None if step is None else step(*operands)
    return _einsum(*operands, subscripts=subscripts, optimize=optimize) if y is None else y


def _in_order(subscripts, operands, optimize):
    """Return an Einstein sum of three or more operands, contracted in the order that NumPy finds best."""
    key = (subscripts, *[x.shape for x in operands], optimize if isinstance(optimize, (bool, str)) else str(optimize))
    contractions = _orders.get(key)
    if contractions is None:
        contractions = _remember(_orders, key, list(_contractions(subscripts, operands, optimize)))
    operands = list(operands)
    for chosen, partial in contractions:
        taken = [operands.pop(k) for k in chosen]
        operands.append(einsum(partial, *taken[::-1], optimize=len(chosen) == 2))
    return operands[0]


def _contractions(subscripts, operands, optimize):
    """Yield the numbers of operands to contract, from the last to the first, and the subscripts of each contraction."""
    subscripts = explicit(subscripts, [x.ndim for x in operands])
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    views = [np.broadcast_to(0.0, x.shape) for x in operands]
    for chosen in np.einsum_path(subscripts, *views, optimize=optimize)[0][1:]:
        chosen = sorted(chosen, reverse=True)
        taken = [terms.pop(k) for k in chosen][::-1]
        later = output + "".join(terms)
        wanted = "".join(dict.fromkeys(a for a in "".join(taken) if a in later)) if terms else output
        terms.append(wanted)
        yield chosen, ",".join(taken) + "->" + wanted


def tensordot(a, b, axes=2):
    """Return the sum of products of `a` and `b` over pairs of axes.

    Parameters
    ----------
    a, b : Tensor or array
    axes : int or pair of (int or sequence of int)
        An int sums over the last `axes` axes of `a` and the first of `b`. A pair gives the axes of `a` and of `b`.

    Returns
    -------
    Tensor
        Its axes are the remaining axes of `a`, followed by those of `b`.

    Raises
    ------
    ValueError
        If the lengths of the axes differ, or an axis is out of bounds or occurs twice.
    """
    x1, x2 = as_tensor(a), as_tensor(b)
    if type(axes) is not int:
        axes = parameters.integer(axes) if not hasattr(axes, "__iter__") else _pair_of_axes(axes)
    key = (axes, x1.ndim, x2.ndim)
    step = _axes.get(key)
    if step is None:
        axes1, axes2 = (range(x1.ndim - axes, x1.ndim), range(axes)) if type(axes) is int else axes
        axes1 = distinct_axes("tensordot", tuple(axes1), x1.ndim)
        axes2 = distinct_axes("tensordot", tuple(axes2), x2.ndim)
        if len(axes1) != len(axes2):
            return _tensordot(x1, x2, (axes1, axes2))  # raises NumPy's error
        left, right = ([k for k in range(x.ndim) if k not in over] for x, over in ((x1, axes1), (x2, axes2)))
        pair = Pair([*left, *axes1], [*axes2, *right], 0, len(axes1), range(len(left) + len(right)))
        step = _remember(_axes, key, (pair.faster(x1.ndim, x2.ndim), axes1, axes2))
    pair, axes1, axes2 = step
    y = pair(x1, x2)
    return _tensordot(x1, x2, (axes1, axes2)) if y is None else y


def _pair_of_axes(axes):
    """Return the axes of both operands as tuples of ints."""
    parts = (part if isinstance(part, (tuple, list, np.ndarray)) else (part,) for part in axes)
    first, second = (tuple(map(parameters.integer, part)) for part in parts)
    return first, second
