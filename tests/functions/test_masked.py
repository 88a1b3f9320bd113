"""Reductions with `where=`, `initial=` and `mean=`."""

import numpy as np
import pytest

import fastgrad as fg
from tests.functions.against_numpy import compare, compare_errors, compare_values, table_test

rng = np.random.default_rng(7)
M, A = rng.normal(size=(3, 4)), rng.normal(size=(2, 3, 4))
Z = M + 1j * rng.normal(size=(3, 4))
MASK = np.array([[True, False, True, True], [True, True, False, True], [False, True, True, True]])
NAN = np.where(rng.uniform(size=(3, 4)) < 0.2, np.nan, M)
ROW = np.array([True, False, True, True])

CALLS = [
    ("sum", (M,), {"where": MASK}), ("sum", (A, 0), {"where": MASK, "initial": 2.5}), ("sum", (M,), {"initial": 3}),
    ("sum", (M,), {"where": ROW, "axis": 1, "keepdims": True}), ("sum", (np.arange(4),), {"where": ROW}),
    ("sum", (M[:0],), {"where": MASK[:0], "axis": 0}), ("sum", (M,), {"where": MASK, "dtype": np.complex128}),
    ("sum", (M.astype(np.float32),), {"where": MASK, "initial": 0.1}), ("sum", (Z, 1), {"where": MASK}),
    ("prod", (M,), {"where": MASK}), ("prod", (M, 1), {"where": MASK, "initial": 2.0}),
    ("prod", (M,), {"initial": 2.0}),
    ("max", (M,), {"where": MASK, "initial": -9.0}), ("max", (M, 1), {"initial": 0.1}),
    ("min", (M, 0), {"initial": 0.1}),
    ("min", (M, 0), {"where": MASK, "initial": 0.25, "keepdims": True}),
    ("max", (M, (0, 1)), {"where": ROW, "initial": 0}),
    ("max", (np.arange(4),), {"initial": 9}),
    ("mean", (M,), {"where": MASK}), ("mean", (A, (0, 2)), {"where": ROW, "keepdims": True}),
    ("mean", (Z, 0), {"where": MASK}),
    ("mean", (np.arange(4),), {"where": ROW}), ("mean", (M.astype(np.float32), 1), {"where": MASK}),
    ("var", (M,), {"where": MASK}), ("var", (A, 2), {"where": MASK, "ddof": 1}), ("var", (Z, 1), {"where": MASK}),
    ("var", (M, 1), {"mean": M.mean(axis=1, keepdims=True)}), ("std", (M,), {"where": MASK}),
    ("std", (np.arange(4),), {"where": ROW}),
    ("std", (M, 1), {"where": MASK, "keepdims": True, "correction": 1}),
    ("std", (M, 0), {"mean": np.full((1, 4), 0.5)}),
    ("nansum", (M, 0), {"where": MASK}), ("nanprod", (M,), {"where": MASK, "initial": 0.5}),
    ("nanmean", (M, 1), {"where": MASK}),
    ("nanmax", (M, 1), {"where": MASK, "initial": -9.0}), ("nanmin", (M, 0), {"initial": 0.1}),
    ("nanvar", (M, 1), {"where": MASK}),
    ("nanstd", (M,), {"where": MASK, "ddof": 1}),
]  # fmt: skip


test_values_and_gradients = table_test(compare, CALLS)


@pytest.mark.parametrize(("name", "params"), [
    ("nansum", {"where": MASK, "axis": 1}), ("nanprod", {"where": ROW}), ("nanmean", {"where": MASK, "axis": 0}),
    ("nanvar", {"where": MASK, "axis": 1}), ("nanstd", {"where": MASK}), ("nanmax", {"where": MASK, "initial": -9.0}),
    ("nanmin", {"initial": 0.0, "axis": 1}),
])  # fmt: skip
def test_missing_and_masked_elements(name, params):
    compare_values(name, (NAN,), params)
    x = fg.tensor(NAN, requires_grad=True)
    (g,) = fg.gradients(getattr(fg, name)(x, **params).sum(), x)
    left_out = np.isnan(NAN) | ~np.broadcast_to(params.get("where", True), NAN.shape)
    assert (g.numpy()[left_out] == 0).all() and np.isfinite(g.numpy()).all() and g.numpy().any()


def test_methods_and_second_names():
    x = fg.tensor(M, requires_grad=True)
    for name in ("sum", "prod", "max", "min", "mean", "var", "std"):
        params = {"where": MASK} if name in ("mean", "var", "std") else {"where": MASK, "initial": 0.5}
        y = getattr(x, name)(1, **params)
        assert y.requires_grad and y.tolist() == pytest.approx(getattr(M, name)(1, **params).tolist(), rel=1e-14)
    assert np.amax(x, 1, initial=0.5).tolist() == np.amax(M, 1, initial=0.5).tolist()
    assert np.maximum.reduce(x, axis=0, initial=0.5).requires_grad


def test_reductions_of_no_elements_start_from_initial():
    for name in ("max", "min", "nanmax"):
        compare_values(name, (M[:0], 0), {"initial": 2.0})
        compare_values(name, (M[:, :0], 1), {"initial": 2.0, "keepdims": True})
    for name in ("mean", "var"):
        with pytest.warns(RuntimeWarning):
            wanted = getattr(np, name)(M, axis=1, where=np.zeros((3, 4), bool))
        np.testing.assert_array_equal(getattr(fg, name)(M, axis=1, where=np.zeros((3, 4), bool)).numpy(), wanted)


def test_the_gradient_flows_to_initial_and_to_the_mean():
    for name in ("sum", "prod", "max"):
        fg.testing.check_grads(lambda x, s: getattr(fg, name)(x, initial=s), (M, np.array(0.7)))  # noqa: B023
    fg.testing.check_grads(lambda x, m: fg.var(x, axis=1, mean=m), (M, M[:, :1]))
    assert fg.grad(lambda s: np.add.reduce(s * M, axis=0, where=ROW).sum())(1.0) == pytest.approx(M[:, ROW].sum())


def test_equal_elements_have_no_slope_in_a_masked_deviation():
    x = fg.tensor([[2.0, 2.0, 5.0]], requires_grad=True)
    y = fg.std(x, axis=1, where=np.array([True, True, False]))
    assert fg.gradients(y.sum(), x)[0].tolist() == [[0, 0, 0]]


test_errors_are_numpys = table_test(compare_errors, [
    ("max", (M,), {"where": MASK}), ("nanmin", (M,), {"where": MASK}), ("sum", (M,), {"where": MASK[:, :3]}),
    ("sum", (M,), {"where": MASK.astype(int)}), ("mean", (M, 2), {"where": MASK}),
    ("std", (M,), {"where": MASK, "axis": 2}),
    ("max", (M,), {"initial": [1.0, 2.0]}), ("sum", (M[0],), {"where": MASK}),
])  # fmt: skip
