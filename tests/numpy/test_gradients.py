"""Gradients through every function of `fastgrad.numpy` that has a counterpart, against finite differences."""

import copy

import numpy
import pytest

import fastgrad as fg
import fastgrad.numpy as fnp
from fastgrad.functions import constants
from tests.numpy.test_names import WRAPPED

A = numpy.array([[0.31, 0.82, 0.53], [0.74, 0.25, 0.96]])
V = numpy.array([0.35, 1.55, 2.45])
W = numpy.array([2.31, 0.77, 1.13])
S = numpy.array([[2.0, 0.5, 0.1], [0.3, 3.0, 0.2], [0.1, 0.4, 4.0]])
P = S @ S.T
T = 1.1 * S[::-1] + 0.07
ONE = V[1]
# Calls to try: the first that NumPy accepts is differentiated, in all operands of floats.
FILLINGS = [
    (A,),
    (V,),
    (S,),
    (P,),
    (V / 3,),
    (V + 1,),
    (V, W),
    (S, T),
    (A, V),
    (A, 0),
    (A, 1),
    (A, [1, 0]),
    (V, 2),
    (V, [0, 2]),
    (2, V),
    ([A, A + 1],),
    ([V, W],),
    ((V, W), S[0]),
    (A, numpy.array([[0], [1]]), 1),
    (A, 0, 1),
    (A > 0.5, A, A + 1),
    (A[:, :, None], 2),
    (A, 1, ONE),
    (3, ONE),
    (ONE, 2.5 * ONE),
    (V, W, S[0]),
    (V + 0.5, S[0], S[1]),
    (V, 0.3),
    ([0, 2, 1], [V, S[0], S[1]]),
    ([V > 1, V < 1], [V, W]),
    (V, numpy.array([1, 2, 0])),
    (S, V),
    ([A, S],),
    (S, 2),
    (V, [V > 1, V < 1], [ONE, 2 * ONE]),
    (numpy.sum, 0, A),
    (numpy.sum, A, 0),
    (V > 1, V),
    (A, (2, 2)),
    (V, 1),
    (numpy.eye(4).reshape(2, 2, 2, 2) + 0.1,),
]
CALLS = {
    "clip": lambda np, a: np.clip(a, 0.3 * a, 0.9 * a[0, 0] + 1),
    "einsum": lambda np, a: np.einsum("ij,kj->ik", a, a * a),
    "pad": lambda np, a: np.pad(a, 1),
    "reshape": lambda np, a: np.reshape(a, (3, 2)),
    "astype": lambda np, a: np.astype(a * a, np.float64),
    "broadcast_to": lambda np, a: np.broadcast_to(a, (2, 2, 3)),
    "permute_dims": lambda np, a: np.permute_dims(a, (1, 0)),
    "roll": lambda np, a: np.roll(a, (1, 2), axis=(0, 1)),
    "tile": lambda np, a: np.tile(a, (2, 1)),
    "array": lambda np, a: np.array([[a[0, 0], 2.0], [a[0, 1] * a[1, 0], a[1, 1]]]),
    "asarray": lambda np, a: np.asarray([a[0], 2 * a[1]]),
    "concatenate": lambda np, a: np.concatenate((a, A, a * a), axis=0),
    "stack": lambda np, a: np.stack([a, A, a * a], -1),
    "full": lambda np, a: np.full((2, 3), a[0]),
    "full_like": lambda np, a: np.full_like(a, a[1, 2] ** 2),
    "where": lambda np, a: np.where(A > 0.5, a * a, 1.0),
    "add.reduce": lambda np, a: np.add.reduce(a, axis=1),
    "add.accumulate": lambda np, a: np.add.accumulate(a * a),
    "multiply.outer": lambda np, a: np.multiply.outer(a, a[0]),
    "list of rows": lambda np, a: np.sum([a[0], a[1] * 2], axis=0),
    "nested lists": lambda np, a: np.exp([[a[0, 0], 1.0], [2.0, a[1, 1]]]),
    "lists of two operands": lambda np, a: np.maximum([a[0, 0], 1.0], [0.5, a[1, 1]]),
    "dot": lambda np, a: np.dot([a[0], a[1]], V),
    "r_": lambda np, a: np.r_[a[0], 0.0, a[1, 1], 1:3],
    "r_ with a directive": lambda np, a: np.r_["1,2,0", a[0], a[1]],
    "c_": lambda np, a: np.c_[a, a * a, V[:2]],
    "vectorize": lambda np, a: np.vectorize(lambda x, y: x * y if x > 0.5 else y)(a, a[0]),
    "vectorize of two results": lambda np, a: np.vectorize(lambda x: (x * x, x + 1))(a)[0],
    "dsplit": lambda np, a: np.dsplit(np.reshape(a * a, (1, 2, 3)), [1]),
    "polyfit": lambda np, a: np.polyfit(a[0], a[1] * a[0], 1),
    "linalg.norm": lambda np, a: np.linalg.norm(a, axis=1),
}


