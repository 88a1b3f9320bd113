"""Hypergeometric functions, orthogonal polynomials and power transforms of SciPy. Calls need SciPy.

Their names are SciPy's. `fastgrad.counterparts` calls them for SciPy's ufuncs. There are no gradients with respect to
degrees and parameters. The derivatives are those of DLMF 13.3.15, 13.3.22, 15.5.1, 18.9.15 and 18.9.19 to 18.9.25.
"""

from fastgrad._lazy import LazyModule
from fastgrad.rules.comparison import where
from fastgrad.rules.exponential import exp, log, log1p
from fastgrad.rules.logic import equal
from fastgrad.rules.rule import FUNCTIONS, rule
from fastgrad.rules.special_errors import no_gradient

special = LazyModule("scipy.special")


def _in_last(name, derivative, domain, doc, parameters):
    """Make the op of a function of parameters and, as its last operand, a variable, which alone has a gradient."""
    vjp = (*(no_gradient(name, parameter) for parameter in parameters), derivative)
    count = len(vjp)

    if count == 2:

        def forward(x1, x2, /):
            return getattr(special, name)(x1, x2)
    elif count == 3:

        def forward(x1, x2, x3, /):
            return getattr(special, name)(x1, x2, x3)
    else:

        def forward(x1, x2, x3, x4, /):
            return getattr(special, name)(x1, x2, x3, x4)

    forward.__name__ = forward.__qualname__ = name
    forward.__doc__ = doc + " Only the last argument has a gradient."
    return rule(vjp=vjp, elementwise=True, domain=domain, numpy=())(forward)


# --- hypergeometric functions ---

hyp0f1 = _in_last(
    "hyp0f1",
    lambda g, x1, x2: g * hyp0f1(x1 + 1, x2) / x1,
    ((0.5, 3), (-2, 2)),
    "Confluent hypergeometric limit function.",
    ("v",),
)
hyp1f1 = _in_last(
    "hyp1f1",
    lambda g, x1, x2, x3: g * hyp1f1(x1 + 1, x2 + 1, x3) * (x1 / x2),
    ((0.5, 3), (0.5, 3), (-2, 2)),
    "Confluent hypergeometric function.",
    ("a", "b"),
)
hyp2f1 = _in_last(
    "hyp2f1",
    lambda g, x1, x2, x3, x4: g * hyp2f1(x1 + 1, x2 + 1, x3 + 1, x4) * (x1 * x2 / x3),
    ((0.5, 3), (0.5, 3), (0.5, 3), (-0.8, 0.8)),
    "Gauss's hypergeometric function.",
    ("a", "b", "c"),
)
hyperu = _in_last(
    "hyperu",
    lambda g, x1, x2, x3: -g * x1 * hyperu(x1 + 1, x2 + 1, x3),
    ((0.5, 3), (0.5, 3), (0.5, 3)),
    "Tricomi's confluent hypergeometric function.",
    ("a", "b"),
)
wright_bessel = _in_last(
    "wright_bessel",
    lambda g, x1, x2, x3: g * wright_bessel(x1, x1 + x2, x3),
    ((0.5, 3), (0.5, 3), (0.5, 3)),
    "Wright's generalized Bessel function.",
    ("a", "b"),
)


# --- orthogonal polynomials: `x1` is the degree ---

eval_jacobi = _in_last(
    "eval_jacobi",
    lambda g, x1, x2, x3, x4: g * (0.5 * (x1 + x2 + x3 + 1)) * eval_jacobi(x1 - 1, x2 + 1, x3 + 1, x4),
    ((1, 4), (0.5, 3), (0.5, 3), (-0.9, 0.9)),
    "Jacobi polynomial.",
    ("n", "alpha", "beta"),
)
eval_gegenbauer = _in_last(
    "eval_gegenbauer",
    lambda g, x1, x2, x3: g * (2 * x2) * eval_gegenbauer(x1 - 1, x2 + 1, x3),
    ((2, 4), (0.5, 3), (-0.9, 0.9)),
    "Gegenbauer polynomial.",
    ("n", "alpha"),
)
eval_legendre = _in_last(
    "eval_legendre",
    lambda g, x1, x2: g * (0.5 * (x1 + 1)) * eval_jacobi(x1 - 1, 1, 1, x2),
    ((2, 4), (-0.9, 0.9)),
    "Legendre polynomial.",
    ("n",),
)
eval_chebyt = _in_last(
    "eval_chebyt",
    lambda g, x1, x2: g * x1 * eval_chebyu(x1 - 1, x2),
    ((2, 4), (-0.9, 0.9)),
    "Chebyshev polynomial of the first kind.",
    ("n",),
)
eval_chebyu = _in_last(
    "eval_chebyu",
    lambda g, x1, x2: g * 2 * eval_gegenbauer(x1 - 1, 2, x2),
    ((2, 4), (-0.9, 0.9)),
    "Chebyshev polynomial of the second kind.",
    ("n",),
)
eval_genlaguerre = _in_last(
    "eval_genlaguerre",
    lambda g, x1, x2, x3: -g * eval_genlaguerre(x1 - 1, x2 + 1, x3),
    ((2, 4), (0.5, 3), (0.5, 3)),
    "Generalized Laguerre polynomial.",
    ("n", "alpha"),
)
eval_laguerre = _in_last(
    "eval_laguerre",
    lambda g, x1, x2: -g * eval_genlaguerre(x1 - 1, 1, x2),
    ((2, 4), (0.5, 3)),
    "Laguerre polynomial.",
    ("n",),
)


