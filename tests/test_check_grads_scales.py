"""`check_grads` at every scale of values, for all rules and dtypes: no tolerance is absolute."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.rules import FUNCTIONS, RULES
from tests.support.rule_samples import NAMES, is_float, samples

check_grads = fg.testing.check_grads
A = np.array([0.25, -1.25, 2.0])
SCALES = [1e-10, 1e-5, 1.0, 1e5, 1e10]
# Rules whose derivative is zero wherever it exists: a factor is not seen.
FLAT = {"ceil", "floor", "floor_divide", "round", "sign", "trunc"}


def off(factor):
    return fg.primitive(lambda x: x * 1, vjp=lambda g: g * factor, name="off")


def functions(name, dtype):
    """Yield the op as a function of its floating-point operands, with these, for the first few samples."""
    for operands, params in samples(name):
        at = [k for k, x in enumerate(operands) if is_float(x) and RULES[name].differentiable(k)]
        if any(operands[k].size for k in at):

            def f(*xs, operands=operands, params=params, at=at, hermitian=RULES[name].hermitian):
                filled = list(operands)
                for k, x in zip(at, xs, strict=True):
                    filled[k] = (x + fg.matrix_transpose(x)) / 2 if hermitian else x
                return FUNCTIONS[name](*filled, **params)

            yield f, tuple(operands[k].astype(dtype) for k in at)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*seems independent:fastgrad.errors.GradientWarning")  # flat ones are
@pytest.mark.parametrize("name", [name for name in NAMES if RULES[name].has_vjp])
def test_every_rule_passes_and_a_wrong_factor_does_not(name):
    seen = missed = 0
    for dtype, factor in (np.float64, 1.001), (np.float32, 1.05):
        for f, xs in list(functions(name, dtype))[:3]:
            if f(*xs).dtype.kind not in "fc":
                continue
            for scale in 1e-10, 1e10:
                check_grads(lambda *xs, f=f, c=scale: f(*xs) * c, xs, order=2 if scale < 1 else 1)
            largest = max(
                np.abs(g).max(initial=0) for g in fg.vjp(f, *xs)[1](np.ones_like(np.asarray(f(*xs).detach())))
            )
            if dtype is np.float64 and largest > 1e-6:
                seen += 1
                wrong = off(factor)
                try:
                    check_grads(lambda *xs, f=f, wrong=wrong: wrong(f(*xs)) * 1e-10, xs, order=1)
                    missed += 1
                except AssertionError:
                    pass
    assert missed == 0 or (name in FLAT and seen == 0)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("dtype", "factors"),
    [
        (np.float64, (0.5, 0.999, 1.001, 2.0, -1.0, 0.0)),
        (np.complex128, (0.5, 0.999, 1.001, 2.0, -1.0, 0.0)),
        (np.float32, (0.5, 0.99, 1.01, 2.0, -1.0, 0.0)),
        (np.complex64, (0.5, 0.99, 1.01, 2.0, -1.0, 0.0)),
    ],
)
def test_a_wrong_factor_is_found_at_every_scale(dtype, factors, scale):
    xs = (A.astype(dtype), dtype(0.75))
    if np.dtype(dtype).kind == "c":
        xs = (xs[0] * (1 + 0.5j), xs[1] * (1 - 1j))
        xs = tuple(np.asarray(x, dtype) for x in xs)

    def f(x, w):
        return np.tanh(x * w) * dtype(scale), {"b": x * x * w}

    check_grads(f, xs, order=2)
    for factor in factors:
        wrong = off(factor)
        for modes in ("vjp",), ("jvp",):
            with pytest.raises(AssertionError):
                check_grads(lambda x, w, wrong=wrong: f(wrong(x), w), xs, order=1, modes=modes)
            with pytest.raises(AssertionError):  # beside a result that is right, and much larger or smaller
                check_grads(lambda x, w, wrong=wrong: (wrong(f(x, w)[0]), f(x, w)[1]), xs, order=1, modes=modes)


@pytest.mark.parametrize("scale", SCALES)
def test_a_wrong_second_derivative_is_found_at_every_scale(scale):
    half = fg.primitive(lambda x: np.tanh(x), vjp=lambda g, y: g * (1 - y.detach() * y), name="half")
    with pytest.raises(AssertionError, match="order 2"):
        check_grads(lambda x: half(x) * scale, (A,), order=2)
    check_grads(lambda x: np.tanh(x) * scale, (A,), order=3)


@pytest.mark.parametrize("x", [1e-8, 1e-3, 1.0, 300.0, 1e4, 1e6])
def test_large_and_small_arguments_raise_no_false_alarm(x):
    xs = np.array([x, -2 * x, 0.5 * x])
    for f in np.sin, np.tanh, lambda x: x * x * x, lambda x: np.sqrt(x * x + 1), lambda x: (x - x.mean()) ** 2, np.sum:
        check_grads(f, (xs,), order=2)
        check_grads(f, (xs.astype(np.float32),), order=1) if x < 300 else None


def test_values_of_zero_have_derivatives_all_the_same():
    wrong = off(1.001)
    for scale in SCALES:
        check_grads(lambda x, c=scale: x * c, (np.zeros(3),))
        check_grads(lambda x, c=scale: np.sin(x) * x * c, (np.zeros(3),))
        with pytest.raises(AssertionError):
            check_grads(lambda x, c=scale: wrong(x) * c, (np.zeros(3),))