def is_operand(x):
    """Whether a gradient is taken with respect to an argument, or with respect to the arrays in a list."""
    if isinstance(x, (list, tuple)):
        return bool(x) and all(map(is_operand, x))
    return isinstance(x, (numpy.ndarray, numpy.floating)) and x.dtype.kind == "f"


def leaf(x):
    return type(x)(map(leaf, x)) if isinstance(x, (list, tuple)) else fg.tensor(x, requires_grad=True)


def flat(x):
    return [part for y in x for part in flat(y)] if isinstance(x, (list, tuple)) else [x]


def shifted(x, directions, h):
    if isinstance(x, (list, tuple)):
        return type(x)(shifted(y, directions, h) for y in x)
    return x + h * next(directions)


def loss(result, weights):
    """The sum of all floating-point results, each with its weights."""
    parts = [y for y in flat(result) if getattr(y, "dtype", numpy.dtype(int)).kind in "fc"]
    terms = [(y.real if y.dtype.kind == "f" else y.real + y.imag) * weights[: y.size].reshape(y.shape) for y in parts]
    return sum(term.sum() for term in terms)


def slope(function, args, directions, weights, h):
    """The central difference of the loss along directions, in the operands among `args`."""
    ends = []
    for step in (h, -h):
        along = iter(directions)
        ends.append(loss(function(*[shifted(x, along, step) if is_operand(x) else x for x in args]), weights))
    return (ends[0] - ends[1]) / (2 * h)


def check(ours, theirs, args, rng):
    given = [leaf(x) if is_operand(x) else x for x in args]
    leaves = [x for part in given for x in flat([part]) if isinstance(x, fg.Tensor)]
    weights = rng.uniform(0.5, 1.5, 1000)
    value = loss(ours(*given), weights)
    assert isinstance(value, fg.Tensor)
    directions = [rng.uniform(-1, 1, x.shape) for x in leaves]
    gradients = fg.gradients([value], leaves, allow_unused=True) if value.requires_grad else []
    got = sum(numpy.sum(g.numpy() * d) for g, d in zip(gradients, directions, strict=False) if g is not None)
    assert got == pytest.approx(slope(theirs, args, directions, weights, 1e-6), rel=1e-6, abs=1e-7)


def accepted(theirs):
    """Return the first filling that NumPy accepts and where it is smooth, and whether any has a result of floats."""
    weights, floats, called = numpy.ones(1000), False, False
    for filling in FILLINGS:
        args = copy.deepcopy(filling)
        try:
            result = theirs(*args)
        except Exception:
            continue
        if not any(map(is_operand, args)) or any(result is x for x in args):
            continue
        called = True
        if isinstance(loss(result, weights), int):
            continue
        floats = True
        operands = flat([x for x in args if is_operand(x)])
        directions = [numpy.cos(numpy.arange(x.size)).reshape(x.shape) for x in operands]
        first, second = (slope(theirs, filling, directions, weights, h) for h in (1e-5, 3e-6))
        if first == pytest.approx(second, rel=1e-5, abs=1e-6):
            return filling, True
    return None, floats or not called