eval_chebyc = _in_last(
    "eval_chebyc",
    lambda g, x1, x2: g * x1 * eval_chebyu(x1 - 1, 0.5 * x2),
    ((2, 4), (-1.8, 1.8)),
    "Chebyshev polynomial of the first kind on [-2, 2].",
    ("n",),
)
eval_chebys = _in_last(
    "eval_chebys",
    lambda g, x1, x2: g * eval_gegenbauer(x1 - 1, 2, 0.5 * x2),
    ((2, 4), (-1.8, 1.8)),
    "Chebyshev polynomial of the second kind on [-2, 2].",
    ("n",),
)
eval_sh_legendre = _in_last(
    "eval_sh_legendre",
    lambda g, x1, x2: g * (x1 + 1) * eval_jacobi(x1 - 1, 1, 1, 2 * x2 - 1),
    ((2, 4), (0.1, 0.9)),
    "Legendre polynomial on [0, 1].",
    ("n",),
)
eval_sh_chebyt = _in_last(
    "eval_sh_chebyt",
    lambda g, x1, x2: g * (2 * x1) * eval_chebyu(x1 - 1, 2 * x2 - 1),
    ((2, 4), (0.1, 0.9)),
    "Chebyshev polynomial of the first kind on [0, 1].",
    ("n",),
)
eval_sh_chebyu = _in_last(
    "eval_sh_chebyu",
    lambda g, x1, x2: g * 4 * eval_gegenbauer(x1 - 1, 2, 2 * x2 - 1),
    ((2, 4), (0.1, 0.9)),
    "Chebyshev polynomial of the second kind on [0, 1].",
    ("n",),
)


def _before(family, n, x):
    """Return the polynomial of the degree before `n`; that of degree -1 is 0."""
    zero = equal(n, 0)
    return where(zero, 0, family(where(zero, 1, n) - 1, x))


eval_hermite = _in_last(
    "eval_hermite",
    lambda g, x1, x2: g * (2 * x1) * _before(eval_hermite, x1, x2),
    ((3, 3), (-2, 2)),
    "Hermite polynomial of the physicists.",
    ("n",),
)
eval_hermitenorm = _in_last(
    "eval_hermitenorm",
    lambda g, x1, x2: g * x1 * _before(eval_hermitenorm, x1, x2),
    ((3, 3), (-2, 2)),
    "Hermite polynomial of the probabilists.",
    ("n",),
)


# --- power transforms ---


def _boxcox_slope(y, log_x, lmbda):
    """Return the derivative of `(exp(lmbda * log_x) - 1) / lmbda` in `lmbda`."""
    zero = equal(lmbda, 0)
    safe = where(zero, 1, lmbda)
    return where(zero, 0.5 * log_x * log_x, (exp(safe * log_x) * log_x - y) / safe)


@rule(
    vjp=(
        lambda g, x1, x2: g * exp((x2 - 1) * log(x1)),
        lambda g, x1, x2, y: g * _boxcox_slope(y, log(x1), x2),
    ),
    elementwise=True,
    domain=((0.5, 3), (0.5, 2)),
    numpy=(),
)
def boxcox(x1, x2, /):
    """Box-Cox transform, `(x1**x2 - 1) / x2`, and `log(x1)` where `x2` is 0."""
    return special.boxcox(x1, x2)


@rule(
    vjp=(
        lambda g, x1, x2: g * exp((x2 - 1) * log1p(x1)),
        lambda g, x1, x2, y: g * _boxcox_slope(y, log1p(x1), x2),
    ),
    elementwise=True,
    domain=((0.5, 3), (0.5, 2)),
    numpy=(),
)
def boxcox1p(x1, x2, /):
    """Box-Cox transform of `1 + x1`."""
    return special.boxcox1p(x1, x2)


def _inverse_slope(x, lmbda):
    """Return the derivative of `log(1 + lmbda * x) / lmbda` in `lmbda`."""
    zero = equal(lmbda, 0)
    safe = where(zero, 1, lmbda)
    return where(zero, -0.5 * x * x, (x / (1 + safe * x) - log1p(safe * x) / safe) / safe)


@rule(
    vjp=(
        lambda g, x1, x2, y: g * y / (1 + x1 * x2),
        lambda g, x1, x2, y: g * y * _inverse_slope(x1, x2),
    ),
    elementwise=True,
    domain=((0.5, 3), (0.5, 2)),
    numpy=(),
)
def inv_boxcox(x1, x2, /):
    """Inverse of `boxcox`."""
    return special.inv_boxcox(x1, x2)


@rule(
    vjp=(
        lambda g, x1, x2, y: g * (y + 1) / (1 + x1 * x2),
        lambda g, x1, x2, y: g * (y + 1) * _inverse_slope(x1, x2),
    ),
    elementwise=True,
    domain=((0.5, 3), (0.5, 2)),
    numpy=(),
)
def inv_boxcox1p(x1, x2, /):
    """Inverse of `boxcox1p`."""
    return special.inv_boxcox1p(x1, x2)


@rule(
    vjp=(
        lambda g, x1, x2, y: g * x2 * (y + 1) / x1,
        lambda g, x1, x2, y: g * log(x1) * (y + 1),
    ),
    elementwise=True,
    domain=((0.5, 3), (0.5, 2)),
    numpy=(),
)
def powm1(x1, x2, /):
    """`x1**x2 - 1`, accurate where it is near 0."""
    return special.powm1(x1, x2)


# The names of SciPy's ufuncs.
_NAMES = """
    hyp0f1 hyp1f1 hyp2f1 hyperu wright_bessel eval_jacobi eval_gegenbauer eval_legendre eval_chebyt eval_chebyu
    eval_genlaguerre eval_laguerre eval_hermite eval_hermitenorm eval_chebyc eval_chebys eval_sh_legendre
    eval_sh_chebyt eval_sh_chebyu boxcox boxcox1p inv_boxcox inv_boxcox1p powm1
"""
OPS = {name: FUNCTIONS[name] for name in _NAMES.split()}
