"""Elliptic integrals, hypergeometric functions and integrals of SciPy. Calls need SciPy.

Their names are SciPy's. `fastgrad.counterparts` calls them for SciPy's ufuncs.
"""

import math

from fastgrad._lazy import LazyModule
from fastgrad.rules.arithmetic import sqrt
from fastgrad.rules.checks import occurs
from fastgrad.rules.comparison import abs, quotient, where
from fastgrad.rules.complex import imag, real
from fastgrad.rules.erf import erf
from fastgrad.rules.exponential import exp, expm1, log
from fastgrad.rules.hyperbolic import cosh, sinh
from fastgrad.rules.logic import less
from fastgrad.rules.rule import FUNCTIONS, rule
from fastgrad.rules.special_errors import no_gradient
from fastgrad.rules.trigonometric import cos, sin

special = LazyModule("scipy.special")

_ROOT_2 = math.sqrt(2)
_ROOT_PI = math.sqrt(math.pi)
_ROOT_2_PI = math.sqrt(2 * math.pi)


def _near(x, bound, series, formula):
    """Return `series(x)` where `abs(x)` is below `bound`, and `formula(x)`, which cancels there, elsewhere."""
    near = less(abs(x), bound)
    return where(near, series(where(near, x, 0)), formula(where(near, 1, x) if occurs(near) else x))


def _polynomial(coefficients, x):
    total = coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


# --- elliptic integrals ---

_TERMS = 14
# (1 / 2 choose k)-like factors of the series of the complete integrals: ((2 k - 1)!! / (2 k)!!)**2.
_SQUARES = [(math.comb(2 * k, k) / 4**k) ** 2 for k in range(_TERMS + 1)]
_K_SLOPE = [math.pi / 2 * k * _SQUARES[k] for k in range(1, _TERMS + 1)]
_E_SLOPE = [math.pi / 2 * k * _SQUARES[k] / (1 - 2 * k) for k in range(1, _TERMS + 1)]


def _k_slope(m):
    """Return the derivative of `ellipk`, DLMF 19.4.1; by the series of DLMF 19.5.1 near 0, where that cancels."""
    formula = lambda m: (ellipe(m) - (1 - m) * ellipk(m)) / (2 * m * (1 - m))
    return _near(m, 0.1, lambda m: _polynomial(_K_SLOPE, m), formula)


def _e_slope(m):
    """Return the derivative of `ellipe`, DLMF 19.4.2; by the series of DLMF 19.5.2 near 0, where that cancels."""
    return _near(m, 0.1, lambda m: _polynomial(_E_SLOPE, m), lambda m: (ellipe(m) - ellipk(m)) / (2 * m))


@rule(vjp=lambda g, x: g * _k_slope(x), elementwise=True, domain=(-0.9, 0.9), numpy=())
def ellipk(x, /):
    """Complete elliptic integral of the first kind, of the parameter `x`."""
    return special.ellipk(x)


@rule(vjp=lambda g, x: g * _e_slope(x), elementwise=True, domain=(-0.9, 0.9), numpy=())
def ellipe(x, /):
    """Complete elliptic integral of the second kind, of the parameter `x`."""
    return special.ellipe(x)


def _km1_slope(p):
    formula = lambda p: (p * ellipkm1(p) - ellipe(1 - p)) / (2 * p * (1 - p))
    return _near(1 - p, 0.1, lambda m: -_polynomial(_K_SLOPE, m), lambda m: formula(1 - m))


@rule(vjp=lambda g, x: g * _km1_slope(x), elementwise=True, domain=(0.1, 1.9), numpy=())
def ellipkm1(x, /):
    """`ellipk(1 - x)`, accurate for small `x`."""
    return special.ellipkm1(x)


def _delta(phi, m):
    return sqrt(1 - m * sin(phi) ** 2)


def _powers(phi):
    """Return the integrals of sin**2, sin**4, ... from 0 to `phi`."""
    s, c = sin(phi), cos(phi)
    total, found = phi, []
    for k in range(1, 6):
        total = ((2 * k - 1) * total - s ** (2 * k - 1) * c) / (2 * k)
        found.append(total)
    return found


def _incomplete(phi, m, factors, formula):
    """Return a derivative in `m`: by the binomial series of the integrand near 0, where the formula cancels."""
    series = 0
    near = less(abs(m), 2e-3)
    small = where(near, m, 0)
    for k, (factor, integral) in enumerate(zip(factors, _powers(phi), strict=True)):
        series = series + factor * integral * small**k
    return where(near, series, formula(phi, where(near, 0.5, m)))


def _f_slope(phi, m):
    f, e = ellipkinc(phi, m), ellipeinc(phi, m)
    return (e / (1 - m) - f) / (2 * m) - sin(2 * phi) / (4 * (1 - m) * _delta(phi, m))


