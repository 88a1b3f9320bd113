"""`autograd.scipy.stats`: SciPy's values, also in the tails, and derivatives in all parameters."""

import pickle

import numpy as onp
import pytest

import fastgrad as fg
import fastgrad.autograd.numpy as np
from fastgrad.autograd import elementwise_grad, grad
from fastgrad.autograd.test_util import check_grads
from fastgrad.autograd.tracer import Node, trace

scipy_stats = pytest.importorskip("scipy.stats", reason="SciPy is not there")
from fastgrad.autograd.scipy import stats  # noqa: E402  after the skip

CONTINUOUS = {
    "norm": (), "halfnorm": (), "lognorm": (0.7,), "powernorm": (1.7,), "powerlognorm": (1.4, 0.6), "skewnorm": (-1.3,),
    "truncnorm": (-0.7, 1.9),
    "exponnorm": (1.5,), "johnsonsu": (0.4, 1.3), "johnsonsb": (0.4, 1.3), "fatiguelife": (0.8,), "invgauss": (1.2,),
    "wald": (), "levy": (), "moyal": (), "uniform": (), "expon": (), "rayleigh": (), "weibull_min": (1.6,),
    "weibull_max": (1.6,), "exponweib": (1.4, 0.8), "exponpow": (1.3,), "gompertz": (0.8,), "gumbel_r": (),
    "gumbel_l": (), "invweibull": (2.1,), "logistic": (), "genlogistic": (0.7,), "halflogistic": (), "hypsecant": (),
    "fisk": (2.3,), "burr": (2.3, 0.8), "burr12": (2.3, 0.8), "pareto": (2.6,), "lomax": (1.9,), "powerlaw": (1.7,),
    "loguniform": (0.5, 3.0), "laplace": (), "cauchy": (), "halfcauchy": (), "gamma": (2.3,), "chi2": (3.4,),
    "chi": (2.6,), "maxwell": (), "nakagami": (1.3,), "invgamma": (2.2,), "loggamma": (1.7,), "gengamma": (1.5, 1.2),
    "beta": (1.8, 2.6), "betaprime": (1.8, 2.6), "f": (3.2, 5.1), "t": (3.7,), "vonmises": (1.9,),
}  # fmt: skip
DISCRETE = {
    "poisson": (2.3,), "binom": (7, 0.3), "bernoulli": (0.3,), "geom": (0.4,), "nbinom": (2.6, 0.4),
    "betabinom": (7, 1.4, 2.2), "planck": (0.6,), "logser": (0.6,),
}  # fmt: skip
DENSITIES = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf")
METHODS = [
    pytest.param(name, method, id=f"{name}.{method}")
    for name in CONTINUOUS
    for method in DENSITIES
    if method in getattr(stats, name)._formulas
]
QUANTILES = [
    pytest.param(name, method, id=f"{name}.{method}")
    for name in CONTINUOUS
    for method in ("ppf", "isf")
    if method in getattr(stats, name)._formulas
]
# SciPy's values are those of a formula that cancels in one tail; of truncnorm, both are.
INACCURATE = {
    "truncnorm.logcdf", "truncnorm.logsf",
    "levy.logsf", "moyal.logsf", "fisk.logsf", "burr.logsf", "burr12.logcdf", "pareto.logcdf", "loguniform.logsf",
    "powernorm.ppf", "powerlognorm.ppf", "moyal.isf", "genlogistic.isf",
}  # fmt: skip
PROBABILITIES = onp.array([1e-12, 1e-5, 0.01, 0.2, 0.45, 0.7, 0.97, 0.9999])


def values(function, x, *args):
    return fg.vjp(lambda x: function(x, *args), fg.tensor(x, requires_grad=True))[0].detach().numpy()


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_values_are_those_of_scipy(name, method):
    shapes = CONTINUOUS[name]
    reference = getattr(scipy_stats, name)
    accurate = f"{name}.{method}" not in INACCURATE
    x = reference.ppf(PROBABILITIES if accurate else PROBABILITIES[2:-1], *shapes, loc=0.3, scale=1.4)
    x = onp.concatenate([x, reference.isf([1e-9, 1e-14] if accurate else [], *shapes, loc=0.3, scale=1.4)])
    x = x[onp.isfinite(x)]
    want = getattr(reference, method)(x, *shapes, loc=0.3, scale=1.4)
    got = values(getattr(getattr(stats, name), method), x, *shapes, 0.3, 1.4)
    at = onp.isfinite(want)
    assert at.any()
    onp.testing.assert_allclose(got[at], want[at], rtol=1e-11, atol=1e-13 if method == "sf" else 1e-15)


