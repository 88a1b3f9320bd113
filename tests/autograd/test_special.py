"""`autograd.scipy.special`: SciPy's values, and derivatives that autograd does not have."""

import subprocess
import sys
import textwrap

import numpy as onp
import pytest

import fastgrad as fg
import fastgrad.autograd.numpy as np
from fastgrad.autograd import elementwise_grad, grad, hessian, jacobian
from fastgrad.autograd.extend import defvjp, primitive
from fastgrad.autograd.scipy import special
from fastgrad.autograd.test_util import check_grads, combo_check

scipy_special = pytest.importorskip("scipy.special", reason="SciPy is not there")
RNG = onp.random.default_rng(0)
A, X, P = RNG.uniform(0.5, 4, (3, 2)), RNG.uniform(0.5, 4, (2,)), RNG.uniform(0.1, 0.9, (3, 1))

BOTH_MODES = {
    "gammainc": (special.gammainc, (A, X)),
    "gammaincc": (special.gammaincc, (A, X)),
    "gammaincinv": (special.gammaincinv, (A, P)),
    "gammainccinv": (special.gammainccinv, (A, P)),
    "betainc": (special.betainc, (A, X, P)),
    "betaincinv": (special.betaincinv, (A, X, P)),
    "chdtr": (special.chdtr, (A, X)),
    "gdtr": (special.gdtr, (A, X, P)),
    "fdtr": (special.fdtr, (A, X, P)),
    "stdtr": (special.stdtr, (A, X)),
    "stdtrit": (special.stdtrit, (A, P)),
    "log_ndtr": (special.log_ndtr, (A - 3,)),
    "xlogy": (special.xlogy, (A, X)),
    "ellipk": (special.ellipk, (P,)),
    "ellipe": (special.ellipe, (P,)),
    "ellipkinc": (special.ellipkinc, (P, P)),
    "airy": (lambda x: special.airy(x)[0] * special.airy(x)[3], (A,)),
    "sici": (lambda x: special.sici(x)[0] + special.sici(x)[1], (A,)),
    "shichi": (lambda x: special.shichi(x)[0] + special.shichi(x)[1], (A,)),
    "fresnel": (lambda x: special.fresnel(x)[0] * special.fresnel(x)[1], (A,)),
    "ellipj": (lambda u, m: np.sum(special.ellipj(u, m)[0] * special.ellipj(u, m)[2]), (A, P)),
    "lambertw": (lambda x: np.real(special.lambertw(x)), (A,)),
    "kv": (lambda x: special.kv(2.5, x), (A,)),
    "spherical_jn": (lambda x: special.spherical_jn(2, x), (A,)),
    "spherical_jn of degree 0": (lambda x: special.spherical_jn(0, x, derivative=True), (A,)),
    "spherical_kn": (lambda x: special.spherical_kn(onp.array([0, 2]), x), (A,)),
    "jvp": (lambda x: special.jvp(1.5, x, 2), (A,)),
    "kvp": (lambda x: special.kvp(0, x, 3), (A,)),
    "zeta": (lambda q: special.zeta(3.0, q), (A,)),
    "polygamma": (lambda x: special.polygamma(onp.array([1, 2]), x), (A,)),
    "multigammaln": (lambda a: special.multigammaln(a + 1, 3), (A,)),
    "comb": (special.comb, (A + 4, X)),
    "perm": (special.perm, (A + 4, X)),
    "factorial": (special.factorial, (A,)),
    "softmax": (special.softmax, (A,)),
    "softmax of rows": (lambda x: special.softmax(x, axis=1), (A,)),
    "log_softmax": (lambda x: special.log_softmax(x, axis=(0, 1)), (A,)),
    "erf of complex numbers": (special.erf, (A + 0.3j,)),
}


@pytest.mark.parametrize("name", BOTH_MODES)
def test_derivatives_of_both_modes_and_orders(name):
    f, args = BOTH_MODES[name]
    check_grads(f, modes=["fwd", "rev"], order=2)(*args)


