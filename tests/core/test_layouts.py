"""Operands of every layout give the values and gradients, by kernel and by rule, of contiguous copies."""

import itertools

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.rules import FUNCTIONS, RULES
from tests.core.layouts import LAYOUTS
from tests.support.rule_samples import NAMES, ROUNDING, asked, is_float, leaves, like, samples

TOLERANCE = {np.float64: ROUNDING, np.float32: 1e-5}
ALONE = ("Fortran", "zero strides")


def close(got, wanted, tolerance, what):
    assert got.shape == wanted.shape and got.dtype == wanted.dtype, what
    # not to the bit: NumPy takes another loop, and another order of adding
    scale = tolerance * np.max(np.abs(wanted), initial=1.0, where=np.isfinite(wanted))
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=scale, err_msg=what)


def drawn(name, dtype):
    for operands, params in samples(name):
        arrays = [x.astype(dtype) if is_float(x) else x for x in operands]
        if any(isinstance(x, np.ndarray) and x.ndim for x in arrays):
            yield arrays, params


def outcome(name, operands, params):
    """Value, gradients by kernel, gradients by rule; nothing for matrices that are singular, as with zero strides."""
    try:
        return results(name, operands, params)
    except np.linalg.LinAlgError:
        return []


def results(name, operands, params):
    xs = [fg.asarray(x).requires_grad_() if is_float(x) else x for x in operands]
    y = FUNCTIONS[name](*xs, **params)
    chosen = [xs[k] for k in asked(RULES[name], xs)]
    found = [y.detach().numpy()]
    if chosen and y.dtype.kind in "fc":
        v = like(y, np.random.default_rng(4))
        for record in (False, True):
            found += [g.numpy() for g in fg.gradients(y, chosen, v, retain_graph=True, create_graph=record)]
    return found


def laid_out(operands, layouts):
    return [LAYOUTS[layout](x) if isinstance(x, np.ndarray) else x for x, layout in zip(operands, layouts, strict=True)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy, for slices of NaN
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", NAMES)
def test_layout_makes_no_difference(name, dtype):
    for operands, params in drawn(name, dtype):
        n = len(operands)
        ways = [(layout,) * n for layout in LAYOUTS if layout != "C"]
        if 1 < n < 4:  # each operand alone in another layout
            ways += [("C",) * k + (layout,) + ("C",) * (n - k - 1) for k in range(n) for layout in ALONE]
        for way in ways:
            strided = laid_out(operands, way)
            plain = [x.copy() if isinstance(x, np.ndarray) else x for x in strided]
            what = f"{name} {params} {way}"
            for got, wanted in zip(outcome(name, strided, params), outcome(name, plain, params), strict=True):
                close(got, wanted, TOLERANCE[dtype], what)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", [n for n in NAMES if RULES[n].elementwise and RULES[n].domain])
def test_arrays_that_are_swept_block_by_block(name, layout):
    rule, rng = RULES[name], np.random.default_rng(8)
    domains = rule.domain if isinstance(rule.domain[0], tuple) else (rule.domain,) * rule.n_operands
    operands = [rng.uniform(*domain, size=(90, 120)) for domain in domains]
    strided = laid_out(operands, (layout,) * len(operands))
    plain = [x.copy() for x in strided]
    found = []
    for arrays in (strided, plain):
        xs = leaves(plain) if arrays is plain else [fg.asarray(x).requires_grad_() for x in strided]
        scaled = [x * 1.5 - x * 0.5 for x in xs]
        y = FUNCTIONS[name](*scaled)
        chosen = [xs[k] for k in asked(rule, scaled)]
        found.append([y.detach().numpy()])
        if chosen and y.dtype.kind == "f":
            found[-1] += [g.numpy() for g in fg.gradients((y * y * 2.0 + y).sum(), chosen)]
    for got, wanted in zip(*found, strict=True):
        close(got, wanted, 1e-12, name)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    "shapes", [((70, 90), (90, 80)), ((130, 64), (64, 130)), ((3, 40, 50), (50, 60)), ((90,), (90, 70))]
)
def test_products_large_enough_for_kernels_of_their_own(shapes, dtype):
    rng = np.random.default_rng(9)
    operands = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    for way in itertools.product(("C", "Fortran", "negative strides", "zero strides"), repeat=2):
        strided = laid_out(operands, way)
        plain = [x.copy() for x in strided]
        for got, wanted in zip(outcome("matmul", strided, {}), outcome("matmul", plain, {}), strict=True):
            close(got, wanted, 100 * TOLERANCE[dtype], str(way))