@pytest.mark.parametrize(("name", "method"), QUANTILES)
def test_quantiles_are_those_of_scipy(name, method):
    shapes = CONTINUOUS[name]
    q = onp.concatenate([PROBABILITIES[2 * (f"{name}.{method}" in INACCURATE) :], [0, 1]])
    want = getattr(getattr(scipy_stats, name), method)(q, *shapes, loc=0.3, scale=1.4)
    got = values(getattr(getattr(stats, name), method), q, *shapes, 0.3, 1.4)
    onp.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
    assert onp.isnan(values(getattr(getattr(stats, name), method), onp.array([-0.1, 1.1]), *shapes)).all()


@pytest.mark.parametrize(
    "name", sorted({name for name, method in (which.split(".") for which in INACCURATE) if name != "truncnorm"})
)
@pytest.mark.parametrize(("quantile", "log"), [("ppf", "logcdf"), ("isf", "logsf")])
def test_quantiles_in_the_far_tails_invert_where_scipy_is_inaccurate(name, quantile, log):
    q = onp.array([1e-9, 1e-5])
    x = values(getattr(getattr(stats, name), quantile), q, *CONTINUOUS[name])
    onp.testing.assert_allclose(values(getattr(getattr(stats, name), log), x, *CONTINUOUS[name]), onp.log(q), rtol=1e-7)


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_derivatives_in_both_modes_twice(name, method):
    shapes = CONTINUOUS[name]
    x = getattr(scipy_stats, name).ppf(onp.array([0.2, 0.55, 0.9]), *shapes, loc=0.3, scale=1.4)
    check_grads(getattr(getattr(stats, name), method), modes=["fwd", "rev"], order=2)(x, *shapes, 0.3, 1.4)


@pytest.mark.parametrize(("name", "method"), QUANTILES)
def test_derivatives_of_quantiles(name, method):
    q = onp.array([0.2, 0.55, 0.9])
    check_grads(getattr(getattr(stats, name), method), modes=["fwd", "rev"], order=1)(q, *CONTINUOUS[name], 0.3, 1.4)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_outside_of_the_support_values_are_scipys_and_gradients_zero(name):
    shapes, distribution = CONTINUOUS[name], getattr(stats, name)
    low, high = getattr(scipy_stats, name).support(*shapes)
    outside = onp.array([x for x in (low - 0.5, high + 0.5) if onp.isfinite(x)])
    for method in DENSITIES:
        if method in distribution._formulas and outside.size and name != "vonmises":
            function = getattr(distribution, method)
            onp.testing.assert_array_equal(
                values(function, outside, *shapes), getattr(getattr(scipy_stats, name), method)(outside, *shapes)
            )
            onp.testing.assert_array_equal(elementwise_grad(function)(outside, *shapes), onp.zeros_like(outside))
            for k in range(len(shapes)):
                assert elementwise_grad(lambda s, k=k, f=function: np.sum(f(outside, *shapes[:k], s, *shapes[k + 1:])))(
                    shapes[k]
                ) == 0  # fmt: skip


@pytest.mark.parametrize("name", CONTINUOUS)
def test_at_the_ends_of_the_support_values_are_scipys(name):
    ends = onp.array([end for end in getattr(scipy_stats, name).support(*CONTINUOUS[name]) if onp.isfinite(end)], float)
    for method in ("pdf", "cdf", "sf"):
        if method in getattr(stats, name)._formulas:
            with onp.errstate(all="ignore"):
                want = getattr(getattr(scipy_stats, name), method)(ends, *CONTINUOUS[name])
            got = values(getattr(getattr(stats, name), method), ends, *CONTINUOUS[name])
            known = ~onp.isnan(want)  # SciPy has NaN where infinite terms cancel
            onp.testing.assert_allclose(got[known], want[known], rtol=1e-12, err_msg=method)


