"""Einstein sums. The rule accepts explicit subscripts only ("ij,jk->ik"); `explicit` converts NumPy's other forms."""

import operator

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.errors import ShapeError
from fastgrad.rules.draws import normal
from fastgrad.rules.rule import rule
from fastgrad.rules.shapes import broadcast_to, sum_to

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def explicit(subscripts, ndims):
    """Return subscripts with ellipses replaced by unused letters, and with the implied output."""
    subscripts = str(subscripts).replace(" ", "")
    inputs, arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ShapeError(f"einsum: {subscripts!r} has {len(terms)} terms, but there are {len(ndims)} operand(s)")
    free = [letter for letter in _LETTERS if letter not in subscripts]
    widths = [n - len(term.replace("...", "")) for term, n in zip(terms, ndims, strict=True)]
    for term, width, n in zip(terms, widths, ndims, strict=True):
        if width < 0 or (width and "..." not in term):
            raise ShapeError(f"einsum: the term {term!r} names {n - width} axes, but its operand has {n}")
    dots = "".join(free[: max((w for w, t in zip(widths, terms, strict=True) if "..." in t), default=0)])
    filled = [t.replace("...", dots[len(dots) - w :] if w else "") for t, w in zip(terms, widths, strict=True)]
    if arrow:
        output = output.replace("...", dots)
    else:
        named = inputs.replace(",", "").replace("...", "")
        output = dots + "".join(sorted(letter for letter in set(named) if named.count(letter) == 1))
    return ",".join(filled) + "->" + output


def from_sublists(given):
    """Return subscripts and operands of a call with a list of numbers (and Ellipsis) after each operand."""
    operands, lists = given[: len(given) // 2 * 2 : 2], list(given[1::2])
    output = given[-1] if len(given) % 2 else None
    terms = ["".join("..." if k is Ellipsis else _LETTERS[operator.index(k)] for k in part) for part in lists]
    subscripts = ",".join(terms)
    if output is not None:
        subscripts += "->" + "".join("..." if k is Ellipsis else _LETTERS[operator.index(k)] for k in output)
    return subscripts, operands


def _einsum_vjp(g, xs, i, subscripts):
    """Another Einstein sum, in which `g` replaces the operand.

    A letter that occurs in no other term was summed over within the operand: a vector of ones broadcasts `g` along it.
    A letter that occurs twice in the term selected a diagonal: an identity matrix puts `g` on that diagonal.
    """
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    shape = getattr(xs[i], "shape", ())
    parts = [(output, g)] + [(t, x) for k, (t, x) in enumerate(zip(terms, xs, strict=True)) if k != i]
    known = "".join(t for t, _ in parts)
    free = iter([letter for letter in _LETTERS if letter not in subscripts])
    result = ""
    for letter, n in zip(terms[i], shape, strict=True):
        if letter in result:
            twin = next(free)
            parts.append((letter + twin, np.eye(n, dtype=g.dtype)))
            letter = twin
        elif letter not in known:
            parts.append((letter, np.ones(n, g.dtype)))
        result += letter
    gx = einsum(*(x for _, x in parts), subscripts=",".join(t for t, _ in parts) + "->" + result)
    if gx.shape == shape:
        return gx
    # sum where the operand was broadcast; broadcast where only the others were, since `g` lacks the operand's length
    gx = sum_to(gx, tuple(1 if n == 1 else m for n, m in zip(shape, gx.shape, strict=True)))
    return broadcast_to(gx, shape)


_CASES = (
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ii->", (3, 3)), ("ii->i", (3, 3)),
    ("iij->j", (2, 2, 3)), ("i,j->ij", (2,), (3,)), ("bij,bjk->bik", (2, 3, 2), (2, 2, 4)),
    ("i,i,i->", (3,), (3,), (3,)), ("ij,j,k->i", (2, 3), (3,), (4,)), ("ij,ij->ij", (1, 3), (2, 3)),
    (",i->i", (), (3,)), ("ab,b->a", (0, 2), (2,)), ("iji,jj->i", (2, 3, 2), (3, 3)),
    ("ij,ij->", (1, 3), (2, 1)), ("ijk,kij->j", (3, 1, 2), (1, 3, 2)),
)  # fmt: skip


def _einsum_pattern(call, k):
    inputs, _, output = call.params["subscripts"].partition("->")
    return patterns.contraction(call, k, inputs.split(","), output)


@rule(
    batch=batching.einsum,
    vjp=lambda g, xs, i, subscripts: _einsum_vjp(g, xs, i, subscripts),
    jvp="multilinear",
    prepare=parameters.read(subscripts=parameters.word),
    numpy=(),
    samples=normal(*((shapes, {"subscripts": subscripts}) for subscripts, *shapes in _CASES)),
    pattern=_einsum_pattern,
)
def einsum(*xs, subscripts, optimize=True):
    """Sum of products of `xs` over the letters that the output of `subscripts` does not contain."""
    return np.einsum(subscripts, *xs, optimize=optimize and len(xs) > 1)
