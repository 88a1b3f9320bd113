"""The parameter names of a vjp say what it reads: names are unambiguous, and every kind of callable is accepted."""

import functools
import itertools

import numpy as np
import pytest

import fastgrad as fg

P = fg.primitive


class Scale:
    """Forward and vjp as methods, and as an object that is called."""

    def __init__(self, factor):
        self.factor = factor

    def forward(self, x1, x2):
        return self.factor * x1 * x2

    def by_first(self, g, x2):
        return self.factor * g * x2

    def by_second(self, g, x1):
        return self.factor * g * x1

    @staticmethod
    def still(g, x1):
        return 3.0 * g * x1

    @classmethod
    def of_class(cls, g, x1):
        return 3.0 * g * x1

    def __call__(self, g, x1):
        return self.factor * g * x1


def slopes(gate, *values):
    """First derivatives, and the first second one that mixes two operands."""
    first = fg.grad(gate, tuple(range(len(values))))(*values)
    return [float(g) for g in first], float(fg.grad(lambda x: fg.grad(gate, 1)(x, *values[1:]))(values[0]))


def closure(factor):
    return lambda g, x1: factor * g * x1


@functools.wraps(closure(3.0))
def wrapped(*args, **kwargs):
    return closure(3.0)(*args, **kwargs)


@pytest.mark.parametrize(
    "vjp",
    [
        Scale(3.0).by_second,
        Scale.still,
        Scale.of_class,
        Scale(3.0),
        closure(3.0),
        wrapped,
        functools.partial(lambda factor, g, x1: factor * g * x1, 3.0),
        functools.partial(lambda g, x1, factor: factor * g * x1, factor=3.0),
        functools.partial(lambda factor, g, x1: factor * g * x1, factor=3.0),
        lambda g, x1, factor=3.0: factor * g * x1,
        lambda factor=3.0, g=None, x1=None: factor * g * x1 if False else factor,
        lambda g, *, x1: 3.0 * g * x1,
        lambda g, *, x1, factor=3.0: factor * g * x1,
        lambda g, x1, /: 3.0 * g * x1,
        lambda x1, g: 3.0 * g * x1,
    ],
    ids=itertools.count(),
)
def test_every_kind_of_callable_may_be_a_vjp(vjp):
    scale = Scale(3.0)
    if vjp.__class__ is type(closure) and vjp.__defaults__ == (3.0, None, None):
        with pytest.raises(TypeError, match=r"'g' .*both the cotangent and a name with a default"):
            P(scale.forward, vjp=(scale.by_first, vjp), name="f")
        return
    assert slopes(P(scale.forward, vjp=(scale.by_first, vjp), name="f"), 2.0, 5.0) == ([15.0, 6.0], 3.0)


@pytest.mark.parametrize(
    "forward",
    [
        lambda x1, x2: 3.0 * x1 * x2,
        Scale(3.0).forward,
        functools.partial(lambda factor, x1, x2: factor * x1 * x2, 3.0),
        functools.partial(lambda x1, x2, factor=1.0: factor * x1 * x2, factor=3.0),
        lambda x1, x2, /, factor=3.0: factor * x1 * x2,
        lambda x1, x2, *, factor=3.0: factor * x1 * x2,
    ],
    ids=itertools.count(),
)
def test_every_kind_of_callable_may_be_a_forward(forward):
    gate = P(forward, vjp=(lambda g, x2: 3.0 * g * x2, lambda g, x1: 3.0 * g * x1), name="f")
    assert slopes(gate, 2.0, 5.0) == ([15.0, 6.0], 3.0)


