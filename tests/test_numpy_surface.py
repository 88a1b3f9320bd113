"""NumPy's public functions with a differentiated Tensor as any argument: a gradient or an error, never a constant."""

import inspect
import itertools
import random
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.autograd.numpy as autograd_numpy
import fastgrad.nn.functional
import fastgrad.numpy as fnp
from fastgrad import _families, counterparts
from fastgrad.rules.rule import FUNCTIONS

A = np.array([0.5, 1.5, 2.5])
M = np.array([[2.0, 0.5, 0.1], [0.3, 3.0, 0.2], [0.1, 0.4, 4.0]])
FILL = [A, M, 1.0, 1, [0, 1], (3,), np.tanh, [A, A], A > 1, None, 2, [A > 1, A < 1]]
NOT_CALLED = """
    show_config show_runtime info test load save savez savez_compressed savetxt loadtxt genfromtxt fromfile memmap
    get_include set_printoptions seterr setbufsize seterrcall errstate printoptions fromregex getbufsize geterr
    empty empty_like dropout
"""
FORMS = {
    "number": lambda x: x * 0.5,
    "vector": lambda x: x * A,
    "matrix": lambda x: x * fg.asarray(M),
    "list": lambda x: [x * 0.5, x * 0.7],
    "list of vectors": lambda x: [x * A, x * A],
}


def public(module):
    for name in sorted(dir(module)):
        f = getattr(module, name)
        if name.startswith("_") or name in NOT_CALLED.split() or not callable(f):
            continue
        if not isinstance(f, type) or not issubclass(f, (BaseException, np.generic, np.dtype)):
            yield name, f


def parameters(f):
    """How many arguments `f` needs, and its keywords after them; a dtype says only of what kind a Tensor is."""
    if isinstance(f, np.ufunc):
        return f.nin, ["out", "where"]
    try:
        given = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return 1, []
    named = [p for p in given if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = sum(p.default is p.empty for p in named)
    return needed, [p.name for p in named[needed:] if p.name not in ("dtype", "like")]


def calls(name, f, tries):
    """Yield calls to try: positional and keyword arguments, with a placeholder for the Tensor."""
    needed, keywords = parameters(f)
    rng = random.Random(name)
    for count in range(max(needed, 1), max(needed, 1) + 3):
        fillings = list(itertools.product(FILL, repeat=min(count, 3)))
        for filling in rng.sample(fillings, min(tries, len(fillings))):
            for at, form in itertools.product(range(len(filling)), FORMS.values()):
                yield [*filling[:at], form, *filling[at + 1 :]], {}
    for keyword, form in itertools.product(keywords, FORMS.values()):
        for filling in ([A, A, A], [M, M, M], [A > 1, A, A], [3, 4, 5], [A, [0], A]):
            yield filling[: max(needed, 1)], {keyword: form}


def leaves(result):
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (tuple, list)):
        return [leaf for part in result for leaf in leaves(part)]
    return [result]


def numbers(result):
    """Return the floating-point numbers in a result as arrays, including those of Tensors."""
    found = []
    for leaf in leaves(result):
        if isinstance(leaf, fg.Tensor):
            leaf = leaf.detach().numpy()
        if isinstance(leaf, (float, complex, np.ndarray, np.generic)) and np.asarray(leaf).dtype.kind in "fcO":
            objects = np.asarray(leaf).ravel().tolist()
            if all(isinstance(part, (int, float, complex, np.generic)) for part in objects):
                found.append(np.asarray(leaf))
    return found


def filled(form, x):
    return form(x) if form in FORMS.values() else form


def plain(value):
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.detach().numpy() if isinstance(value, fg.Tensor) else value


def changes(f, args, kwargs):
    """Whether NumPy's result for plain arrays depends on the number in place of the Tensor."""
    results = []
    for x in 0.7, 0.7001:
        given = [plain(filled(a, fg.tensor(x))) for a in args]
        try:
            results.append(numbers(f(*given, **{k: plain(filled(v, fg.tensor(x))) for k, v in kwargs.items()})))
        except Exception:
            return False  # nothing to compare: not a call that NumPy takes
    return any(
        a.shape != b.shape or not np.allclose(a.astype(complex), b.astype(complex), rtol=1e-9, atol=0, equal_nan=True)
        for a, b in zip(*results, strict=False)
    )


def is_lost(f, args, kwargs):
    """Whether a call inside `grad` returns, as a constant, a value that depends on the Tensor."""
    kept = []

    def inside(x):
        given = [filled(a, x) for a in args]
        result = f(*given, **{k: filled(v, x) for k, v in kwargs.items()})
        tensors = [leaf for leaf in leaves(result) if isinstance(leaf, fg.Tensor) and leaf.dtype.kind in "fc"]
        kept.append(bool(numbers(result)) and not any(t.requires_grad for t in tensors) and not holds_tensors(result))
        return x

    try:
        fg.grad(inside)(0.7)
    except Exception:
        return False
    return kept[0] and changes(f, args, kwargs)


