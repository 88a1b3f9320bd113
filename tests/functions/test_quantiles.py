"""Quantiles, medians and partial sorting: every method of NumPy, ties, weights, NaN."""

import numpy as np
import pytest

import fastgrad as fg
from tests.functions.against_numpy import compare_errors, compare_gradients, compare_values

rng = np.random.default_rng(6)
V, M = (rng.permutation(np.prod(shape)).reshape(shape) + rng.uniform(0, 0.3, shape) for shape in ((7,), (5, 4)))
NAN = np.where(rng.uniform(size=(5, 4)) < 0.3, np.nan, M)
METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
    "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip
WEIGHTS = np.array([1.0, 0.0, 2.0, 0.5, 1.0])
COUNTS = np.array([1, 2, 1, 0, 1, 2, 3])

CALLS = [
    ("quantile", (M, 0.3), {}), ("quantile", (M, np.array([0.1, 0.77])), {"axis": 0}), ("quantile", (M, [0, 1], 1), {}),
    ("quantile", (M.astype(np.float32), 0.3), {}), ("quantile", (np.arange(5), 0.3), {}), ("percentile", (M, 30), {}),
    ("percentile", (M, [12.5, 71.0], 0), {"keepdims": True}), ("nanquantile", (NAN, 0.3, 0), {}), ("median", (M,), {}),
    ("median", (M, 0), {"overwrite_input": True}), ("median", (M.T, (0, 1)), {"keepdims": True}),
    ("median", (NAN, 0), {}),
    ("quantile", (0.5, np.array([0.2, 0.7])), {}), ("nanmedian", (NAN, 1), {}),
    ("nanpercentile", (NAN, [30, 60]), {}), ("partition", (V, 3), {}), ("partition", (M, [1, 2], 0), {}),
    ("partition", (M, 5), {"axis": None}), ("quantile", (M, 0.4, 0), {"weights": WEIGHTS, "method": "inverted_cdf"}),
    ("percentile", (V, [20, 80]), {"weights": COUNTS, "method": "inverted_cdf"}),
    ("nanquantile", (V, 0.4), {"weights": COUNTS, "method": "inverted_cdf"}), ("median", (M[:0], 1), {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "params"), CALLS)
def test_values_are_numpys(name, args, params):
    compare_values(name, args, params)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("q", [0.0, 0.13, 0.5, 0.93, 1.0])
def test_gradients_of_every_method(method, q):
    compare_gradients("quantile", (V, q), {"method": method})
    compare_gradients("quantile", (M, q), {"method": method, "axis": 0})
    if q == 0.13:
        compare_gradients("percentile", (M, np.array([13.0, 44.0])), {"method": method, "axis": 1, "keepdims": True})


@pytest.mark.parametrize(("name", "args", "params"), [
    ("median", (M, (0, 1)), {}), ("median", (M, 1), {"keepdims": True}), ("partition", (M, 2), {}),
    ("quantile", (M, 0.4, 0), {"weights": WEIGHTS, "method": "inverted_cdf"}),
    ("percentile", (V, [20, 80]), {"weights": COUNTS, "method": "inverted_cdf"}),
])  # fmt: skip
def test_gradients(name, args, params):
    compare_gradients(name, args, params)


def test_quantiles_of_a_number_do_not_depend_on_their_place():
    for params in {}, {"method": "hazen"}:
        q = fg.tensor([0.2, 0.7], requires_grad=True)
        fg.quantile(0.5, q, **params).sum().backward()
        assert q.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "args"), [("nanmedian", (0,)), ("nanquantile", (0.35, 0)), ("nanpercentile", (35, 1))]
)
def test_missing_elements_get_no_gradient(name, args):
    x = fg.tensor(NAN, requires_grad=True)
    (g,) = fg.gradients(getattr(fg, name)(x, *args).sum(), x)
    assert (g.numpy()[np.isnan(NAN)] == 0).all()
    h = 1e-6
    for place in zip(*np.nonzero(~np.isnan(NAN)), strict=True):
        up, down = NAN.copy(), NAN.copy()
        up[place] += h
        down[place] -= h
        difference = np.sum(getattr(np, name)(up, *args)) - np.sum(getattr(np, name)(down, *args))
        assert g.numpy()[place] == pytest.approx(difference / (2 * h), abs=1e-7)


def test_ties_share_the_gradient_equally():
    x = fg.tensor([3.0, 1.0, 3.0, 2.0, 3.0], requires_grad=True)
    for y, wanted in (
        (fg.median(x), [1 / 3, 0, 1 / 3, 0, 1 / 3]), (fg.quantile(x, 1.0), [1 / 3, 0, 1 / 3, 0, 1 / 3]),
        (fg.quantile(x, 0.375), [1 / 6, 0, 1 / 6, 0.5, 1 / 6]), (fg.nanmedian(x), [1 / 3, 0, 1 / 3, 0, 1 / 3]),
        (fg.quantile(x, 0.9, method="inverted_cdf", weights=np.ones(5)), [1 / 3, 0, 1 / 3, 0, 1 / 3]),
    ):  # fmt: skip
        np.testing.assert_allclose(fg.gradients(y, x)[0].numpy(), wanted, rtol=1e-15)
    x = fg.tensor([[1.0, 1.0], [1.0, 2.0]], requires_grad=True)
    assert fg.gradients(fg.median(x, axis=1).sum(), x)[0].tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_the_mixed_derivative_of_elements_and_quantile():
    fg.testing.check_grads(lambda x, q: fg.quantile(x, q) ** 2, (V, np.array(0.4)))
    fg.testing.check_grads(lambda x, q: fg.percentile(x, q, 0), (M, np.array([30.0, 60.0])))


@pytest.mark.parametrize(("name", "args", "params"), [
    ("quantile", (M, 1.5), {}), ("quantile", (M, 0.5, 2), {}), ("quantile", (M, 0.5), {"method": "best"}),
    ("quantile", (M + 1j, 0.5), {}), ("percentile", (M, -1), {}), ("median", (M, 2), {}), ("partition", (V, 9), {}),
    ("quantile", (M, 0.5, 0), {"weights": WEIGHTS}), ("partition", (V, 1), {"kind": "other"}),
    ("partition", (V, 1.5), {}),
    ("quantile", (M, 0.5, 0), {"weights": WEIGHTS[:2], "method": "inverted_cdf"}),
])  # fmt: skip
def test_errors_are_numpys(name, args, params):
    compare_errors(name, args, params)


def test_pytorchs_keyword_selects_pytorchs_median():
    values, indices = fg.median(fg.tensor([[1.0, 2.0, 3.0, 4.0]]), dim=1)
    assert values.tolist() == [2] and indices.tolist() == [1] and fg.median([1.0, 2.0, 3.0, 4.0]).item() == 2.5
