"""Every rule in forward mode: its jvp against the vjp of the vjp, finite differences, and the transpose."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad._engine import pull_back, push_forward
from fastgrad.errors import DTypeError, NotDifferentiableError
from fastgrad.rules import FUNCTIONS, RULES
from tests.support.references_linalg import PHASED
from tests.support.rule_samples import NAMES, asked, direction, is_float, like, samples

SMOOTH = [name for name in NAMES if RULES[name].has_vjp]
STEP, DIFFERENCE = 1e-5, 5e-7
AGREE = 1e-9  # two formulas for the same number, of operands that may be badly conditioned


def inner(a, b):
    """The real inner product, where complex arrays count as pairs of reals."""
    return float(np.real(np.vdot(np.asarray(b), np.asarray(a))))


def close(got, wanted, tolerance, what):
    scale = max(1.0, np.max(np.abs(wanted), initial=0.0))
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def operands_of(name, dtype=None):
    """Yield operands of the samples of a rule, as arrays, and its parameters; complex ones where it takes them."""
    rule, rng = RULES[name], np.random.default_rng(5)
    for operands, params in samples(name):
        if dtype is None or not any(is_float(x) or np.iscomplexobj(x) for x in operands):
            yield operands, params
            continue
        if np.dtype(dtype).kind == "f":
            yield [x.astype(dtype) if is_float(x) else x for x in operands], params
            continue
        zs = [(x + 0.3j * rng.normal(size=x.shape)).astype(dtype) if is_float(x) else x for x in operands]
        if rule.hermitian:
            zs = [(z + np.conj(np.swapaxes(z, -1, -2))) / 2 for z in zs]
        yield zs, params


def recorded(operands):
    """Return floating-point and complex arrays as leaves and everything else unchanged."""
    return [
        fg.tensor(x, requires_grad=True) if isinstance(x, np.ndarray) and x.dtype.kind in "fc" else x for x in operands
    ]


def tangents_of(rule, xs, rng, chosen):
    """Return random tangents for the operands with numbers `chosen`, and None for the others."""
    return [
        fg.asarray(np.asarray(direction(rule, x.shape, rng, x.dtype), x.dtype)) if k in chosen else None
        for k, x in enumerate(xs)
    ]


def differentiable_calls(name, dtype=None):
    """Yield `(rule, operands as leaves, parameters, result, numbers of the operands that have a gradient)`."""
    rule = RULES[name]
    for operands, params in operands_of(name, dtype):
        xs = recorded(operands)
        try:
            y = FUNCTIONS[name](*xs, **params)
        except (TypeError, DTypeError):
            assert np.dtype(dtype).kind == "c"
            return
        chosen = asked(rule, xs)
        if chosen and y.dtype.kind in "fc":
            yield rule, xs, params, y, chosen


def subsets(chosen):
    """Yield all operands, and each alone: the others then have no tangent."""
    yield tuple(chosen)
    if len(chosen) > 1:
        yield from ((k,) for k in chosen)


def push(rule, tangents, y, xs, params):
    """Return the tangent of the result by the rule's `jvp`, as an array."""
    operands, bound = rule.bind(tuple(xs), dict(params))
    operands = [fg.asarray(x) if isinstance(x, np.ndarray) else x for x in operands]
    tangents = (*tangents, *(None,) * (len(operands) - len(tangents)))
    with fg.no_grad():
        dy = rule.push(tangents, y.detach(), operands, bound)
    return np.zeros(y.shape, y.dtype) if dy is None else dy.detach().numpy()


