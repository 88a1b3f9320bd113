"""Every rule against NumPy and finite differences. A new rule is tested without further code.

Columns are the test functions, rows the rules; operands come from a rule's `domain` and `samples`.
"""

import functools
import math
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.errors import DTypeError, MutationError
from fastgrad.rules import FUNCTIONS, RULES, rule
from fastgrad.rules.docs import docstring, formulas
from tests.support.against_rules import kernels
from tests.support.arrays import has_own_loop
from tests.support.references_linalg import LINALG, PHASED
from tests.support.references_networks import NETWORKS
from tests.support.references_numpy import NUMPY
from tests.support.rule_samples import NAMES, ROUNDING, asked, direction, is_float, leaves, like, samples

SMOOTH = [name for name in NAMES if RULES[name].has_vjp]

# A central difference with this step is off by about STEP**2 from its formula and eps / STEP from rounding.
STEP, DIFFERENCE = 1e-5, 2e-7


def _lse(x, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _softmax(x, axis=-1):
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def _sum_to(x, shape):
    lead = x.reshape((1,) * (len(shape) - x.ndim) + x.shape)
    axes = range(lead.ndim)
    wanted = (1,) * (lead.ndim - len(shape)) + tuple(shape)
    return np.sum(lead, axis=tuple(k for k in axes if wanted[k] != lead.shape[k])).reshape(shape)


def _scatter_add(x, key, shape):
    out = np.zeros(shape, x.dtype)
    np.add.at(out, key, x)
    return out


def _add_at(x, values, key):
    out = x.copy()
    places = np.arange(x.size).reshape(x.shape)[key]
    for place, value in zip(places.ravel(), np.broadcast_to(values, places.shape).ravel(), strict=True):
        out.flat[place] += value
    return out


def _setitem(x, value, key):
    out = x.copy()
    out[key] = value
    return out


def _cross_entropy(logits, labels, reduction="mean"):
    rows = logits.reshape(-1, logits.shape[-1])
    losses = -np.log(_softmax(rows))[np.arange(len(rows)), np.ravel(labels)].reshape(np.shape(labels))
    return {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](losses)


_erf = np.vectorize(math.erf, otypes=[float])
_erfc = np.vectorize(math.erfc, otypes=[float])


def _standardized(x, axis, eps=1e-5):
    return (x - x.mean(axis=axis, keepdims=True)) / np.sqrt(x.var(axis=axis, keepdims=True) + eps)


def _batch_norm(x, weight=None, bias=None):
    y = np.moveaxis(_standardized(x, (0, *range(2, x.ndim))), 1, -1)
    return np.moveaxis(y * (1 if weight is None else weight) + (0 if bias is None else bias), -1, 1)


# ops that NumPy does not have under one name with these arguments
REFERENCES = (
    NETWORKS
    | NUMPY
    | LINALG
    | {
        "add_at": _add_at,
        "astype": lambda x, dtype: x.astype(dtype),
        "batch_norm": _batch_norm,
        "binary_cross_entropy": lambda x, t: -t * np.log(x) - (1 - t) * np.log(1 - x),
        "binary_cross_entropy_with_logits": lambda x, t: t * np.log(1 + np.exp(-x)) + (1 - t) * np.log(1 + np.exp(x)),
        "clip": lambda x, *bounds: np.clip(x, *bounds, *(None,) * (2 - len(bounds))),
        "concat": lambda *xs, axis=0: np.concatenate(xs, axis),
        "cross_entropy": _cross_entropy,
        "einsum": lambda *xs, subscripts: np.einsum(subscripts, *xs),
        "elu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x)),
        "erf": _erf,
        "erfc": _erfc,
        "gelu": lambda x: x * _erfc(-x / math.sqrt(2)) / 2,
        "getitem": lambda x, key: x[key],
        "layer_norm": lambda x, weight=1.0, bias=0.0, axes=1: _standardized(x, tuple(range(-axes, 0))) * weight + bias,
        "leaky_relu": lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
        "log_softmax": lambda x, axis=-1: np.log(_softmax(x, axis)),
        "logsigmoid": lambda x: -np.log(1 + np.exp(-x)),
        "logsumexp": _lse,
        "norm": lambda x, axis=None, keepdims=False, ord=2: (
            np.linalg.norm(x, ord, axis, keepdims)
            if ord != 2
            else np.sqrt(np.sum(np.abs(x) ** 2, axis=axis, keepdims=keepdims))
        ),
        "permute_dims": np.transpose,
        "relu": lambda x: np.where(x > 0, x, 0.0),
        "reshape": lambda x, shape: np.reshape(x, shape),  # `newshape=` before NumPy 2.1
        "scatter_add": _scatter_add,
        "setitem": _setitem,
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "silu": lambda x: x / (1 + np.exp(-x)),
        "softmax": _softmax,
        "softplus": lambda x: np.log(1 + np.exp(x)),
        "sort": np.sort,
        "fix": np.trunc,
        "standardize": lambda x, axis=-1, eps=1e-5: _standardized(x, axis, eps),
        "stack": lambda *xs, axis=0: np.stack(xs, axis),
        "sum_to": _sum_to,
        "tensordot": np.tensordot,
    }
)


def inner(a, b):
    """The real inner product, where complex arrays count as pairs of reals."""
    return float(np.real(np.vdot(np.asarray(b), np.asarray(a))))


def close(got, wanted, tolerance, what):
    scale = max(1.0, abs(got), abs(wanted))
    assert abs(got - wanted) <= tolerance * scale, f"{what}: {got!r} against {wanted!r}"


def moved(operands, k, step):
    """Return the operands with a step added to operand `k`."""
    return [np.asarray(x + step) if j == k else x for j, x in enumerate(operands)]


def difference(name, operands, params, v, k, d):
    """The slope of <v, op> along `d` in operand `k`, from values alone."""
    ahead, behind = (FUNCTIONS[name](*moved(operands, k, h * d), **params).numpy() for h in (STEP, -STEP))
    return (inner(ahead, v.numpy()) - inner(behind, v.numpy())) / (2 * STEP)


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_says_where_to_test_it(name):
    rule = RULES[name]
    assert rule.domain or rule.samples, f"{name} needs a domain, or samples"
    assert samples(name)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("bincount", "convolve")])
