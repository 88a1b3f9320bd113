"""Subclasses of Value: overridden operators are called where micrograd's source calls them, and nowhere else."""

import itertools
import operator
import random
from functools import partial

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.micrograd import engine, value_python
from tests.micrograd.plain import Plain

try:
    from micrograd.engine import Value as Original
except ImportError:
    Original = Plain

VALUES = [value_python.Value] + [engine.Value] * (fg.engine == "cython")
BINARY = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "+=": operator.iadd,
    "-=": operator.isub, "*=": operator.imul, "/=": operator.itruediv, "**": operator.pow,
}  # fmt: skip
OVERRIDDEN = (
    "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__rtruediv__", "__neg__",
    "__pow__", "__rpow__",
)  # fmt: skip


def recorder(Value, names, calls, tag="S", decline=()):
    """Return a subclass that records every call of `names` and calls its base, except for those it declines."""

    def override(name):
        def method(self, *args):
            calls.append((tag, name, self.data, *(getattr(a, "data", a) for a in args)))
            if name in decline:
                return NotImplemented
            return getattr(super(made, self), name)(*args)

        return method

    made = type(tag, (Value,), {name: override(name) for name in names})
    return made


def seen(y, watched):
    """Return everything that a program can observe of a result and its graph and that two runs can compare."""
    y.backward()
    # `repr` has the data and the gradient, which may be NaN.
    first = [(type(v).__name__.replace("Plain", "Value"), v._op, len(v._prev), repr(v)) for v in watched]
    return repr(y), y._op, type(y).__name__.replace("Plain", "Value"), sorted(repr(v) for v in y._prev), first


def outcome(Value, make, act):
    calls = []
    try:
        watched = make(Value, calls)
        result = seen(act(*watched), [v for v in watched if isinstance(v, Value)])
    except (TypeError, AssertionError, ZeroDivisionError, RecursionError) as error:
        result = type(error)
        if result is RecursionError:  # whose depth is each implementation's own
            del calls[20:]
    return result, calls


def operands(names, decline=()):
    """For every kind of pair: functions that make it, given the class to derive from and the list of calls."""

    def S(V, calls):
        return recorder(V, names, calls, "S", decline)

    def T(V, calls):
        return recorder(S(V, calls), names, calls, "T")

    return {
        "S S": lambda V, c: (lambda s: (s(3.0), s(2.0)))(S(V, c)),
        "S Value": lambda V, c: (S(V, c)(3.0), V(2.0)),
        "Value S": lambda V, c: (V(3.0), S(V, c)(2.0)),
        "S float": lambda V, c: (S(V, c)(3.0), 2.0),
        "float S": lambda V, c: (3.0, S(V, c)(2.0)),
        "S int": lambda V, c: (S(V, c)(3), 2),
        "int S": lambda V, c: (3, S(V, c)(2)),
        "float64 S": lambda V, c: (np.float64(3.0), S(V, c)(2.0)),
        "S float64": lambda V, c: (S(V, c)(3.0), np.float64(2.0)),
        "S T": lambda V, c: (lambda s: (s(3.0), recorder(s, names, c, "T")(2.0)))(S(V, c)),
        "T S": lambda V, c: (lambda s: (recorder(s, names, c, "T")(3.0), s(2.0)))(S(V, c)),
        "Value T": lambda V, c: (V(3.0), T(V, c)(2.0)),
        "S other": lambda V, c: (S(V, c)(3.0), recorder(V, ["__radd__", "__mul__"], c, "O")(2.0)),
        "Value Value": lambda V, c: (V(3.0), V(2.0)),
    }


@pytest.mark.parametrize("Value", VALUES)
@pytest.mark.parametrize("plain", [Plain, Original])
@pytest.mark.parametrize("names", [(), *((n,) for n in OVERRIDDEN), *itertools.combinations(OVERRIDDEN, 2), OVERRIDDEN])
def test_every_operator_times_every_override(Value, plain, names):
    for (pair, make), (sign, op) in itertools.product(operands(names).items(), BINARY.items()):
        assert outcome(Value, make, op) == outcome(plain, make, op), (pair, sign)
    for act in (lambda s: -s, lambda s: s**3, lambda s: s**0.5, lambda s: s**s, lambda s: s.relu()):
        for make in (lambda V, c: (recorder(V, names, c)(3.0),), lambda V, c: (recorder(V, names, c)(-2),)):
            mine, theirs = outcome(Value, make, act), outcome(plain, make, act)
            assert (mine == theirs) or isinstance(act(make(plain, [])[0]).data, complex), names


