"""Complex parts. Cotangents are dL/dRe + i dL/dIm, and these rules are the conjugate transposes themselves."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.draws import complex_normal
from fastgrad.rules.rule import ops, rule

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")

_CASES = complex_normal(((2, 3), {}), ((), {}), ((0, 2), {}))


@rule(
    batch=batching.same,
    vjp=lambda g: conj(g),
    jvp="linear",
    holomorphic=False,
    aliases=("conjugate",),
    numpy=("conjugate",),
    samples=_CASES,
    pattern=patterns.elementwise,
)
def conj(x, /):
    """Complex conjugate of `x`."""
    return np.conjugate(x)


@rule(
    batch=batching.same,
    vjp=lambda g: g,
    jvp="linear",
    view=True,
    holomorphic=False,
    samples=_CASES,
    pattern=patterns.elementwise,
)
def real(x, /):
    """Real part of `x`."""
    return np.real(x)


@rule(
    batch=batching.same,
    vjp=lambda g: g * 1j,
    jvp="linear",
    view=True,
    holomorphic=False,
    samples=_CASES,
    pattern=patterns.elementwise,
)
def imag(x, /):
    """Imaginary part of `x`, read-only zeros if `x` is real."""
    return np.imag(x)


def _angle_vjp(g, x, deg):
    """`g * 1j * x / abs(x)**2`, and 0 at 0. In degrees, `180 / pi` times that."""
    r = ops.abs(x)
    r = ops.where(ops.equal(r, 0), 1, r)
    turned = g * 1j * (x / r) / r  # d angle = Im(conj(x) dx) / |x|^2; 0 at the origin, where the angle is undefined
    return turned * (180 / np.pi) if deg else turned


def _angle_jvp(t, x, deg):
    """`imag(conj(x) * t) / abs(x)**2`, and 0 at 0. In degrees, `180 / pi` times that."""
    r = ops.abs(x)
    r = ops.where(ops.equal(r, 0), 1, r)
    turned = imag(conj(x / r) * t) / r
    return turned * (180 / np.pi) if deg else turned


@rule(
    batch=batching.same,
    vjp=lambda g, x, deg: _angle_vjp(g, x, deg),
    jvp=lambda t, x, deg: _angle_jvp(t, x, deg),
    holomorphic=False,
    prepare=parameters.read(deg=parameters.flag),
    samples=_CASES,
    pattern=patterns.elementwise,
)
def angle(x, /, deg=False):
    """Argument of the complex number `x`, in radians, or in degrees if `deg`; its gradient is 0 at the origin."""
    return np.angle(x, deg)
