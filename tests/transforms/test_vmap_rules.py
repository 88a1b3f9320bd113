"""vmap of every op, over every subset of its operands: equal to a loop, values and gradients, also nested."""

import itertools

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import _families
from fastgrad.rules import RULES
from tests.support.rule_samples import NAMES, samples

_families.load()
SIZE = 3


def is_inexact(x):
    return isinstance(x, np.ndarray) and x.dtype.kind in "fc"


def batch_of(x, rng):
    """Return `SIZE` operands like `x`: scaled a little, so that they stay in the domain of the op."""
    scale = rng.uniform(0.9, 1.0, (SIZE,))
    if not is_inexact(x):
        return np.stack([x] * SIZE)
    return np.stack([x * s for s in scale]).astype(x.dtype)


def subsets(operands):
    arrays = [k for k, x in enumerate(operands) if isinstance(x, np.ndarray)]
    for n in range(1, len(arrays) + 1):
        yield from itertools.combinations(arrays, n)


def called(rule, params):
    return lambda *operands: rule.function(*operands, **params)


def cases(name):
    """Yield the function, its operands with some of them batched, and the axes."""
    rule, rng = RULES[name], np.random.default_rng(0)
    for operands, params in samples(name):
        if name in ("irfft", "hfft") and not operands[0].shape[-1]:
            continue  # NumPy returns memory that was not written to
        for chosen in subsets(operands):
            if len(chosen) > 3 and len(chosen) < len(operands):
                continue
            given = [batch_of(x, rng) if k in chosen else x for k, x in enumerate(operands)]
            axes = tuple(0 if k in chosen else None for k in range(len(operands)))
            yield called(rule, params), given, axes


def of_element(given, axes, k):
    return [x if axis is None else x[k] for x, axis in zip(given, axes, strict=True)]


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_those_of_a_loop(name):
    for f, given, axes in cases(name):
        y = fg.vmap(f, axes)(*given)
        expected = np.stack([np.asarray(f(*of_element(given, axes, k))) for k in range(SIZE)])
        assert y.shape == expected.shape
        assert y.dtype == expected.dtype
        close(y, expected)


@pytest.mark.parametrize("name", [name for name in NAMES if RULES[name].has_vjp])
def test_gradients_are_those_of_a_loop(name):
    for f, given, axes in itertools.islice(cases(name), 40):
        found, expected = ([fg.tensor(x, requires_grad=True) if is_inexact(x) else x for x in given] for _ in range(2))
        y = fg.vmap(f, axes)(*found)
        if not y.requires_grad:
            continue
        v = np.random.default_rng(1).normal(size=y.shape)
        v = fg.asarray(v.astype(y.dtype))
        y.backward(v)
        rows = [f(*of_element(expected, axes, k)) for k in range(SIZE)]
        fg.stack([row if isinstance(row, fg.Tensor) else fg.asarray(row) for row in rows]).backward(v)
        for x, like in zip(found, expected, strict=True):
            if isinstance(like, fg.Tensor) and like.grad is not None:
                close(np.zeros(x.shape) if x.grad is None else x.grad.numpy(), like.grad.numpy())


@pytest.mark.parametrize("name", NAMES)
def test_nested_vmap_is_a_nested_loop(name):
    for f, given, axes in itertools.islice(cases(name), 25):
        if axes.count(0) < 2:
            one = lambda *xs, f=f, axes=axes: fg.vmap(f, axes)(*xs)
            twice = [np.stack([x, x]) if axis == 0 else x for x, axis in zip(given, axes, strict=True)]
            expected = np.stack([fg.vmap(f, axes)(*given)] * 2)
            y = fg.vmap(one, axes)(*twice)
        else:  # one operand by each vmap
            first = axes.index(0)
            inner = tuple(0 if axis == 0 and k != first else None for k, axis in enumerate(axes))
            outer = tuple(0 if k == first else None for k in range(len(axes)))
            y = fg.vmap(lambda *xs, f=f, inner=inner: fg.vmap(f, inner)(*xs), outer)(*given)
            expected = np.stack([fg.vmap(f, inner)(*of_element(given, outer, k)) for k in range(SIZE)])
        assert y.shape == expected.shape
        close(y, expected)
