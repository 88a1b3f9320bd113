"""Bessel functions of SciPy, and Hankel, Struve, Kelvin and Airy functions. Calls need SciPy.

Their names are SciPy's. `fastgrad.counterparts` calls them for SciPy's ufuncs. There are no gradients with respect to
orders.
"""

import math

from fastgrad._lazy import LazyModule
from fastgrad.rules.checks import real_only
from fastgrad.rules.comparison import maximum, quotient, sign
from fastgrad.rules.rule import FUNCTIONS, rule
from fastgrad.rules.special_errors import no_gradient
from fastgrad.rules.special_gamma import rgamma

special = LazyModule("scipy.special")

_ROOT_PI = math.sqrt(math.pi)


@rule(vjp=lambda g, x: g * i1(x), elementwise=True, domain=(-3, 3), numpy=())
def bessel_i0(x, /):
    """Modified Bessel function of the first kind of order 0, SciPy's `i0`."""
    return special.i0(x)


@rule(vjp=lambda g, x, y: g * (bessel_i0(x) - quotient(y, x, 0.5)), elementwise=True, domain=(-3, 3), numpy=())
def i1(x, /):
    """Modified Bessel function of the first kind of order 1."""
    return special.i1(x)


@rule(vjp=lambda g, x, y: g * (i1e(x) - sign(x) * y), elementwise=True, domain=(-3, 3), numpy=())
def i0e(x, /):
    """`i0(x) * exp(-abs(x))`; at 0, where it has a kink, the gradient is 0."""
    return special.i0e(x)


@rule(vjp=lambda g, x, y: g * (i0e(x) - sign(x) * y - quotient(y, x, 0.5)), elementwise=True, domain=(-3, 3), numpy=())
def i1e(x, /):
    """`i1(x) * exp(-abs(x))`."""
    return special.i1e(x)


@rule(vjp=lambda g, x: -g * j1(x), elementwise=True, domain=(-3, 3), numpy=())
def j0(x, /):
    """Bessel function of the first kind of order 0."""
    return special.j0(x)


@rule(vjp=lambda g, x, y: g * (j0(x) - quotient(y, x, 0.5)), elementwise=True, domain=(-3, 3), numpy=())
def j1(x, /):
    """Bessel function of the first kind of order 1."""
    return special.j1(x)


@rule(vjp=lambda g, x: -g * y1(x), elementwise=True, domain=(0.5, 3), numpy=())
def y0(x, /):
    """Bessel function of the second kind of order 0."""
    return special.y0(x)


@rule(vjp=lambda g, x, y: g * (y0(x) - y / x), elementwise=True, domain=(0.5, 3), numpy=())
def y1(x, /):
    """Bessel function of the second kind of order 1."""
    return special.y1(x)


@rule(vjp=lambda g, x: -g * k1(x), elementwise=True, domain=(0.5, 3), numpy=())
def k0(x, /):
    """Modified Bessel function of the second kind of order 0."""
    return special.k0(x)


@rule(vjp=lambda g, x, y: -g * (k0(x) + y / x), elementwise=True, domain=(0.5, 3), numpy=())
def k1(x, /):
    """Modified Bessel function of the second kind of order 1."""
    return special.k1(x)


@rule(vjp=lambda g, x, y: g * (y - k1e(x)), elementwise=True, domain=(0.5, 3), numpy=())
def k0e(x, /):
    """`k0(x) * exp(x)`."""
    return special.k0e(x)


@rule(vjp=lambda g, x, y: g * (y - k0e(x) - y / x), elementwise=True, domain=(0.5, 3), numpy=())
def k1e(x, /):
    """`k1(x) * exp(x)`."""
    return special.k1e(x)


# --- of any order ---


def _of_order(name, derivative, doc, *, real=False, order=(1, 3)):
    """Make the op of a function of an order and an argument, whose derivative is that of the argument."""

    def forward(x1, x2, /):
        return getattr(special, name)(x1, real_only(name, x2) if real else x2)

    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = doc + " There is no gradient with respect to the order."
    vjp = (no_gradient(name, "the order"), derivative)
    return rule(vjp=vjp, elementwise=True, domain=(order, (0.5, 3)), numpy=())(forward)


