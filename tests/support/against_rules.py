"""Compares a kernel with its rule. Tests that do are marked `kernels`: without kernels, a rule would face itself."""

import contextlib

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.rules import RULES

COMPILED = fg.engine == "cython"
TOLERANCE = {np.float64: 1e-13, np.float32: 1e-5}
DTYPES = (np.float64, np.float32)
kernels = pytest.mark.skipif(not COMPILED, reason="compares kernels with rules, and this engine has no kernels")


def refuse(*args, **params):
    raise AssertionError("the rule ran, where a kernel should")


@contextlib.contextmanager
def without_rule(*names):
    """Forward and vjp of these rules fail, if there are kernels for them."""
    before = [(RULES[name], RULES[name].forward, RULES[name].vjps) for name in names]
    try:
        for rule, _, vjps in before if COMPILED else ():
            rule.forward = refuse
            rule.vjps = (refuse,) * len(vjps)
        yield
    finally:
        for rule, forward, vjps in before:
            rule.forward, rule.vjps = forward, vjps


def strided(x):
    """Layouts of the same values: as it is, every other element of a wider array, reversed, Fortran order."""
    yield x
    if x.ndim:
        wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan, x.dtype)
        wide[..., ::2] = x
        yield wide[..., ::2]
        turned = x[tuple(slice(None, None, -1) for _ in x.shape)].copy()
        yield turned[tuple(slice(None, None, -1) for _ in x.shape)]
        yield np.asfortranarray(x)


def leaf(x):
    return fg.asarray(x).requires_grad_()


def same(got, wanted, tolerance, what=""):
    scale = np.max(np.abs(wanted), initial=1.0, where=np.isfinite(wanted))
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * scale, err_msg=str(what))


def check(f, *arrays, tolerance, names=()):
    """Assert that the gradients of `f` by kernel are those by rule, set and accumulated; return `f` of leaves.

    A plain sweep runs the kernels, one with `create_graph=True` the rules. `names` are the rules that must not run in
    the plain sweep.
    """
    assert COMPILED, "mark the test with `kernels`"
    rng = np.random.default_rng(3)
    xs = [leaf(x) for x in arrays]
    with without_rule(*names):
        y = f(*xs)
    v = rng.normal(size=y.shape).astype(y.dtype)
    wanted = [g.numpy() for g in fg.gradients(y, xs, v, create_graph=True)]
    with without_rule(*names):
        got = fg.gradients(y, xs, v, retain_graph=True)
        doubled = fg.gradients(y * 2 + f(*xs), xs, v)  # the second cotangent is added to the first
    for g, d, w, x in zip(got, doubled, wanted, xs, strict=True):
        assert g.dtype == x.dtype and g.shape == x.shape
        same(g.numpy(), w, tolerance)
        same(d.numpy(), 3 * w, 4 * tolerance)
    return y