AMBIGUOUS = [
    (lambda x, y: x * y, (lambda g, y: g * y, lambda g, x: g * x), "'y' .*both the result and the operand 'y'"),
    (lambda x, g: x * g, (lambda g: g, lambda g, x: g * x), "'g' .*both the cotangent and the operand 'g'"),
    (lambda g: g * 2, lambda g: g * 2, "'g' .*both the cotangent and the operand 'g'"),
    (lambda x, /, y=2.0: x * y, lambda g, y: g * y, "'y' .*both the result and the option 'y'"),
    (lambda x, /, *, g=2.0: x * g, lambda g: g * 2, "'g' .*both the cotangent and the option 'g'"),
    (lambda *xs, i=1: xs[i] * 1, lambda g, xs, i: g * i, "'i' .*both the operand's number and the option 'i'"),
    (lambda *y: y[0] * y[1], lambda g, y, i: g * y[1 - i], r"'y' .*both the result and the operands '\*y'"),
    (lambda *g: g[0] * 1, lambda g, i: g, r"'g' .*both the cotangent and the operands '\*g'"),
    (lambda *i: i[0] * 1, lambda g, i: g, r"'i' .*both the operand's number and the operands '\*i'"),
    (lambda x, x_shape: x * 1, (lambda g, x_shape: g, None), "'x_shape' .*both the shape of 'x' and the operand"),
    (lambda x, /, x_dtype=1: x * 1, lambda g, x_dtype: g, "'x_dtype' .*both the dtype of 'x' and the option"),
    (lambda x: x * 1, lambda g, x=3.0: g, "'x' .*both the operand 'x' and a name with a default"),
    (lambda x: x * 1, functools.partial(lambda g, y: g, y=3), "'y' .*both the result and a name with"),
    (lambda x: x * 1, lambda a=3, /, g=None: g, "'a' of a vjp is positional-only with a default of its own"),
]


@pytest.mark.parametrize(("forward", "vjp", "text"), AMBIGUOUS, ids=itertools.count())
def test_a_word_with_two_meanings_is_refused_at_definition(forward, vjp, text):
    with pytest.raises(fg.DTypeError, match=f"primitive 'f': the parameter {text}.*: rename it"):
        P(forward, vjp=vjp, name="f")


def test_a_word_that_no_vjp_reads_may_mean_two_things():
    gate = P(lambda x, y: x + 2 * y, vjp=(lambda g: g, lambda g: 2 * g), name="f")
    assert [float(g) for g in fg.grad(gate, (0, 1))(2.0, 5.0)] == [1.0, 2.0]
    gate = P(lambda i, n: i * n, vjp=(lambda g, n: g * n, lambda g, i: g * i), name="f")  # "i" is of *xs alone
    assert slopes(gate, 2.0, 5.0) == ([5.0, 2.0], 1.0)


@pytest.mark.parametrize(
    "vjp", [lambda *values: values[0], lambda g, *rest: g, lambda g, **rest: g, lambda x: x, print]
)
def test_a_vjp_that_does_not_say_what_it_reads_is_refused(vjp):
    with pytest.raises(
        fg.DTypeError, match=r"primitive 'f': a vjp must be a Python function with a parameter g.*without \*args"
    ):
        P(lambda x: x * 1, vjp=vjp, name="f")


@pytest.mark.parametrize("forward", [lambda **options: 1, lambda x, **options: x, lambda a, *xs: a, lambda n=2: n])
def test_a_forward_that_does_not_name_its_operands_is_refused(forward):
    with pytest.raises(
        fg.DTypeError, match=r"primitive '.*': the forward must name its parameters and have an operand"
    ):
        P(forward, vjp=lambda g: g)


@pytest.mark.parametrize("forward", [int, 3, fg.Tensor, dict.get.__class__], ids=repr)
def test_what_is_no_function_is_no_forward(forward):
    with pytest.raises(fg.DTypeError, match="the forward must be a Python function or a ufunc, got"):
        P(forward, vjp=lambda g: g)


def test_what_a_vjp_reads_is_guarded_where_other_operands_are_plain_numbers():
    gate = P(lambda x, c: x * x * c, vjp=(lambda g, x, c: 2 * g * x * c, None), name="f")
    kept = P(lambda x, c: np.exp(x * c), vjp=(lambda g, y, c: g * y * c, None), name="f")
    for constant in 2.0, np.array(2.0), fg.tensor(2.0):
        x = fg.tensor([1.0, 2.0], requires_grad=True)
        y = gate(x * 1, constant)
        z = kept(x, constant)
        with fg.no_grad():
            y.operands[0][0] = 7.0
            z[0] = 7.0
        with pytest.raises(fg.MutationError):
            y.sum().backward()
        with pytest.raises(fg.MutationError):
            z.sum().backward()