def transposed(y, xs, tangents):
    """Return the same by the vjp of the vjp."""
    pairs = [(x, t) for x, t in zip(xs, tangents, strict=True) if t is not None]
    u = fg.tensor(np.zeros(y.shape, y.dtype), requires_grad=True)
    gs = fg.gradients(y, [x for x, _ in pairs], u, create_graph=True, allow_unused=True)
    live = [(g, t) for g, (_, t) in zip(gs, pairs, strict=True) if g is not None and g.requires_grad]
    if not live:
        return np.zeros(y.shape, y.dtype)
    (dy,) = fg.gradients([g for g, _ in live], [u], [t for _, t in live], allow_unused=True)
    return np.zeros(y.shape, y.dtype) if dy is None else dy.numpy()


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")  # astype to a real dtype, as NumPy says
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("name", SMOOTH)
def test_jvp_is_the_transpose_of_the_vjp(name, dtype):
    if name in PHASED and dtype == "complex128":
        return  # the phase of complex factors is LAPACK's
    rng = np.random.default_rng(11)
    tolerance = 1e-4 if dtype == "float32" else AGREE
    for rule, xs, params, y, chosen in differentiable_calls(name, dtype):
        for some in subsets(chosen):
            tangents = tangents_of(rule, xs, rng, some)
            try:
                wanted = transposed(FUNCTIONS[name](*xs, **params), xs, tangents)
            except NotDifferentiableError:
                with pytest.raises(NotDifferentiableError):
                    push(rule, tangents, y, xs, params)
                continue
            got = push(rule, tangents, y, xs, params)
            assert got.shape == y.shape and got.dtype == y.dtype, f"{name} {params} {got.dtype}"
            close(got, wanted, tolerance, f"{name} {params}, tangents of {some}")


def strided(x):
    """Return the elements of an array, every second one of a larger array, in Fortran order."""
    wide = np.empty((*x.shape[:-1], 2 * x.shape[-1]), x.dtype, order="F") if x.ndim else np.empty((), x.dtype)
    view = wide[..., ::2] if x.ndim else wide
    view[...] = x
    return view


def as_function(name, operands, params, chosen):
    """Return the op as a function of the operands with numbers `chosen`, and these."""

    def function(*values):
        given = dict(zip(chosen, values, strict=True))
        return FUNCTIONS[name](*(given.get(k, x) for k, x in enumerate(operands)), **params)

    return function, tuple(operands[k] for k in chosen)


def calls(name, dtype="float64"):
    """Yield the op as a function of its operands, these, directions of them, and a cotangent."""
    rng = np.random.default_rng(12)
    for rule, xs, params, y, chosen in differentiable_calls(name, dtype):
        if not refuses(name):
            operands = [x.detach().numpy() if isinstance(x, fg.Tensor) else x for x in xs]
            function, values = as_function(name, operands, params, chosen)
            directions = tuple(direction(rule, x.shape, rng, x.dtype) for x in values)
            yield function, values, directions, like(y, rng).numpy()


def refuses(name):
    """Return whether the op has no gradient of its first operand, and says so."""
    return name in ("gammainc", "gammaincc")


@pytest.mark.filterwarnings("ignore::fastgrad.errors.GradientWarning")  # of a result without elements
@pytest.mark.parametrize("name", SMOOTH)
def test_jvp_is_the_slope_for_every_layout(name):
    for function, values, directions, v in calls(name):
        y, dy = fg.jvp(function, values, directions)
        assert np.shape(dy) == np.shape(y) and np.asarray(dy).dtype == np.asarray(y).dtype
        ahead, behind = (
            function(*(np.asarray(x + h * d) for x, d in zip(values, directions, strict=True))).numpy()
            for h in (STEP, -STEP)
        )
        slope = (inner(ahead, v) - inner(behind, v)) / (2 * STEP)
        close(inner(dy, v), slope, DIFFERENCE * max(1, np.sqrt(np.size(y))), name)
        laid_out = fg.jvp(function, tuple(map(strided, values)), tuple(map(strided, directions)))[1]
        close(laid_out, dy, 1e-12, f"{name}, strided")


