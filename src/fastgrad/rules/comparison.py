"""Gates that select: the upstream gradient goes to the selected operand. At kinks it is finite, as documented."""

import numpy as np

from fastgrad.rules.arithmetic import zeros_of
from fastgrad.rules.checks import occurs
from fastgrad.rules.draws import signed
from fastgrad.rules.logic import equal, greater, less, signbit
from fastgrad.rules.rule import ops, rule


@rule(
    vjp=(None, lambda g, condition: where(condition, g, 0), lambda g, condition: where(condition, 0, g)),
    elementwise=True,
    samples=lambda rng: [
        ((rng.normal(size=s0) > 0, rng.normal(size=s1), rng.normal(size=s2)), {})
        for s0, s1, s2 in (((2, 3), (2, 3), (2, 3)), ((3,), (2, 1), ()), ((), (2,), (2,)), ((0,), (0,), (1,)))
    ],
)
def where(condition, x1, x2, /):
    """Elements of `x1` where `condition` is True, and of `x2` elsewhere. The other operand gets gradient 0 there."""
    return np.where(condition, x1, x2)


def quotient(y, x, at_zero):
    """Return `y / x`, and the limit `at_zero` where `x` is 0."""
    zero = equal(x, 0)
    return where(zero, at_zero, y / where(zero, 1, x)) if occurs(zero) else y / x


def _share(g, loses, ties):
    """`g` for the selected operand, 0 for the other, and half of `g` for both at a tie.

    Selected with `where`, since a product with 0 would be NaN for an infinite `g`. If either operand is NaN, both get
    `g`, so that the NaN is not hidden.
    """
    return where(loses, 0, where(ties, 0.5 * g, g) if occurs(ties) else g)


@rule(
    vjp=(
        lambda g, x1, x2: _share(g, less(x1, x2), equal(x1, x2)),
        lambda g, x1, x2: _share(g, greater(x1, x2), equal(x1, x2)),
    ),
    elementwise=True,
    domain=(-3, 3),
)
def maximum(x1, x2, /):
    """The larger of `x1` and `x2`: the max gate routes the upstream gradient to it; at a tie each gets half."""
    return np.maximum(x1, x2)


@rule(
    vjp=(
        lambda g, x1, x2: _share(g, greater(x1, x2), equal(x1, x2)),
        lambda g, x1, x2: _share(g, less(x1, x2), equal(x1, x2)),
    ),
    elementwise=True,
    domain=(-3, 3),
)
def minimum(x1, x2, /):
    """The smaller of `x1` and `x2`: the upstream gradient is routed to it; at a tie each gets half."""
    return np.minimum(x1, x2)


def _clip_vjp(operand, g, x, low, high):
    """`g` where the result equals `operand`: a bound beyond that bound, the upper one if they cross, else `x`."""
    if operand != "max" and low is not None:
        below = less(x, low)
        g = where(below, 0, g) if operand == "x" else where(below, g, 0)
    if high is not None:
        above = greater(x if low is None else maximum(x, low), high)
        g = where(above, g, 0) if operand == "max" else where(above, 0, g)
    return g


@rule(
    vjp=(
        lambda g, x, min, max: _clip_vjp("x", g, x, min, max),  # at a bound the gradient flows to x
        lambda g, x, min, max: _clip_vjp("min", g, x, min, max),
        lambda g, x, min, max: _clip_vjp("max", g, x, min, max),
    ),
    operands=3,
    elementwise=True,
    synonyms={"a_min": "min", "a_max": "max"},
    samples=lambda rng: [
        ((rng.normal(size=(3, 4)), -0.5, 0.5), {}),
        ((rng.normal(size=(3, 4)), rng.uniform(-1, -0.2, size=4), rng.uniform(0.2, 1, size=(3, 1))), {}),
        ((rng.normal(size=5), None, 0.3), {}),
        ((rng.normal(size=(0, 2)), 0.1), {}),
        ((rng.normal(size=5), np.float64(0.1)), {}),
        ((rng.normal(size=5), 0.5, rng.uniform(-1, 1, size=5)), {}),
    ],
)
def clip(x, min=None, max=None):
    """`x` limited to `min` and `max`. Beyond a bound the gradient flows to that bound; at a bound it flows to `x`."""
    if min is None and max is None:
        return np.positive(x)
    return np.clip(x, min, max)


def _along(t, direction):
    """The part of `t` in a direction, which is a sign or a complex number of length 1."""
    return ops.real(t * ops.conj(direction)) if direction.dtype.kind == "c" else t * direction


@rule(
    vjp=lambda g, x: g * sign(x),
    jvp=lambda t, x: _along(t, sign(x)),
    elementwise=True,
    holomorphic=False,
    domain=(0.3, 3),
    samples=signed(0.3, 3, ((3, 4), {})),
    aliases=("absolute",),
    numpy=("absolute",),
)
def abs(x, /):
    """Absolute value of `x`; its gradient at 0 is 0."""
    return np.abs(x)


def _sign_vjp(g, x, y):
    """0 if `x` is real. If it is complex, `(g - y * real(conj(y) * g)) / abs(x)`, and 0 at 0."""
    if g.dtype.kind != "c":
        return zeros_of(g)
    r = abs(x)
    return (g - y * ops.real(ops.conj(y) * g)) / where(equal(r, 0), 1, r)  # only the direction of x changes x / |x|


@rule(
    vjp=lambda g, x, y: _sign_vjp(g, x, y),
    jvp=lambda t, x, y: _sign_vjp(t, x, y),
    elementwise=True,
    holomorphic=False,
    domain=(0.3, 3),
    samples=signed(0.3, 3, ((3, 4), {})),
)
def sign(x, /):
    """Sign of `x`, 0 at 0 (`x / abs(x)` if complex). The gradient of a real sign is 0."""
    return np.sign(x)


@rule(
    vjp=(lambda g, x1, x2: g * (sign(x1) * where(signbit(x2), -1, 1)), None),
    elementwise=True,
    domain=((0.3, 3), (-3, 3)),
    samples=signed(0.3, 3, ([(3, 4), (4,)], {})),
)
def copysign(x1, x2, /):
    """`x1` with the sign of `x2`."""
    return np.copysign(x1, x2)


@rule(vjp=(lambda g: g, None), elementwise=True, domain=((0.3, 3), (-3, 3)))
def nextafter(x1, x2, /):
    """The number next to `x1` in the direction of `x2`. It moves with `x1`, so its gradient is that of `x1`."""
    return np.nextafter(x1, x2)
