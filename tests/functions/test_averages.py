"""average, cov, corrcoef and ptp."""

import numpy as np
import pytest

import fastgrad as fg
from tests.functions.against_numpy import compare, compare_errors, compare_values, table_test

rng = np.random.default_rng(1)
V, M, A = (rng.normal(size=shape) for shape in ((4,), (3, 4), (2, 3, 4)))
W = rng.uniform(0.5, 2, 4)
Z = M + 1j * rng.normal(size=(3, 4))

CALLS = [
    ("average", (V,), {}), ("average", (A, (0, 2)), {}), ("average", (M, 1), {"keepdims": True}),
    ("average", (M, None, M * M), {}), ("average", (M, 1, W), {}), ("average", (M, -1, W, True), {}),
    ("average", (M,), {"returned": True}), ("average", (A, (2, 0), rng.uniform(1, 2, (4, 2))), {"returned": True}),
    ("average", (np.arange(4), 0, np.arange(4)), {}), ("average", (V.astype(np.float32), 0, W), {}),
    ("average", (Z, 1, W), {"keepdims": True}), ("average", (M[:0], 1, M[:0]), {}),
    ("cov", (M,), {}), ("cov", (V,), {}), ("cov", (M, V), {}), ("cov", (M.T, M.T[:, :1]), {"rowvar": False}),
    ("cov", (Z,), {}), ("cov", (M,), {"bias": True}),
    ("cov", (M,), {"ddof": 2}), ("cov", (M,), {"aweights": W}), ("cov", (M, None, True, False, 0), {"aweights": W}),
    ("cov", (M,), {"fweights": [1, 2, 0, 1]}), ("cov", (M,), {"fweights": [1, 2, 0, 1], "aweights": W, "bias": True}),
    ("cov", (M.astype(np.float32),), {}),
    ("corrcoef", (M,), {}), ("corrcoef", (V,), {}), ("corrcoef", (M, V), {}), ("corrcoef", (M.T,), {"rowvar": False}),
    ("corrcoef", (Z,), {}), ("ptp", (A,), {}), ("ptp", (A, 1), {}), ("ptp", (A,), {"axis": (0, -1), "keepdims": True}),
    ("ptp", (M[:0], 1), {}), ("ptp", (np.arange(4),), {}),


]  # fmt: skip


# Without elements, or in single precision.
CONSTANT = [
    ("cov", (M,), {"dtype": np.float32}),
    ("cov", (M[:0],), {}),
]


test_values_and_gradients = table_test(compare, CALLS)
test_values_alone = table_test(compare_values, CONSTANT)


test_errors_are_numpys = table_test(compare_errors, [
    ("average", (M, 1, W - W), {}), ("average", (M, None, W), {}), ("average", (M, 0, W), {}), ("average", (M, 2), {}),
    ("average", (A, (0, 0)), {}), ("cov", (A,), {}), ("cov", (M,), {"ddof": 0.5}), ("cov", (M, V[:3]), {}),
    ("cov", (M,), {"aweights": W - 1}), ("cov", (M,), {"fweights": W}), ("cov", (M,), {"fweights": [1, 2, 3, -4]}),
    ("ptp", (M, 2), {}), ("ptp", (M[:0], 0), {}),
])  # fmt: skip


@pytest.mark.parametrize("weights", [{"aweights": W[:2]}, {"fweights": [[1, 2, 0, 1]]}])
def test_a_wrong_number_of_weights(weights):
    with pytest.raises(RuntimeError):
        np.cov(M, **weights)
    with pytest.raises(fg.errors.WeightsError):
        fg.cov(fg.tensor(M), **weights)


def test_the_gradient_flows_to_the_weights():
    fg.testing.check_grads(lambda x, w: fg.cov(x, aweights=w), (M, W))
    fg.testing.check_grads(lambda x, w: fg.average(x, 1, w, returned=True)[1], (M, W))
    assert fg.grad(lambda w: np.average(M, axis=1, weights=w).sum())(W).shape == (4,)


@pytest.mark.filterwarnings("ignore:Degrees of freedom:RuntimeWarning")
def test_covariances_without_degrees_of_freedom():
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(fg.cov(M, ddof=4).numpy(), np.cov(M, ddof=4))


def test_the_range_of_ties_shares_the_gradient():
    x = fg.tensor([1.0, 3.0, 3.0, 1.0], requires_grad=True)
    assert fg.gradients(fg.ptp(x), x)[0].tolist() == [-0.5, 0.5, 0.5, -0.5]