def holds_tensors(result):
    """Whether an array of objects holds Tensors, which record."""
    arrays = [leaf for leaf in leaves(result) if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "O"]
    return any(isinstance(part, fg.Tensor) for array in arrays for part in array.ravel())


def lost_calls(module, tries):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return [
            f"{name}{args}{kwargs}"
            for name, f in public(module)
            for args, kwargs in calls(name, f, tries)
            if is_lost(f, args, kwargs)
        ]


MODULES = {
    "numpy": np, "linalg": np.linalg, "fft": np.fft, "ma": np.ma, "polynomial": np.polynomial.polynomial,
    "emath": np.emath, "stride_tricks": np.lib.stride_tricks, "rec": np.rec,
    "fastgrad.numpy": fnp, "fastgrad.numpy.linalg": fnp.linalg, "fastgrad.numpy.fft": fnp.fft,
    # ours take parameters, too, that have no gradient
    "fastgrad": SimpleNamespace(**(counterparts.recording_functions() | _families.load() | FUNCTIONS)),
    "fastgrad.nn.functional": fastgrad.nn.functional,
    # its other functions return values on purpose
    "fastgrad.autograd.numpy": SimpleNamespace(
        **{name: f for name, f in public(autograd_numpy) if f not in autograd_numpy.numpy_vjps.nograd_functions}
    ),
    "fastgrad.autograd.numpy.linalg": autograd_numpy.linalg, "fastgrad.autograd.numpy.fft": autograd_numpy.fft,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_no_public_function_makes_a_constant(module):
    assert lost_calls(module, tries=6) == []


V = np.array([0.5, 1.5, 2.5])
# What NumPy's dispatch does not see, by name; each is a function of one differentiated number.
KEYWORDS = {
    "sum initial": lambda s: np.sum(V, initial=s),
    "prod initial": lambda s: np.prod(V, initial=s),
    "max initial": lambda s: np.max(V, initial=s),
    "add.reduce initial": lambda s: np.add.reduce(V, initial=s),
    "sum where": lambda s: np.sum(V, where=s > 0) * s,
    "var ddof": lambda s: np.var(V, ddof=s),
    "std ddof": lambda s: np.std(V, ddof=s),
    "var correction": lambda s: np.var(V, correction=s),
    "var mean": lambda s: np.var(V, mean=s * np.ones(1)),
    "interp left": lambda s: np.interp(-1.0, [0.0, 1.0], [0.0, 1.0], left=s),
    "interp x": lambda s: np.interp(s, [0.0, 1.0], [0.0, 1.0]),
    "interp fp": lambda s: np.interp(0.5, [0.0, 1.0], [0.0, s]),
    "interp period": lambda s: np.interp(0.5, [0.0, 1.0], [0.0, 1.0], period=s),
    "clip": lambda s: np.clip(V, 0.0, s).sum(),
    "clip named": lambda s: np.clip(V, a_min=None, a_max=s).sum(),
    "linspace": lambda s: np.linspace(s, 5.0, 4).sum(),
    "linspace stop": lambda s: np.linspace(0.0, s, 4).sum(),
    "logspace": lambda s: np.logspace(0.0, s, 4).sum(),
    "geomspace": lambda s: np.geomspace(1.0, s, 4).sum(),
    "arange": lambda s: np.arange(0.0, 3.0, s).sum(),
    "full": lambda s: np.full(3, s).sum(),
    "full_like": lambda s: np.full_like(V, s).sum(),
    "pad": lambda s: np.pad(V, 1, constant_values=s).sum(),
    "pad end": lambda s: np.pad(V, 1, mode="linear_ramp", end_values=s).sum(),
    "histogram weights": lambda s: np.histogram(V, weights=s * V)[0].sum(),
    "histogram range": lambda s: np.histogram(V, range=(0.0, s))[1].sum(),
    "bincount": lambda s: np.bincount([0, 1, 1], weights=s * V).sum(),
    "digitize": lambda s: np.digitize(V, s * V).sum() * s,
    "where": lambda s: np.where(V > 1, s, 0.0).sum(),
    "select": lambda s: np.select([V > 1], [s * V], default=s).sum(),
    "choose": lambda s: np.choose([0, 1, 0], [s * V, V]).sum(),
    "piecewise": lambda s: np.piecewise(V, [V > 1], [s, 0.0]).sum(),
    "piecewise of x": lambda s: np.piecewise(s * V, [V > 1], [lambda v: v * v, 0.0]).sum(),
    "array": lambda s: np.array([s, s]).sum(),
    "array of objects": lambda s: np.array([s, s], dtype=object).astype(float).sum(),
    "asarray": lambda s: np.asarray([s, s]).sum(),
    "fromfunction": lambda s: np.fromfunction(lambda i: i * s, (3,)).sum(),
    "vectorize": lambda s: np.vectorize(lambda v: v * s)(V).sum(),
    "vectorize of x": lambda s: np.vectorize(lambda v: v * v)(s * V).sum(),
    "apply_along_axis": lambda s: np.apply_along_axis(lambda v: v * s, 0, V).sum(),
    "apply_along_axis of x": lambda s: np.apply_along_axis(np.sum, 0, s * V),
    "apply_over_axes": lambda s: np.apply_over_axes(np.sum, s * V, 0).sum(),
    "frompyfunc": lambda s: np.frompyfunc(lambda v: v * v, 1, 1)(s * V).astype(float).sum(),
    "frompyfunc closing over": lambda s: np.frompyfunc(lambda v: v * s, 1, 1)(V).astype(float).sum(),
    "nan_to_num": lambda s: np.nan_to_num(V, nan=s).sum() * s,
    "trapezoid": lambda s: np.trapezoid(V, dx=s),
    "gradient": lambda s: np.gradient(V, s).sum(),
    "unwrap": lambda s: np.unwrap(V * 4, discont=s).sum(),
    "ediff1d": lambda s: np.ediff1d(V, to_end=s).sum(),
    "diff prepend": lambda s: np.diff(V, prepend=s).sum(),
    "insert": lambda s: np.insert(V, 1, s).sum(),
    "append": lambda s: np.append(V, s).sum(),
    "polyval": lambda s: np.polyval([1.0, s], 2.0),
    "poly1d": lambda s: np.poly1d([1.0, s])(2.0),
    "polyfit": lambda s: np.polyfit(V, s * V * V, 1).sum(),
    "average": lambda s: np.average(V, weights=s * V),
    "cov": lambda s: np.cov(V, aweights=s * V),
    "percentile": lambda s: np.percentile(V, s * 50),
    "quantile": lambda s: np.quantile(s * V, 0.5),
    "heaviside": lambda s: np.heaviside(V - 0.5, s).sum(),
    "matrix": lambda s: np.matrix([[s, 1.0]]).sum(),
    "asmatrix": lambda s: np.asmatrix(s * V).sum(),
    "masked": lambda s: np.ma.array(s * V, mask=[0, 1, 0]).sum(),
    "masked fill": lambda s: np.ma.array(V, mask=[0, 1, 0], fill_value=s).filled().sum(),
    "masked sum": lambda s: (s + np.ma.array(V, mask=[0, 1, 0])).sum(),
    "sum masked": lambda s: (np.ma.array(V, mask=[0, 1, 0]) * s).sum(),
    "masked ufunc": lambda s: np.multiply(s, np.ma.array(V, mask=[0, 1, 0])).sum(),
    "lstsq rcond": lambda s: np.linalg.lstsq(M, V, rcond=s)[0].sum(),
    "norm ord": lambda s: np.linalg.norm(V, ord=s),
    "out": lambda s: np.multiply(V, s, out=np.zeros(3)).sum(),
    "inplace": lambda s: np.ndarray.__iadd__(np.zeros(3), s * V).sum(),
    "dot of ndarray": lambda s: V.dot(s * V),
    "choose of ndarray": lambda s: np.array([0, 1, 0]).choose([s * V, V]).sum(),
    "clip of ndarray": lambda s: V.clip(0.0, s).sum(),
    "searchsorted": lambda s: V.searchsorted(s) * s,
    "structured": lambda s: np.array([(1, s)], dtype=[("a", int), ("b", float)])["b"].sum(),
    "random": lambda s: np.random.default_rng(0).normal(s, 1.0),
    "random scale": lambda s: np.random.default_rng(0).normal(0.0, s * V).sum(),
}


@pytest.mark.filterwarnings("ignore")  # NumPy's of matrices, and of what only a comparison reads
@pytest.mark.parametrize("f", KEYWORDS.values(), ids=KEYWORDS)
def test_keywords_that_numpy_does_not_dispatch_on(f):
    """The gradient agrees with finite differences, or the call is refused."""
    try:
        got = fg.grad(f)(0.7)
    except (fg.FastgradError, TypeError):
        return
    h = 1e-6
    with fg.no_grad():
        up, down = (np.asarray(plain(f(fg.tensor(0.7 + d)))).item() for d in (h, -h))
    assert got == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-7)