@pytest.mark.filterwarnings("ignore::fastgrad.errors.GradientWarning")
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", SMOOTH)
def test_second_order_is_the_same_by_every_nesting(name, dtype):
    """With the Hessian H of <v, f>: H d forward over reverse and reverse over forward, and d H d forward twice."""
    if name in PHASED and dtype == "complex128":
        return  # the phase of complex factors is LAPACK's
    for function, values, directions, v in calls(name, dtype):
        if not v.size:
            continue
        every = tuple(range(len(values)))

        def pulled(*xs, function=function, v=v):
            return fg.vjp(function, *xs)[1](v)

        def pushed(*xs, function=function, directions=directions):
            return fg.jvp(function, xs, directions)[1]

        def weighed(*xs, pushed=pushed, v=v):
            return fg.sum(fg.real(pushed(*xs) * np.conj(v)))

        first = fg.jvp(pulled, values, directions)[1]
        first = first if isinstance(first, tuple) else (first,)
        second = fg.grad(weighed, every)(*values)
        for one, other in zip(first, second, strict=True):
            close(one, other, AGREE, name)
        twice = fg.jvp(pushed, values, directions)[1]
        once = sum(inner(h, d) for h, d in zip(first, directions, strict=True))
        close(inner(twice, v), once, AGREE * max(1, v.size), name)


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize("name", SMOOTH)
def test_a_batch_of_directions_is_as_one_after_the_other(name, record):
    """In both modes, as the rows and columns of Jacobians are computed."""
    rng = np.random.default_rng(13)
    for rule, xs, params, y, chosen in differentiable_calls(name, "float64"):
        if refuses(name):
            continue
        given = tuple(xs[k] for k in chosen)
        tangents = [tuple(tangents_of(rule, given, rng, range(len(given)))) for _ in range(3)]
        together = tuple(fg.stack(list(ts)) for ts in zip(*tangents, strict=True))
        (got,) = push_forward((y,), given, together, batch=3, create_graph=record)
        for k, ts in enumerate(tangents):
            (wanted,) = push_forward((y,), given, ts, create_graph=record)
            assert (got is None) == (wanted is None)
            if got is not None:
                close(got.detach().numpy()[k], wanted.detach().numpy(), AGREE, f"{name} {params}, jvp")
        cotangents = [like(y, rng) for _ in range(3)]
        got = pull_back((y,), given, (fg.stack(cotangents),), batch=3, create_graph=record)
        for k, g in enumerate(cotangents):
            wanted = fg.gradients(y, given, g, retain_graph=True, create_graph=record)
            for some, one in zip(got, wanted, strict=True):
                close(some.detach().numpy()[k], one.detach().numpy(), AGREE, f"{name} {params}, vjp")


@pytest.mark.parametrize("select", [lambda x: fg.maximum(x, 0.0), fg.relu, lambda x: fg.clip(x, 0.0, None)])
def test_an_infinite_slope_is_deselected_to_second_order(select):
    """As in PyTorch: the gradient and the Hessian are 0 where `select` discards a root with an infinite slope."""
    x, ones = np.array([-1.0, 2.0, -3.0]), np.ones(3)
    first, second = np.array([0, 0.5 / np.sqrt(2), 0]), np.array([0, -0.25 / 2**1.5, 0])

    def f(x):
        return fg.sqrt(select(x)).sum()

    np.testing.assert_allclose(fg.grad(f)(x), first, rtol=1e-15)
    np.testing.assert_allclose(fg.hvp(f, (x,), (ones,)), second, rtol=1e-14)
    np.testing.assert_allclose(fg.hessian(f)(x), np.diag(second), rtol=1e-14)
    np.testing.assert_allclose(fg.grad(lambda x: fg.grad(f)(x).sum())(x), second, rtol=1e-14)


def test_a_tangent_that_is_not_selected_does_not_matter():
    x, bad = np.array([3.0, 1.0, 2.0]), np.array([1.0, np.inf, np.nan])
    assert fg.jvp(fg.max, (x,), (bad,))[1] == 1.0
    assert fg.jvp(lambda x: fg.sort(x)[2], (x,), (bad,))[1] == 1.0
    assert fg.jvp(lambda x: x[0], (x,), (bad,))[1] == 1.0
    np.testing.assert_array_equal(fg.jvp(lambda x: fg.where(x > 2.5, x, 0.0), (x,), (bad,))[1], [1.0, 0.0, 0.0])
    with_nan = np.array([np.nan, 1.0, 2.0])
    assert fg.jvp(fg.nanmax, (with_nan,), (bad[::-1],))[1] == 1.0
    assert fg.jvp(fg.nansum, (with_nan,), (np.array([np.nan, 1.0, 2.0]),))[1] == 3.0