jv = _of_order("jv", lambda g, x1, x2: g * 0.5 * (jv(x1 - 1, x2) - jv(x1 + 1, x2)), "Bessel function.")
yv = _of_order("yv", lambda g, x1, x2: g * 0.5 * (yv(x1 - 1, x2) - yv(x1 + 1, x2)), "Bessel function, second kind.")
iv = _of_order("iv", lambda g, x1, x2: g * 0.5 * (iv(x1 - 1, x2) + iv(x1 + 1, x2)), "Modified Bessel function.")
kv = _of_order("kv", lambda g, x1, x2: g * -0.5 * (kv(x1 - 1, x2) + kv(x1 + 1, x2)), "Modified, second kind.")
yn = _of_order(
    "yn", lambda g, x1, x2: g * 0.5 * (yn(x1 - 1, x2) - yn(x1 + 1, x2)), "`yv` of integer order.", order=(2, 2)
)
kn = _of_order(
    "kn", lambda g, x1, x2: g * -0.5 * (kv(x1 - 1, x2) + kv(x1 + 1, x2)), "`kv` of integer order.", order=(2, 2)
)
ive = _of_order(
    "ive",
    lambda g, x1, x2, y: g * (0.5 * (ive(x1 - 1, x2) + ive(x1 + 1, x2)) - sign(x2) * y),
    "`iv(x1, x2) * exp(-abs(x2))`.",
    real=True,
)
jve = _of_order("jve", lambda g, x1, x2: g * 0.5 * (jve(x1 - 1, x2) - jve(x1 + 1, x2)), "`jv` of reals.", real=True)
yve = _of_order("yve", lambda g, x1, x2: g * 0.5 * (yve(x1 - 1, x2) - yve(x1 + 1, x2)), "`yv` of reals.", real=True)
kve = _of_order(
    "kve", lambda g, x1, x2, y: g * (y - 0.5 * (kve(x1 - 1, x2) + kve(x1 + 1, x2))), "`kv(x1, x2) * exp(x2)`."
)


def _previous(n):
    return maximum(n - 1, 0)  # its factor is 0 where n is 0


spherical_jn = _of_order(
    "spherical_jn",
    lambda g, x1, x2: g * (x1 * spherical_jn(_previous(x1), x2) - (x1 + 1) * spherical_jn(x1 + 1, x2)) / (2 * x1 + 1),
    "Spherical Bessel function.",
    order=(2, 2),
)
spherical_yn = _of_order(
    "spherical_yn",
    lambda g, x1, x2: g * (x1 * spherical_yn(_previous(x1), x2) - (x1 + 1) * spherical_yn(x1 + 1, x2)) / (2 * x1 + 1),
    "Spherical Bessel function, second kind.",
    order=(2, 2),
)
spherical_in = _of_order(
    "spherical_in",
    lambda g, x1, x2: g * (x1 * spherical_in(_previous(x1), x2) + (x1 + 1) * spherical_in(x1 + 1, x2)) / (2 * x1 + 1),
    "Modified spherical Bessel function.",
    order=(2, 2),
)
spherical_kn = _of_order(
    "spherical_kn",
    lambda g, x1, x2: -g * (x1 * spherical_kn(_previous(x1), x2) + (x1 + 1) * spherical_kn(x1 + 1, x2)) / (2 * x1 + 1),
    "Modified spherical Bessel function, second kind.",
    order=(2, 2),
)


# --- Hankel functions, which are complex ---

hankel1 = _of_order(
    "hankel1", lambda g, x1, x2: g * 0.5 * (hankel1(x1 - 1, x2) - hankel1(x1 + 1, x2)), "`jv + 1j * yv`."
)
hankel2 = _of_order(
    "hankel2", lambda g, x1, x2: g * 0.5 * (hankel2(x1 - 1, x2) - hankel2(x1 + 1, x2)), "`jv - 1j * yv`."
)
hankel1e = _of_order(
    "hankel1e",
    lambda g, x1, x2, y: g * (0.5 * (hankel1e(x1 - 1, x2) - hankel1e(x1 + 1, x2)) - 1j * y),
    "`hankel1(x1, x2) * exp(-1j * x2)`.",
)
hankel2e = _of_order(
    "hankel2e",
    lambda g, x1, x2, y: g * (0.5 * (hankel2e(x1 - 1, x2) - hankel2e(x1 + 1, x2)) + 1j * y),
    "`hankel2(x1, x2) * exp(1j * x2)`.",
)