@pytest.mark.parametrize("Value", VALUES)
@pytest.mark.parametrize("name", OVERRIDDEN)
def test_an_override_that_declines(Value, name):
    for (pair, make), (sign, op) in itertools.product(operands(OVERRIDDEN, (name,)).items(), BINARY.items()):
        assert outcome(Value, make, op) == outcome(Plain, make, op), (pair, sign)


def by_name(method, a, b):
    return getattr(a, method)(b)


@pytest.mark.parametrize("Value", VALUES)
def test_methods_called_by_name(Value):
    """As `super()` does, or a program that uses an operator as a function."""
    for names in ((), ("__add__",), ("__mul__", "__radd__"), OVERRIDDEN):
        for method in OVERRIDDEN[:8]:
            for pair in ("S S", "S Value", "S float", "S int", "S float64", "Value Value"):
                make = operands(names)[pair]
                if pair == "S Value" and method[:3] == "__r" and method not in names:
                    continue  # Python calls it so too where it looks for reflected methods
                act = partial(by_name, method)
                assert outcome(Value, make, act) == outcome(Plain, make, act), (names, method, pair)


@pytest.mark.parametrize("Value", VALUES)
def test_what_an_override_returns_is_what_comes_out(Value):
    class Loud(Value):
        def __add__(self, other):
            return "add"

        def __mul__(self, other):
            return "mul"

        def __pow__(self, other):
            return f"to the {other}"

    s, v = Loud(2.0), Value(3.0)
    assert (1 + s, s - 1, s - v, 1 + s, -s, 2 * s, s / 2) == ("add", "add", "add", "add", "mul", "mul", "mul")
    assert (s**2, 1 / s) == ("to the 2", "to the -1")
    for f in (lambda: v / s, lambda: v - s, lambda: 1 - s):
        with pytest.raises(TypeError):
            f()


def random_class(Value, seed, calls):
    r = random.Random(seed)
    base = recorder(Value, r.sample(OVERRIDDEN, r.randint(0, 4)), calls, "A")
    return base, recorder(base, r.sample(OVERRIDDEN, r.randint(0, 4)), calls, "B")


def random_program(Value, seed):
    """Run 25 random operations on Values of three classes and numbers; return the recorded calls and the results."""
    calls, r = [], random.Random(seed)
    classes = (Value, *random_class(Value, seed, calls))
    made = [r.choice(classes)(r.choice([2, -1, 0.5, 1.5, -2.0, np.float64(0.25)])) for _ in range(5)]
    for _ in range(25):
        a, b = r.choice(made), r.choice([*made, 2, 0.5, -1.5])
        sign = r.choice(["+", "-", "*", "/", "r-", "r/", "neg", "pow", "relu", "again", "look"])
        try:
            if sign in BINARY:
                y = BINARY[sign](a, b)
            elif sign[0] == "r" and sign != "relu":
                y = BINARY[sign[1]](b, a)
            elif sign == "again":
                y = r.choice(classes)(a.data)
            elif sign == "look":
                y = a + len(a._prev)
            else:
                y = -a if sign == "neg" else a.relu() if sign == "relu" else a ** r.choice([2, 3, 1])
        except ZeroDivisionError:
            continue
        if abs(y.data) < 1e6 and np.isfinite(y.data):
            made.append(y)
    made[-1].backward()
    return calls, [(v.data, type(v.data), v.grad, v._op, len(v._prev), type(v).__name__) for v in made]


@pytest.mark.parametrize("Value", VALUES)
@pytest.mark.parametrize("start", range(0, 400, 50))
def test_random_programs_with_subclasses(Value, start):
    with np.errstate(all="ignore"):
        for seed in range(start, start + 50):
            (calls, mine), (their_calls, theirs) = random_program(Value, seed), random_program(Plain, seed)
            assert calls == their_calls, seed
            for m, o in zip(mine, theirs, strict=True):
                assert m[:2] == o[:2] and m[3:5] == o[3:5] and m[5] == o[5].replace("Plain", "Value"), (seed, m, o)
                # A sum of gradients, in the order of a set of addresses there.
                assert m[2] == pytest.approx(o[2], rel=1e-9, abs=1e-9 * (1 + abs(float(o[2])))), (seed, m, o)