def test_every_rule_is_tested_on_arrays_without_elements(name):
    """Of which NumPy makes integers (`bincount`), or which it refuses (`convolve`)."""
    assert any(isinstance(x, np.ndarray) and not x.size for operands, _ in samples(name) for x in operands)


@pytest.mark.parametrize("name", NAMES)
def test_forward_is_numpys(name):
    rule = RULES[name]
    for operands, params in samples(name):
        got = FUNCTIONS[name](*operands, **params)
        if name in REFERENCES:
            wanted = np.asarray(REFERENCES[name](*operands, **params))
            np.testing.assert_allclose(got.numpy(), wanted, rtol=ROUNDING, atol=ROUNDING, err_msg=f"{name} {params}")
        else:
            reference = functools.reduce(getattr, (rule.numpy_names or (name,))[0].split("."), np)
            with np.errstate(all="ignore"):
                wanted = np.asarray(reference(*operands, **params))
            # for up to three elements the compiled engine calls libm: NumPy's loops start slower
            few = fg.engine == "cython" and got.size <= 3 and got.dtype.kind == "f"
            rounding = ROUNDING if few or has_own_loop(name, got.dtype) else 0
            np.testing.assert_allclose(got.numpy(), wanted, rtol=rounding, err_msg=f"{name} {params}")
        assert got.shape == wanted.shape
        assert got.dtype == wanted.dtype


@pytest.mark.parametrize("name", NAMES)
def test_numpy_has_the_names_the_rule_claims(name):
    for word in RULES[name].numpy_names:
        assert callable(functools.reduce(getattr, word.split("."), np))


@pytest.mark.parametrize("name", SMOOTH)
def test_vjp_is_the_slope(name):
    rule, rng = RULES[name], np.random.default_rng(1)
    for operands, params in samples(name):
        xs = leaves(operands)
        y = FUNCTIONS[name](*xs, **params)
        chosen = asked(rule, xs)
        if not chosen or y.dtype.kind not in "fc":
            continue
        v = like(y, rng)
        found = dict(zip(chosen, fg.gradients(y, [xs[k] for k in chosen], v), strict=True))
        for k, gx in found.items():
            assert gx.shape == xs[k].shape and gx.dtype == xs[k].dtype
            d = direction(rule, gx.shape, rng)
            slope = difference(name, operands, params, v, k, d)
            close(inner(gx.numpy(), d), slope, DIFFERENCE, f"{name} {params}, operand {k}")


def first_order(name, operands, params, v, chosen):
    """The gradients, recorded, as functions of the operands and of the cotangent."""
    xs = leaves(operands)
    v = fg.tensor(v, requires_grad=True)
    y = FUNCTIONS[name](*xs, **params)
    return [*(xs[k] for k in chosen), v], fg.gradients(y, [xs[k] for k in chosen], v, create_graph=True)