def test_negative_exponents_of_gengamma_are_an_error():
    with pytest.raises(NotImplementedError, match="positive c"):
        grad(stats.gengamma.logpdf)(1.0, 2.0, -1.5)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_invalid_parameters_give_nan_as_with_scipy(name):
    x = onp.array([0.4, 0.6])
    assert onp.isnan(values(getattr(stats, name).logpdf, x, *CONTINUOUS[name], 0.0, -1.0)).all()


@pytest.mark.parametrize("name", DISCRETE)
def test_counts(name):
    shapes, k = DISCRETE[name], onp.array([-1.0, 0, 1, 2, 2.5, 5, 9])
    distribution, reference = getattr(stats, name), getattr(scipy_stats, name)
    real = [j for j, word in enumerate(distribution._shapes) if word not in distribution._counts]
    for method in ("pmf", "logpmf", "cdf", "sf", "logcdf", "logsf"):
        if method not in distribution._formulas:
            continue
        function = getattr(distribution, method)

        def of_shapes(*given, function=function):
            args = list(shapes)
            for j, value in zip(real, given, strict=True):
                args[j] = value
            return function(k, *args)

        got = values(lambda p, of=of_shapes: of(p, *[shapes[j] for j in real[1:]]), shapes[real[0]])
        onp.testing.assert_allclose(got, getattr(reference, method)(k, *shapes), rtol=1e-11, atol=1e-15)
        finite = onp.isfinite(got)
        check_grads(lambda *p, of=of_shapes, at=finite: of(*p)[at], modes=["fwd", "rev"], order=2)(
            *[float(shapes[j]) for j in real]
        )


def test_counts_have_no_derivative():
    with pytest.raises(NotImplementedError, match="count"):
        grad(stats.poisson.logpmf)(2.0, 1.5)
    with pytest.raises(NotImplementedError, match="count"):
        grad(lambda n: stats.binom.logpmf(2.0, n, 0.5))(4.0)


def test_logarithms_in_the_far_tails_of_the_normal_distribution():
    x = onp.array([-1e5, -200.0, -40.0, 0.0, 40.0])
    onp.testing.assert_allclose(values(stats.norm.logcdf, x), scipy_stats.norm.logcdf(x), rtol=1e-14)
    onp.testing.assert_allclose(elementwise_grad(stats.norm.logcdf)(x)[:3], -x[:3] - 1 / x[:3], rtol=2e-6)
    onp.testing.assert_allclose(elementwise_grad(stats.norm.logsf)(-x)[:3], x[:3] + 1 / x[:3], rtol=2e-6)


def test_without_boxes_the_functions_are_scipys():
    x = onp.linspace(-1, 3, 5)
    onp.testing.assert_array_equal(stats.gamma.logpdf(x, 2.0, scale=3), scipy_stats.gamma.logpdf(x, 2.0, scale=3))
    assert stats.norm.mean(2.0, 3.0) == 2.0
    assert stats.norm.rvs(size=3, random_state=0).shape == (3,)
    assert stats.zscore([1.0, 2.0]).shape == (2,)


def test_a_distribution_is_a_module_and_can_be_frozen_and_pickled():
    import fastgrad.autograd.scipy.stats.norm as norm

    assert norm is stats.norm
    assert pickle.loads(pickle.dumps(norm)) is norm
    assert grad(lambda m: stats.norm(m, scale=2.0).logpdf(1.0))(0.5) == pytest.approx(0.125)
    assert stats.norm(1.0).rvs(size=2, random_state=0).shape == (2,)


def test_truncation_far_in_one_tail():
    x = onp.array([12.1, 13.0])
    for a, b in ((12.0, 14.0), (12.0, onp.inf)):
        onp.testing.assert_allclose(values(stats.truncnorm.logpdf, x, a, b), scipy_stats.truncnorm.logpdf(x, a, b))
        check_grads(lambda x, a, b=b: stats.truncnorm.logpdf(x, a, b), modes=["fwd", "rev"], order=2)(x, a)
        check_grads(lambda x, b, a=a: stats.truncnorm.logsf(-x, -b, -a), modes=["fwd", "rev"], order=1)(x, 14.5)


def test_lists_of_boxes_are_arrays():
    onp.testing.assert_allclose(
        grad(lambda x: np.sum(stats.norm.logpdf([x[0], 2.0, x[1]], [0.0, 1.0, 2.0])))(onp.array([1.0, 3.0])), [-1, -1]
    )