# --- Struve functions: DLMF 11.4.25 with 11.4.23, and 11.4.26 with 11.4.24 ---


def _struve_term(v, x):
    """Return `(x / 2)**v / (sqrt(pi) * gamma(v + 3/2))`."""
    return (0.5 * x) ** v * rgamma(v + 1.5) / _ROOT_PI


struve = _of_order(
    "struve",
    lambda g, x1, x2: g * 0.5 * (struve(x1 - 1, x2) - struve(x1 + 1, x2) + _struve_term(x1, x2)),
    "Struve function.",
)
modstruve = _of_order(
    "modstruve",
    lambda g, x1, x2: g * 0.5 * (modstruve(x1 - 1, x2) + modstruve(x1 + 1, x2) + _struve_term(x1, x2)),
    "Modified Struve function.",
)


# --- Kelvin functions: ber + 1j * bei and ker + 1j * kei solve x**2 w'' + x w' = 1j x**2 w, DLMF 10.61.3 ---


@rule(vjp=lambda g, x: g * berp(x), elementwise=True, domain=(0.5, 3), numpy=())
def ber(x, /):
    """Kelvin function ber."""
    return special.ber(x)


@rule(vjp=lambda g, x: g * beip(x), elementwise=True, domain=(0.5, 3), numpy=())
def bei(x, /):
    """Kelvin function bei."""
    return special.bei(x)


@rule(vjp=lambda g, x, y: -g * (bei(x) + quotient(y, x, 0.0)), elementwise=True, domain=(0.5, 3), numpy=())
def berp(x, /):
    """Derivative of the Kelvin function ber."""
    return special.berp(x)


@rule(vjp=lambda g, x, y: g * (ber(x) - quotient(y, x, 0.5)), elementwise=True, domain=(0.5, 3), numpy=())
def beip(x, /):
    """Derivative of the Kelvin function bei."""
    return special.beip(x)


@rule(vjp=lambda g, x: g * kerp(x), elementwise=True, domain=(0.5, 3), numpy=())
def ker(x, /):
    """Kelvin function ker."""
    return special.ker(x)


@rule(vjp=lambda g, x: g * keip(x), elementwise=True, domain=(0.5, 3), numpy=())
def kei(x, /):
    """Kelvin function kei."""
    return special.kei(x)


@rule(vjp=lambda g, x, y: -g * (kei(x) + y / x), elementwise=True, domain=(0.5, 3), numpy=())
def kerp(x, /):
    """Derivative of the Kelvin function ker."""
    return special.kerp(x)


@rule(vjp=lambda g, x, y: g * (ker(x) - y / x), elementwise=True, domain=(0.5, 3), numpy=())
def keip(x, /):
    """Derivative of the Kelvin function kei."""
    return special.keip(x)


# --- Airy functions ---


@rule(vjp=lambda g, x: g * airy_ai_slope(x), elementwise=True, domain=(-3, 3), numpy=())
def airy_ai(x, /):
    """Airy function Ai."""
    return special.airy(x)[0]


@rule(vjp=lambda g, x: g * x * airy_ai(x), elementwise=True, domain=(-3, 3), numpy=())
def airy_ai_slope(x, /):
    """Derivative of the Airy function Ai."""
    return special.airy(x)[1]


@rule(vjp=lambda g, x: g * airy_bi_slope(x), elementwise=True, domain=(-3, 3), numpy=())
def airy_bi(x, /):
    """Airy function Bi."""
    return special.airy(x)[2]


@rule(vjp=lambda g, x: g * x * airy_bi(x), elementwise=True, domain=(-3, 3), numpy=())
def airy_bi_slope(x, /):
    """Derivative of the Airy function Bi."""
    return special.airy(x)[3]


def airy(x, /):
    """Airy functions Ai, Ai', Bi and Bi', as a tuple."""
    return airy_ai(x), airy_ai_slope(x), airy_bi(x), airy_bi_slope(x)


# The names of SciPy's ufuncs.
_NAMES = """
    i1 i0e i1e j0 j1 y0 y1 k0 k1 k0e k1e jv yv iv kv yn kn ive jve yve kve hankel1 hankel2 hankel1e hankel2e struve
    modstruve ber bei berp beip ker kei kerp keip
"""
OPS = {name: FUNCTIONS[name] for name in _NAMES.split()} | {"i0": bessel_i0}