def first_along(h, name, operands, params, v, chosen, d, w, u):
    """<gradients, u> at the operands moved by `h` along `d`, and the cotangent by `h` along `w`."""
    for k, dk in zip(chosen, d, strict=True):
        operands = moved(operands, k, h * dk)
    _, firsts = first_order(name, operands, params, v + h * w, chosen)
    return sum(inner(g.numpy(), uk) for g, uk in zip(firsts, u, strict=True))


@pytest.mark.parametrize("name", SMOOTH)
def test_second_order_is_the_slope_of_the_first(name):
    rule, rng = RULES[name], np.random.default_rng(2)
    for operands, params in samples(name):
        xs = leaves(operands)
        y = FUNCTIONS[name](*xs, **params)
        chosen = asked(rule, xs)
        if not chosen or y.dtype.kind != "f" or not y.size:
            continue
        v = like(y, rng).numpy()
        u = [rng.normal(size=xs[k].shape) for k in chosen]
        d = [direction(rule, xs[k].shape, rng) for k in chosen]
        w = rng.normal(size=v.shape)

        ahead, behind = (first_along(h, name, operands, params, v, chosen, d, w, u) for h in (STEP, -STEP))
        slope = (ahead - behind) / (2 * STEP)
        leaves_, firsts = first_order(name, operands, params, v, chosen)
        flows = [(g, fg.asarray(uk)) for g, uk in zip(firsts, u, strict=True) if g.requires_grad]
        got = 0.0
        if flows:
            seconds = fg.gradients([g for g, _ in flows], leaves_, [uk for _, uk in flows], allow_unused=True)
            got = sum(inner(s.numpy(), dk) for s, dk in zip(seconds, [*d, w], strict=True) if s is not None)
        close(got, slope, 10 * DIFFERENCE, f"{name} {params}")  # the differences are of gradients, larger than values


@pytest.mark.parametrize("name", SMOOTH)
def test_float32_stays_float32_and_agrees(name):
    rule = RULES[name]
    if name in ("astype", "bincount", "float_power", "interp", "vander"):
        return  # say their dtype themselves
    for operands, params in samples(name):
        single = [x.astype(np.float32) if is_float(x) else x for x in operands]
        double = [x.astype(np.float64) if is_float(x) else x for x in single]
        found = []
        for xs in (leaves(single), leaves(double)):
            y = FUNCTIONS[name](*xs, **params)
            chosen = [xs[k] for k in asked(rule, xs)]
            found.append((y, fg.gradients(y, chosen, like(y, np.random.default_rng(3))) if chosen else ()))
        (y32, g32), (y64, g64) = found
        if all(is_float(x) for x in operands if isinstance(x, np.ndarray)) and y64.dtype.kind == "f":
            assert y32.dtype == np.float32, f"{name} {params}"
        for got, wanted in zip(g32, g64, strict=True):
            assert got.dtype == np.float32
            atol = 1e-5 * np.max(np.abs(wanted.numpy()), initial=1.0)
            np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-4, atol=atol, err_msg=f"{name} {params}")


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")  # astype to a real dtype, as NumPy says
@pytest.mark.parametrize("name", [name for name in SMOOTH if name not in PHASED])
def test_complex_operands_are_differentiated_or_refused(name):
    rule, rng = RULES[name], np.random.default_rng(5)
    for operands, params in samples(name):
        if not any(is_float(x) or np.iscomplexobj(x) for x in operands):
            continue
        zs = [x + 0.3j * rng.normal(size=x.shape) if is_float(x) else x for x in operands]
        if rule.hermitian:
            zs = [(z + np.conj(np.swapaxes(z, -1, -2))) / 2 for z in zs]
        xs = [fg.tensor(z, requires_grad=True) if isinstance(z, np.ndarray) and z.dtype.kind == "c" else z for z in zs]
        try:
            y = FUNCTIONS[name](*xs, **params)
        except (TypeError, DTypeError):
            with pytest.raises(TypeError):
                FUNCTIONS[name](*zs, **params)
            return
        chosen = asked(rule, xs)
        if y.dtype.kind not in "fc" or not chosen:
            continue
        v = like(y, rng)
        for k, gx in zip(chosen, fg.gradients(y, [xs[k] for k in chosen], v), strict=True):
            assert gx.dtype == xs[k].dtype
            d = direction(rule, gx.shape, rng, gx.dtype)
            slope = difference(name, zs, params, v, k, d)
            close(inner(gx.numpy(), d), slope, DIFFERENCE, f"{name} {params}, operand {k}")