class CountingNode(Node):
    """A node of a user, who traces the primitives that a function calls."""

    called = ()

    def __init__(self, value, fun, args, kwargs, parent_argnums, parents):
        CountingNode.called += (fun.__name__,)

    def initialize_root(self):
        CountingNode.called = ()


def test_nodes_of_users_see_one_call():
    trace(CountingNode.new_root(), lambda x: stats.norm.logpdf(x, 0.0, 2.0) * 2, 1.0)
    assert CountingNode.called == ("logpdf", "multiply")


def test_wrong_calls_are_errors():
    with pytest.raises(TypeError, match="unexpected keyword argument 'scal'"):
        grad(stats.norm.pdf)(1.0, scal=2)
    with pytest.raises(TypeError, match="missing arguments: df"):
        grad(stats.t.pdf)(1.0)
    with pytest.raises(NotImplementedError):
        grad(lambda m: stats.norm.mean(m))(1.0)


# --- vectors ---


def _regular(a):
    return a @ a.T + onp.eye(len(a))


@pytest.mark.parametrize("method", ["pdf", "logpdf"])
@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_multivariate_normal(method, shape):
    rng = onp.random.default_rng(0)
    x, mean, root = rng.normal(size=shape), rng.normal(size=3), rng.normal(size=(3, 3))
    function = getattr(stats.multivariate_normal, method)
    want = getattr(scipy_stats.multivariate_normal, method)(x, mean, _regular(root))
    onp.testing.assert_allclose(values(function, x, mean, _regular(root)), want, rtol=1e-12)
    check_grads(lambda x, mean, root: function(x, mean, np.dot(root, root.T) + onp.eye(3)), order=2)(x, mean, root)


def test_multivariate_normal_of_numbers_and_vectors():
    for x, mean, cov in (
        (0.3, 0.1, 2.0), (onp.ones(4), None, 2.0), (onp.ones((2, 3)), onp.zeros(3), onp.array([1.0, 2, 3])),
        (onp.ones((2, 3)), None, onp.eye(3) * 2), (onp.ones((2, 3)), onp.zeros(3), 3.0),
    ):  # fmt: skip
        want = scipy_stats.multivariate_normal.logpdf(x, mean, cov)
        onp.testing.assert_allclose(values(stats.multivariate_normal.logpdf, onp.asarray(x), mean, cov), want)


def test_multivariate_normal_with_a_singular_covariance():
    cov, x = onp.diag([1.0, 2.0, 0.0]), onp.array([[0.3, 0.4, 0.0], [0.3, 0.4, 1.0]])
    function = stats.multivariate_normal.logpdf
    want = scipy_stats.multivariate_normal.logpdf(x, onp.zeros(3), cov, allow_singular=True)
    onp.testing.assert_allclose(values(lambda x: function(x, onp.zeros(3), cov, allow_singular=True), x), want)
    with pytest.raises(NotImplementedError, match="singular"):
        grad(lambda cov: function(x[0], onp.zeros(3), cov, True))(cov)


def test_entropy_of_the_multivariate_normal():
    root = onp.random.default_rng(1).normal(size=(3, 3))
    entropy = stats.multivariate_normal.entropy
    want = scipy_stats.multivariate_normal.entropy(onp.zeros(3), _regular(root))
    onp.testing.assert_allclose(values(lambda c: entropy(onp.zeros(3), c), _regular(root)), want)
    check_grads(lambda root: entropy(onp.zeros(3), np.dot(root, root.T) + onp.eye(3)), order=2)(root)


def test_dirichlet():
    alpha, z = onp.array([1.4, 2.2, 0.8]), onp.array([0.5, 0.2, 0.3])
    onp.testing.assert_allclose(values(stats.dirichlet.logpdf, z, alpha), scipy_stats.dirichlet.logpdf(z, alpha))
    onp.testing.assert_allclose(values(stats.dirichlet.pdf, z[:2], alpha), scipy_stats.dirichlet.pdf(z, alpha))
    check_grads(lambda z, a: stats.dirichlet.logpdf(z / np.sum(z), a), order=2)(z, alpha)
    check_grads(lambda z, a: stats.dirichlet.pdf(z, a), order=2)(z[:2], alpha)
    with pytest.raises(ValueError, match="simplex"):
        grad(stats.dirichlet.logpdf)(onp.array([0.5, 0.2, 0.5]), alpha)