VALUES = {
    name: args
    for name, args in {
        "multigammaln": (A + 1, 3), "comb": (onp.array([5.0, 2.0, -1.0]), 3), "perm": (onp.array([5.0, 2.0]), 3),
        "factorial": (onp.array([4.0, -1.0]),), "softmax": (A,), "log_softmax": (A, 0), "jvp": (1.5, A, 2),
        "yvp": (1.5, A, 2), "ivp": (1.5, A, 3), "kvp": (1.5, A, 3), "spherical_yn": (2, A),
        "spherical_in": (0, A, True), "zeta": (3.0, A), "polygamma": (2, A), "erf": (A + 0.3j,), "lambertw": (A, -1),
        "sici": (A,), "fresnel": (A,),
    }.items()
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_values_are_scipys(name):
    ours, scipys, args = getattr(special, name), getattr(scipy_special, name), VALUES[name]
    expected = scipys(*args)
    onp.testing.assert_array_equal(ours(*args), expected)  # without boxes it is SciPy's function
    at = next(k for k, x in enumerate(args) if isinstance(x, onp.ndarray))
    seen = []

    def f(x):
        y = ours(*args[:at], x, *args[at + 1 :])
        seen.append(y)
        parts = y if isinstance(y, tuple) else (y,)
        return sum(np.sum(np.real(part)) for part in parts)

    grad(f)(args[at])
    values = onp.array([y._value for y in seen[0]]) if isinstance(expected, tuple) else seen[0]._value
    onp.testing.assert_allclose(values, expected, rtol=1e-13)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("keepdims", [True, False])
def test_logsumexp_is_differentiated_in_its_factors(axis, keepdims):
    a, b = RNG.normal(size=(3, 4)), RNG.uniform(0.5, 2, (3, 1))
    combo_check(special.logsumexp, [0], modes=["fwd", "rev"])([a], axis=[axis], b=[None, b], keepdims=[keepdims])
    f = lambda a, b: special.logsumexp(a, axis=axis, b=b, keepdims=keepdims)
    check_grads(f, modes=["fwd", "rev"])(a, b)
    onp.testing.assert_allclose(f(a, b), scipy_special.logsumexp(a, axis=axis, b=b, keepdims=keepdims))
    g, expected = elementwise_grad(f)(a, b), b * onp.exp(a - scipy_special.logsumexp(a, axis=axis, b=b, keepdims=True))
    onp.testing.assert_allclose(g, expected)


def test_logsumexp_of_signed_factors():
    a, b = onp.array([1.0, 800.0, 0.2]), onp.array([1.0, 0.0, -3.0])
    y, sign = special.logsumexp(a, b=b, return_sign=True)
    total = onp.e - 3 * onp.exp(0.2)
    assert sign == -1 and y == pytest.approx(onp.log(-total))
    g = grad(lambda a: special.logsumexp(a, b=b, return_sign=True)[0])(a)
    onp.testing.assert_allclose(g, [onp.e / total, 0, -3 * onp.exp(0.2) / total])


def test_shape_parameters_of_the_incomplete_functions_need_no_differences():
    assert grad(special.gammainc)(2.0, 1.5) == pytest.approx(
        -(scipy_special.exp1(1.5) + onp.exp(-1.5) * (onp.log(1.5) + onp.euler_gamma))
        - (1.5 * onp.exp(-1.5) * (onp.log(1.5) - scipy_special.psi(2.0))),
        rel=1e-13,
    )
    h = hessian(lambda p: special.betainc(p[0], p[1], p[2]))(onp.array([1.2, 2.3, 0.4]))
    onp.testing.assert_allclose(h, h.T, rtol=1e-13)


def test_float32_stays_float32():
    x = onp.array([0.7, 1.3], onp.float32)
    for f in (special.gammaln, lambda x: special.gammainc(x, onp.float32(2)), special.erf, special.logsumexp):
        assert elementwise_grad(f)(x).dtype == onp.float32


def test_sign_of_gamma_is_a_constant():
    with pytest.warns(UserWarning, match="independent"):
        assert grad(special.gammasgn)(-1.5) == 0


def test_every_name_of_scipy_is_there():
    missing = [name for name in scipy_special.__all__ if not hasattr(special, name)]
    assert not missing
    assert special.digamma is special.psi
    assert set(scipy_special.__all__) <= set(dir(special))
    with pytest.raises(AttributeError):
        special.no_such_function  # noqa: B018


@pytest.mark.skipif(not hasattr(scipy_special, "legendre_p"), reason="SciPy has no groups of ufuncs yet")
def test_groups_of_ufuncs_return_values_and_have_no_gradient():
    onp.testing.assert_array_equal(special.legendre_p(2, X), scipy_special.legendre_p(2, X))
    assert special.legendre_p.__name__ == "legendre_p"
    assert special.legendre_p.__doc__ == scipy_special.legendre_p.__doc__
    with pytest.raises(NotImplementedError, match=r"^VJP of legendre_p wrt argnums \(1,\) not defined"):
        grad(lambda x: np.sum(special.legendre_p(2, x)))(X)


@pytest.mark.parametrize(
    ("f", "match"),
    [
        (lambda x: special.lpmv(1, 2, x), "VJP of lpmv wrt argnums"),
        (lambda x: special.mathieu_a(1, x), "VJP of mathieu_a wrt argnums"),
        (lambda x: special.jv(x, 2.0), "jv has no gradient with respect to the order"),
        (lambda x: special.zeta(x, 2.0), "zeta has no gradient with respect to x"),
        (lambda x: special.hyp2f1(x, 1.0, 2.0, 0.3), "hyp2f1 has no gradient with respect to a"),
        (lambda x: special.comb(x, 2.0, exact=True), "comb with exact=True"),
        (lambda x: special.factorial(x, extend="complex"), "extend"),
    ],
)
def test_what_has_no_derivative_is_refused(f, match):
    with pytest.raises(fg.NotDifferentiableError, match=match):
        grad(f)(1.5)


def test_users_define_derivatives_of_functions_that_have_none():
    @primitive
    def legendre(x):
        return scipy_special.lpmv(0, 2, x)

    defvjp(legendre, lambda ans, x: lambda g: g * 3 * x)
    check_grads(legendre, modes=["rev"], order=1)(0.5)


def test_elliptic_integrals_near_a_parameter_of_zero():
    m = onp.array([-1e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.0999999, 0.1000001])
    for f, slope, curvature in ((special.ellipk, 1 / 8, 9 / 64), (special.ellipe, -1 / 8, -3 / 64)):
        g = elementwise_grad(f)(m)
        onp.testing.assert_allclose(g[2], onp.pi * slope, rtol=1e-15)
        onp.testing.assert_allclose(jacobian(elementwise_grad(f))(m)[2, 2], onp.pi * curvature, rtol=1e-14)
        assert onp.all(onp.diff(g) * onp.sign(slope) > 0)
        onp.testing.assert_allclose(g[5], g[6], rtol=1e-6)
    phi = onp.full(3, 0.8)
    exact = phi / 4 - onp.sin(2 * phi) / 8  # at m = 0
    onp.testing.assert_allclose(
        elementwise_grad(special.ellipkinc, 1)(phi, onp.array([-1e-14, 0.0, 1e-14])), exact, rtol=1e-12
    )


WITHOUT_SCIPY = """
    import sys
    class Hidden:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "scipy":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    sys.meta_path.insert(0, Hidden())
    import fastgrad.autograd
    from fastgrad.autograd.scipy import special
    try:
        special.gammaln
    except ImportError as error:
        print(error)
"""


def test_without_scipy_the_first_function_names_the_extra():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WITHOUT_SCIPY)], capture_output=True, text=True, check=True
    )
    assert "pip install fastgrad[scipy]" in done.stdout