@pytest.mark.parametrize("name", NAMES)
def test_records_only_what_can_have_a_gradient(name):
    rule = RULES[name]
    operands, params = samples(name)[0]
    assert not FUNCTIONS[name](*operands, **params).requires_grad
    xs = leaves(operands)
    y = FUNCTIONS[name](*xs, **params)
    if asked(rule, xs):
        assert y.requires_grad and y.op == name
    if not rule.has_vjp:
        assert not y.requires_grad
    with fg.no_grad():
        assert not FUNCTIONS[name](*xs, **params).requires_grad
    for k, x in enumerate(xs):
        if isinstance(x, fg.Tensor) and not rule.differentiable(k):
            only = [o.detach() if isinstance(o, fg.Tensor) and j != k else o for j, o in enumerate(xs)]
            assert not FUNCTIONS[name](*only, **params).requires_grad


@pytest.mark.parametrize("name", SMOOTH)
def test_an_overwritten_value_is_not_used_silently(name):
    """A value that a vjp does not name may be overwritten; one that it names raises or was copied."""
    rule = RULES[name]
    for operands, params in samples(name):
        arrays = [k for k, x in enumerate(operands) if isinstance(x, np.ndarray)]
        for k in (*arrays, "result"):
            xs = leaves(operands)
            xs = [fg.tensor(x) if isinstance(x, np.ndarray) else x for x in xs]
            y = FUNCTIONS[name](*xs, **params)
            chosen = asked(rule, xs)
            if not chosen:
                break
            v = like(y, np.random.default_rng(6))
            z = y + 0  # no sweep starts from an overwritten result
            wanted = fg.gradients(z, [xs[j] for j in chosen], v, retain_graph=True)
            written = y if k == "result" else xs[k]
            if not written.size or (k == "result" and rule.view):
                continue
            with fg.no_grad():
                try:
                    written.detach()[...] = 0 if written.dtype.kind != "b" else False
                except MutationError:
                    continue
            try:
                got = fg.gradients(z, [xs[j] for j in chosen], v)
            except MutationError:
                assert rule.reads_result if k == "result" else rule.reads(k), f"{name}: {k} is not read, yet it raised"
                continue
            for a, b in zip(got, wanted, strict=True):
                np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=f"{name} {params}: {k} overwritten")


@kernels
@pytest.mark.parametrize("name", SMOOTH)
def test_kernel_agrees_with_rule(name):
    """A plain sweep runs the engine's kernel, a sweep with `create_graph` the rule."""
    rule = RULES[name]
    for operands, params in samples(name):
        for dtype, tolerance in ((np.float64, ROUNDING), (np.float32, 1e-5)):
            xs = leaves([x.astype(dtype) if is_float(x) else x for x in operands])
            y = FUNCTIONS[name](*xs, **params)
            chosen = asked(rule, xs)
            if not chosen or y.dtype.kind not in "fc":
                continue
            v = like(y, np.random.default_rng(7))
            by_rule = fg.gradients(y, [xs[k] for k in chosen], v, retain_graph=True, create_graph=True)
            by_kernel = fg.gradients(y, [xs[k] for k in chosen], v)
            for got, wanted in zip(by_kernel, by_rule, strict=True):
                assert got.dtype == wanted.dtype and got.shape == wanted.shape
                atol = tolerance * np.max(np.abs(wanted.numpy()), initial=1.0)
                what = f"{name} {params} {dtype.__name__}"
                np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=tolerance, atol=atol, err_msg=what)


@pytest.mark.parametrize("name", NAMES)
def test_docstring_has_the_formula_of_the_rule(name):
    rule = RULES[name]
    text = docstring(rule)
    assert text.startswith(rule.forward.__doc__.strip().split("\n")[0])
    for section in ("Parameters", "Returns", "Raises", "Gradient"):
        assert f"\n{section}\n{'-' * len(section)}\n" in text
    if rule.has_vjp:
        rows, _ = formulas(rule)
        assert rows and all(formula in text for _, formula in rows)


def test_the_op_of_the_contributors_page_works():
    page = Path(__file__).parents[2] / "docs" / "adding-an-op.md"
    if not page.exists():
        pytest.skip("the pages are not part of an installed package")
    code = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names = {"rule": rule, "np": np, "expm1": fg.expm1}
    try:
        exec(code, names)
        op = names["softplus_inverse"]
        x = np.array([0.5, 1.0, 3.0])
        np.testing.assert_allclose(fg.softplus(op(x)).numpy(), x, rtol=1e-14)
        fg.testing.check_grads(op, (x,))
    finally:
        RULES.pop("softplus_inverse", None)
        FUNCTIONS.pop("softplus_inverse", None)