OWN_ROWS = {name for name in CALLS if " " not in name}
# Constants, and functions of symmetric matrices, or with results that are defined up to a factor.
OTHERS = """
    empty_like zeros_like ones_like isin linalg.eig linalg.eigh linalg.eigvalsh linalg.cholesky
"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("ours", "theirs"), WRAPPED)
def test_gradients_through_each_function(ours, theirs, rng):
    name = f"{ours.__module__}.{ours.__name__}".removeprefix("fastgrad.numpy.")
    if name in OTHERS.split() or name in OWN_ROWS or ours.counterpart in constants.constants().values():
        return
    args, has_gradient = accepted(theirs)
    if args is not None:
        check(ours, theirs, args, rng)
    assert args is not None or not has_gradient, f"{name} has no row in CALLS, and none of FILLINGS is a call of it"


@pytest.mark.parametrize("name", CALLS)
def test_gradients_of_calls(name, rng):
    call = CALLS[name]
    check(lambda a: call(fnp, a), lambda a: call(numpy, a), (A,), rng)


def test_several_results_are_recorded_each():
    x = fg.tensor(V, requires_grad=True)
    for grids in (fnp.meshgrid(x, 2 * x), fnp.broadcast_arrays(x, 2 * x)):
        (gx,) = fg.gradients([grids[0].sum() + grids[1].sum()], [x])
        numpy.testing.assert_array_equal(gx.numpy(), 3.0 * numpy.full(3, grids[0].size / 3))


def test_what_becomes_of_a_tensor():
    x = fg.tensor(V, requires_grad=True)
    assert fnp.asarray(x) is x and fnp.asanyarray(x) is x
    assert fnp.array(x).op == "copy" and fnp.array(x, dtype=numpy.float32).dtype == numpy.float32
    assert fnp.array(x, ndmin=2).shape == (1, 3) and fnp.array([x]).shape == (1, 3)
    for like in (fnp.zeros_like(x), fnp.ones_like(x), fnp.empty_like(x)):
        assert isinstance(like, fg.Tensor) and not like.requires_grad and like.shape == (3,)
    assert isinstance(fnp.argmax(x), fg.Tensor) and fnp.argmax(x) == 2
    assert fnp.shape(x) == (3,) and fnp.ndim(x) == 1 and fnp.size(x) == 3
    with pytest.raises(fg.ShapeError):
        fnp.array([x, 1.0])


@pytest.mark.parametrize("convert", [fnp.float64, fnp.random.normal, fnp.asmatrix, fnp.ma.array])
@pytest.mark.filterwarnings("ignore")
def test_conversions_that_would_lose_a_gradient_are_refused(convert):
    with pytest.raises(fg.NotDifferentiableError):
        fg.grad(lambda t: convert(t * V).sum())(0.5)


def test_dtypes_follow_numpys_promotion():
    x = fg.tensor(numpy.float32([1, 2]), requires_grad=True)
    assert fnp.r_[x, 0.0].dtype == numpy.float32 and fnp.r_[x, numpy.zeros(1)].dtype == numpy.float64
    assert fnp.add(x, 1.0).dtype == numpy.float32
    assert fnp.array([x[0], 1.0]).dtype == numpy.array([numpy.float32(1), 1.0]).dtype
    assert fnp.sum(x, dtype=numpy.float64).dtype == numpy.float64


def test_under_no_grad_nothing_is_recorded():
    x = fg.tensor(V, requires_grad=True)
    with fg.no_grad():
        y = fnp.sum(fnp.array([x[0], 2.0]))
    assert isinstance(y, fg.Tensor) and not y.requires_grad


def test_writes_into_tensors():
    x, out = fg.tensor(V, requires_grad=True), fg.tensor(numpy.zeros(3))
    fnp.multiply(x, x, out)
    (gx,) = fg.gradients([out.sum()], [x])
    numpy.testing.assert_array_equal(gx.numpy(), 2 * V)
    with pytest.raises(fg.NotDifferentiableError, match=r"np\.multiply with out= cannot be recorded"):
        fnp.multiply(x, x, out=numpy.zeros(3))
    counts = fg.tensor(numpy.zeros(3))
    fnp.add.at(counts, [0, 0, 2], 1.0)
    assert counts.tolist() == [2.0, 0.0, 1.0]


def test_masked_arrays_keep_their_mask():
    x, m = fg.tensor(V), numpy.ma.array(V, mask=[0, 1, 0])
    assert isinstance(fnp.add(m, x), numpy.ma.MaskedArray) and fnp.add(m, x).mask.tolist() == [False, True, False]
    with pytest.raises(fg.NotDifferentiableError):
        fnp.add(m, fg.tensor(V, requires_grad=True))