# DLMF 19.4.5 and 19.4.6 (in the modulus); coefficients of the derivatives of (1 - m s)**(-1/2) and (1 - m s)**(1/2).
_F_FACTORS = [k * math.comb(2 * k, k) / 4**k for k in range(1, 6)]
_E_FACTORS = [k * math.comb(2 * k, k) / 4**k / (1 - 2 * k) for k in range(1, 6)]


@rule(
    vjp=(
        lambda g, x1, x2: g / _delta(x1, x2),
        lambda g, x1, x2: g * _incomplete(x1, x2, _F_FACTORS, _f_slope),
    ),
    elementwise=True,
    domain=((-1.5, 1.5), (0.1, 0.9)),
    numpy=(),
)
def ellipkinc(x1, x2, /):
    """Incomplete elliptic integral of the first kind, of the amplitude `x1` and the parameter `x2`."""
    return special.ellipkinc(x1, x2)


@rule(
    vjp=(
        lambda g, x1, x2: g * _delta(x1, x2),
        lambda g, x1, x2: (
            g * _incomplete(x1, x2, _E_FACTORS, lambda phi, m: (ellipeinc(phi, m) - ellipkinc(phi, m)) / (2 * m))
        ),
    ),
    elementwise=True,
    domain=((-1.5, 1.5), (0.1, 0.9)),
    numpy=(),
)
def ellipeinc(x1, x2, /):
    """Incomplete elliptic integral of the second kind, of the amplitude `x1` and the parameter `x2`."""
    return special.ellipeinc(x1, x2)


@rule(
    vjp=(
        lambda g, x2, y: g * _delta(y, x2),
        lambda g, x2, y: -g * _delta(y, x2) * _incomplete(y, x2, _F_FACTORS, _f_slope),
    ),
    elementwise=True,
    domain=((-1.5, 1.5), (0.1, 0.9)),
    numpy=(),
)
def elliptic_amplitude(x1, x2, /):
    """Jacobi's amplitude, the inverse of `ellipkinc` in its first argument."""
    return special.ellipj(x1, x2)[3]


def ellipj(x1, x2, /):
    """Jacobi's elliptic functions sn, cn and dn, and the amplitude, as a tuple."""
    phi = elliptic_amplitude(x1, x2)
    return sin(phi), cos(phi), _delta(phi, x2), phi


# --- integrals of elementary functions ---


@rule(vjp=lambda g, x: g * quotient(sin(x), x, 1), elementwise=True, domain=(0.5, 3), numpy=())
def sine_integral(x, /):
    """Integral of `sin(t) / t` from 0 to `x`."""
    return special.sici(x)[0]


@rule(vjp=lambda g, x: g * cos(x) / x, elementwise=True, domain=(0.5, 3), numpy=())
def cosine_integral(x, /):
    """Cosine integral Ci."""
    return special.sici(x)[1]


def sici(x, /):
    """Sine and cosine integrals, as a tuple."""
    return sine_integral(x), cosine_integral(x)


@rule(vjp=lambda g, x: g * quotient(sinh(x), x, 1), elementwise=True, domain=(0.5, 3), numpy=())
def sinh_integral(x, /):
    """Integral of `sinh(t) / t` from 0 to `x`."""
    return special.shichi(x)[0]


@rule(vjp=lambda g, x: g * cosh(x) / x, elementwise=True, domain=(0.5, 3), numpy=())
def cosh_integral(x, /):
    """Hyperbolic cosine integral Chi."""
    return special.shichi(x)[1]


def shichi(x, /):
    """Hyperbolic sine and cosine integrals, as a tuple."""
    return sinh_integral(x), cosh_integral(x)


@rule(vjp=lambda g, x: g * sin((math.pi / 2) * x * x), elementwise=True, domain=(-2, 2), numpy=())
def fresnel_s(x, /):
    """Integral of `sin(pi t**2 / 2)` from 0 to `x`."""
    return special.fresnel(x)[0]


@rule(vjp=lambda g, x: g * cos((math.pi / 2) * x * x), elementwise=True, domain=(-2, 2), numpy=())
def fresnel_c(x, /):
    """Integral of `cos(pi t**2 / 2)` from 0 to `x`."""
    return special.fresnel(x)[1]


def fresnel(x, /):
    """Fresnel's integrals S and C, as a tuple."""
    return fresnel_s(x), fresnel_c(x)


@rule(
    vjp=(no_gradient("expn", "n"), lambda g, x1, x2: -g * _expn_before(x1, x2)),
    elementwise=True,
    domain=((2, 2), (0.5, 3)),
    numpy=(),
)
def expn(x1, x2, /):
    """Generalized exponential integral of the order `x1`, an integer, which has no gradient."""
    return special.expn(x1, x2)


