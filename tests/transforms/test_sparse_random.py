"""Sparse derivatives of random programs against the dense ones."""

import os

import numpy as np
import pytest

import fastgrad as fg

CHECKED = 300  # by default
PER_CASE = 20
LENGTH = 6  # of the argument, and of most intermediate values


def _fitted(x):
    """Return LENGTH elements of `x`, repeated if there are fewer."""
    flat = x.reshape(-1)
    return flat[np.arange(LENGTH) % flat.shape[0]]


def _key(rng):
    kind = rng.integers(5)
    if kind == 0:
        low, high = sorted(rng.integers(0, LENGTH, 2))
        return slice(int(low), int(high) + 1)
    if kind == 1:
        return slice(None, None, -1)
    if kind == 2:
        return rng.integers(-LENGTH, LENGTH, rng.integers(1, 8))
    if kind == 3:
        mask = rng.random(LENGTH) < 0.6
        mask[rng.integers(LENGTH)] = True
        return mask
    return int(rng.integers(LENGTH))


def _written(x, y, key):
    out = x * 1.0
    out[key] = y[0] * 2.0
    return out


def _added(x, y, key):
    out = x * 1.0
    out[key] += y[0] ** 2
    return out


class Drawn:
    """What is random in a step."""

    def __init__(self, rng):
        self.key = _key(rng)
        self.mask = rng.random(LENGTH) < 0.5
        self.matrix = np.triu(rng.normal(size=(LENGTH, LENGTH)), 3)
        self.number = int(rng.integers(LENGTH))


# Each step takes two earlier values of LENGTH elements and what was drawn.
STEPS = [
    lambda x, y, d: x + y,
    lambda x, y, d: x * y,
    lambda x, y, d: x / (2.0 + y * y),
    lambda x, y, d: np.sin(x),
    lambda x, y, d: x * 0.5 + 1.0,
    lambda x, y, d: (x[:2, None] * y[None, :3]).reshape(-1),
    lambda x, y, d: x[d.key],
    lambda x, y, d: _written(x, y, d.key),
    lambda x, y, d: _added(x, y, d.number),
    lambda x, y, d: np.where(d.mask, x, y),
    lambda x, y, d: np.where(x > y, x, y * y),
    lambda x, y, d: np.sum(x.reshape(2, 3), axis=d.number % 2) * y[0],
    lambda x, y, d: y - x[:3].mean(),
    lambda x, y, d: np.maximum(x, y),
    lambda x, y, d: x.reshape(3, 2).max(axis=1),
    lambda x, y, d: np.concatenate([x[3:], y[:3]]),
    lambda x, y, d: np.stack([x, y], axis=1),
    lambda x, y, d: x.reshape(2, 3).T,
    lambda x, y, d: d.matrix @ x,
    lambda x, y, d: x.reshape(2, 3) @ y.reshape(3, 2),
    lambda x, y, d: np.cumsum(x),
    lambda x, y, d: np.roll(x, d.number),
    lambda x, y, d: np.repeat(x[:3], 2),
    lambda x, y, d: np.pad(x[1:4], (1, 2)),
    lambda x, y, d: np.tril(x.reshape(2, 3)),
    lambda x, y, d: np.sort(x),
    lambda x, y, d: fg.nn.functional.softmax(x.reshape(2, 3), axis=1),
    lambda x, y, d: np.floor(x) * y,
    lambda x, y, d: fg.grad(lambda z: (np.sin(z) * y * z).sum())(x),
]


def program(seed):
    """Return a random function of LENGTH numbers, and an argument."""
    rng = np.random.default_rng(seed)
    steps = [
        (STEPS[rng.integers(len(STEPS))], int(rng.integers(k + 1)), int(rng.integers(k + 1)), Drawn(rng))
        for k in range(rng.integers(1, 9))
    ]

    def f(x):
        values = [x]
        for step, first, second, drawn in steps:
            values.append(_fitted(step(values[first], values[second], drawn)))
        return values[-1]

    return f, rng.uniform(-1.5, 1.5, LENGTH)


def check(seed):
    """Compare the sparse Jacobian and Hessian of a program with the dense ones, at two points with one plan."""
    f, x = program(seed)

    def loss(x):
        return (f(x) ** 2).sum()

    for transform, g in ((fg.jacobian, f), (fg.hessian, loss)):
        sparse, dense = transform(g, sparse="triplets"), transform(g)
        for point in (x, -x):
            wanted = dense(point)
            allowed = 1e-11 * max(1, np.abs(wanted).max())
            np.testing.assert_allclose(sparse(point).toarray(), wanted, rtol=1e-10, atol=allowed, err_msg=f"{seed=}")


@pytest.mark.filterwarnings("ignore::fastgrad.GradientWarning")
@pytest.mark.parametrize("first", range(0, CHECKED, PER_CASE))
def test_sparse_matrices_of_random_programs_are_the_dense_ones(first):
    for seed in range(first, first + PER_CASE):
        check(seed)


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore::fastgrad.GradientWarning")
def test_sparse_matrices_of_very_many_programs_are_the_dense_ones():
    first = int(os.environ.get("FASTGRAD_FIRST_SEED", CHECKED))
    for seed in range(first, first + 20_000):
        check(seed)
