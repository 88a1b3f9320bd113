"""Einstein sums and tensor products as matrix products: as NumPy's, and as the rules, which NumPy computes."""

import random

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.rules.einsum import explicit
from fastgrad.rules.rule import FUNCTIONS

DTYPES = (np.float64, np.float64, np.float32, np.int32, np.bool, np.complex128)


def drawn(seed):
    """Return subscripts and operands: terms of a few letters, often shared, at times repeated or of length 1 or 0."""
    r, rng = random.Random(seed), np.random.default_rng(seed)
    letters = "abcde"[: r.randint(1, 5)]
    lengths = {a: r.choice((1, 2, 3, 4) if r.random() < 0.9 else (0, 1)) for a in letters}
    terms = []
    for _ in range(r.choice((1, 2, 2, 2, 2, 3, 4))):
        term = r.sample(letters, r.randint(0, min(4, len(letters))))
        if term and r.random() < 0.05:
            term.append(term[0])
        terms.append("".join(term))
    present = sorted(set("".join(terms)))
    output = "".join(r.sample(present, r.randint(0, len(present))))
    dtype = r.choice(DTYPES)
    operands = []
    for term in terms:
        shape = [1 if r.random() < 0.05 else lengths[a] for a in term]
        x = rng.normal(size=shape) * 2
        x = x + 1j * rng.normal(size=shape) if dtype is np.complex128 else x
        operands.append(np.asarray(x).astype(dtype))
    return ",".join(terms) + ("->" + output if r.random() < 0.8 else ""), operands


def outcome(call):
    try:
        return call()
    except ValueError:
        return ValueError


@pytest.mark.parametrize("seed", range(400))
def test_random_sums_are_numpys_and_their_gradients_the_rules(seed):
    subscripts, operands = drawn(seed)
    expected = outcome(lambda: np.einsum(subscripts, *operands))
    found = outcome(lambda: fg.einsum(subscripts, *operands))
    if expected is ValueError:
        assert found is ValueError
        return
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    rtol = 1e-4 if expected.dtype == np.float32 else 1e-11
    np.testing.assert_allclose(found.numpy(), expected, rtol=rtol, atol=rtol)
    if operands[0].dtype != np.float64:
        return
    xs = [fg.tensor(x, requires_grad=True) for x in operands]
    g = np.random.default_rng(seed).normal(size=expected.shape)
    ours = fg.gradients(fg.einsum(subscripts, *xs), xs, g)
    y = FUNCTIONS["einsum"](*xs, subscripts=explicit(subscripts, [x.ndim for x in xs]))
    for ga, gb in zip(ours, fg.gradients(y, xs, g), strict=True):
        np.testing.assert_allclose(ga.numpy(), gb.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "subscripts",
    ["ij,jk->ik", "ij,kj->ik", "bij,bjk->bik", "bhqd,bhkd->bhqk", "ij,ij->", "i,i->", "i,j->ij", "ij,j->i", "ij->ji"],
)
def test_common_sums_are_recorded_as_products_and_views(subscripts):
    lengths = dict(zip("bhijkqd", (2, 3, 2, 3, 4, 2, 5), strict=True))
    xs = [fg.tensor(np.ones([lengths[a] for a in t]), requires_grad=True) for t in subscripts.split("->")[0].split(",")]
    ops = {node.op for node in nodes(fg.einsum(subscripts, *xs))}
    assert "einsum" not in ops
    assert ops & {"matmul", "multiply", "permute_dims"}


def nodes(y):
    """Return a result and all that it was computed from."""
    return [y, *(node for x in y.operands or () for node in nodes(x))]


def test_the_result_of_a_sum_that_changes_nothing_is_not_the_operand():
    x = fg.tensor([1.0, 2.0])
    y = fg.einsum("i->i", x)
    assert y is not x


def test_the_order_of_many_products_is_that_of_numpy():
    xs = [fg.tensor(np.full(shape, 0.5), requires_grad=True) for shape in ((2, 30), (30, 40), (40, 3))]
    y = fg.einsum("ij,jk,kl->il", *xs, optimize="optimal")
    np.testing.assert_allclose(y.detach().numpy(), np.full((2, 3), 150.0))
    products = [x.shape for x in nodes(y) if x.op == "matmul"]
    assert {frozenset(shape) for shape in products} == {frozenset((2, 40)), frozenset((2, 3))}  # from the left: cheaper
    for optimize in (True, False, "greedy", "optimal", ["einsum_path", (0, 1), (0, 1)]):
        np.testing.assert_allclose(fg.einsum("ij,jk,kl->il", *xs, optimize=optimize).detach(), y.detach())


@pytest.mark.parametrize(
    "axes", [0, 1, 2, ([1], [0]), ([0, 1], [1, 0]), ((), ()), (1, 0), (np.array([1]), [0]), (-1, -2)]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_tensordot_is_numpys(axes, dtype):
    a, b = (np.arange(9.0).reshape(3, 3).astype(dtype) + 1 for _ in range(2))
    found, expected = fg.tensordot(a, b, axes), np.tensordot(a, b, axes)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.numpy(), expected)