def _expn_before(n, x):
    zero = less(n, 1)
    if not occurs(zero):
        return expn(n - 1, x)
    # expn(0, x) is exp(-x) / x, minus whose derivative this is
    return where(zero, exp(-x) * (1 + 1 / x) / x, expn(where(zero, 1, n) - 1, x))


_SPENCE = [(-1) ** (k + 1) / (k + 1) for k in range(24)]


@rule(
    vjp=lambda g, x: g * _near(x - 1, 0.1, lambda u: _polynomial(_SPENCE, u), lambda u: -log(u + 1) / u),
    elementwise=True,
    domain=(0.2, 3),
    numpy=(),
)
def spence(x, /):
    """Dilogarithm of `1 - x`: the integral of `log(t) / (1 - t)` from 1 to `x`."""
    return special.spence(x)


_EXPREL = [(k + 1) / math.factorial(k + 2) for k in range(16)]


@rule(
    vjp=lambda g, x: g * _near(x, 0.5, lambda x: _polynomial(_EXPREL, x), lambda x: (exp(x) * x - expm1(x)) / (x * x)),
    elementwise=True,
    domain=(-2, 2),
    numpy=(),
)
def exprel(x, /):
    """`(exp(x) - 1) / x`, and 1 at 0."""
    return special.exprel(x)


def _owens_slope(h, a):
    return exp(-0.5 * h * h * (1 + a * a)) / (2 * math.pi * (1 + a * a))


@rule(
    vjp=(
        lambda g, x1, x2: -g * exp(-0.5 * x1 * x1) * erf(x1 * x2 / _ROOT_2) / (2 * _ROOT_2_PI),
        lambda g, x1, x2: g * _owens_slope(x1, x2),
    ),
    elementwise=True,
    domain=((-2, 2), (-2, 2)),
    numpy=(),
)
def owens_t(x1, x2, /):
    """Owen's T function."""
    return special.owens_t(x1, x2)


# --- functions of complex numbers ---


@rule(vjp=lambda g, x, y: g * (2j / _ROOT_PI - 2 * x * y), elementwise=True, domain=(-2, 2), numpy=())
def wofz(x, /):
    """Faddeeva function, `exp(-x**2) * erfc(-1j * x)`."""
    return special.wofz(x)


@rule(vjp=lambda g, x: g * exp(-x * x) * (2 / _ROOT_PI), elementwise=True, domain=(-2, 2), numpy=())
def complex_erf(x, /):
    """Error function of complex numbers."""
    return special.erf(x)


@rule(vjp=lambda g, x: g * exp(-x * x) * (-2 / _ROOT_PI), elementwise=True, domain=(-2, 2), numpy=())
def complex_erfc(x, /):
    """Complementary error function of complex numbers."""
    return special.erfc(x)


def _voigt(x, sigma, gamma):
    """Return what the derivatives of the Voigt profile need: the argument of `wofz`, its derivative, the factor."""
    z = (x + 1j * gamma) / (sigma * _ROOT_2)
    return z, 2j / _ROOT_PI - 2 * z * wofz(z), 1 / (sigma * _ROOT_2_PI)


def _voigt_in_x(g, x1, x2, x3):
    _, slope, factor = _voigt(x1, x2, x3)
    return g * real(slope) * factor / (x2 * _ROOT_2)


def _voigt_in_sigma(g, x1, x2, x3, y):
    z, slope, factor = _voigt(x1, x2, x3)
    return -g * (y + real(z * slope) * factor) / x2


def _voigt_in_gamma(g, x1, x2, x3):
    _, slope, factor = _voigt(x1, x2, x3)
    return -g * imag(slope) * factor / (x2 * _ROOT_2)


@rule(vjp=(_voigt_in_x, _voigt_in_sigma, _voigt_in_gamma), elementwise=True, domain=(0.5, 2), numpy=())
def voigt_profile(x1, x2, x3, /):
    """Voigt profile at `x1`: standard deviation `x2`, half width at half maximum `x3`."""
    return special.voigt_profile(x1, x2, x3)


@rule(vjp=lambda g, y: g * y / (1 + y), elementwise=True, domain=(-2, 2), numpy=())
def wrightomega(x, /):
    """Wright omega function: the solution `y` of `y + log(y) = x`."""
    return special.wrightomega(x)


@rule(vjp=lambda g, y: g / (exp(y) * (1 + y)), elementwise=True, domain=(0.5, 3), numpy=())
def lambertw(x, /, k=0, tol=1e-8):
    """Branch `k` of Lambert's W function: the solution `y` of `y * exp(y) = x`. The result is complex."""
    return special.lambertw(x, k, tol)


# The names of SciPy's ufuncs.
_NAMES = """
    ellipk ellipe ellipkm1 ellipkinc ellipeinc expn spence exprel owens_t wofz voigt_profile wrightomega
"""
OPS = {name: FUNCTIONS[name] for name in _NAMES.split()}
