"""The numbers that a Value holds: ints, floats, NumPy's, and those that Python or NumPy rejects."""

import math

import numpy as np
import pytest


def test_ints_stay_ints_in_data_grad_and_repr(Value):
    a, b = Value(2), Value(-3)
    y = a * b + 4 - a**3
    y.backward()
    assert repr(y) == "Value(data=-10, grad=1)"
    assert repr(a) == "Value(data=2, grad=-15)"
    assert repr(b) == "Value(data=-3, grad=2)"
    assert repr((a / 2).relu()) == "Value(data=1.0, grad=0)"
    assert repr(Value(-1.5).relu()) == "Value(data=0, grad=0)"
    assert repr(Value(True) + 1) == "Value(data=2, grad=0)"


def test_ints_of_any_size(Value):
    a = Value(3**40)
    y = a * a + 2**70
    y.backward()
    assert y.data == 3**80 + 2**70
    assert a.grad == 2 * 3**40
    assert (Value(2) ** 100).data == 2**100
    big = Value(2**53 - 1)
    assert ((big + 1) + 1).data == 2**53 + 1
    z = big * 3
    z.backward()
    (big * 2**52).backward()
    assert big.grad == 3 + 2**52
    assert type(big.grad) is int


def test_what_python_would_raise_or_make_complex(Value):
    with pytest.raises(ZeroDivisionError):
        Value(1.0) / Value(0.0)
    with pytest.raises(ZeroDivisionError):
        Value(1.0) / 0
    with pytest.raises(ZeroDivisionError):
        Value(0) ** -1
    with pytest.raises(OverflowError):
        Value(1e300) ** 2
    with pytest.raises(OverflowError):
        Value(800.0).exp()
    with pytest.raises(ValueError, match=r"domain|positive"):
        Value(-1.0).log()
    assert (Value(-8.0) ** (1 / 3)).data == (-8.0) ** (1 / 3)
    assert (Value(math.inf) * 0.0).data != (Value(math.inf) * 0.0).data
    assert (Value(1e308) * 10).data == math.inf
    assert math.copysign(1, (Value(0.0) * -1).data) == -1


def test_gradients_begin_at_a_positive_zero(Value):
    x = Value(-0.0)
    (x**2 * 1.0).backward()
    assert math.copysign(1, x.grad) == 1
    assert math.copysign(1, (Value(2**60) * 0 + Value(-0.0)).data) == 1


def test_only_numbers_and_values_are_powers(Value):
    for bad in ("2", None, 1j, np.float32(2)):
        with pytest.raises(AssertionError, match=f"a {type(bad).__name__}: only int, float and Value powers"):
            Value(3.0) ** bad
    for bad in ("2", None, []):
        with pytest.raises(TypeError):
            bad ** Value(3.0)
    with pytest.raises(TypeError):
        pow(2, Value(3.0), 5)
    with pytest.raises(TypeError):
        Value(1.0) < Value(2.0)  # noqa: B015


def test_a_value_to_the_power_of_a_value(Value):
    for base, exponent in ((2.0, 3.0), (1.7, -0.4), (2, 3), (2, 0.5), (np.float64(1.5), 2.0), (1.5, 2), (2**70, 2)):
        a, b = Value(base), Value(exponent)
        y = a**b
        (3 * y).backward()
        assert y.data == base**exponent and type(y.data) is type(base**exponent) and y._op == "**"
        assert y._prev == {a, b} and y._operands == (a, b)
        assert a.grad == pytest.approx(3 * exponent * base ** (exponent - 1), rel=1e-14)
        assert b.grad == pytest.approx(3 * base**exponent * math.log(base), rel=1e-14)
    x = Value(3.0)
    (x**x + 2**x).backward()
    assert x.grad == pytest.approx(27 * (1 + math.log(3)) + 8 * math.log(2), rel=1e-14)
    assert (np.float64(2.0) ** Value(3.0)).data == 8


def test_powers_of_bases_that_have_no_logarithm(Value):
    def gradients(base, exponent):
        a, b = Value(base), Value(exponent)
        (a**b).backward()
        return a.grad, b.grad

    assert gradients(0.0, 2.0) == (0, 0)
    assert gradients(-2.0, 3.0) == (12, pytest.approx(math.nan, nan_ok=True))
    assert gradients(-2, 2) == (-4, pytest.approx(math.nan, nan_ok=True))
    a, b = Value(-8.0), Value(1 / 3)
    assert (a**b).data == (-8.0) ** (1 / 3)
    with pytest.raises(ZeroDivisionError):
        Value(0.0) ** Value(-1.0)
    with pytest.raises(OverflowError):
        Value(1e300) ** Value(2.0)


def test_numbers_of_numpy_on_either_side_give_a_value(Value):
    for s in (np.float64(2.0), np.float32(2.0), np.int64(2)):
        made = [Value(3.0) * s, s * Value(3.0), s + Value(3.0), Value(3.0) - s, s - Value(3.0), Value(s) * 3]
        if not isinstance(s, np.integer):  # whose power of -1 NumPy refuses, in micrograd as well
            made += [Value(3.0) / s, s / Value(4.0)]
        assert all(isinstance(y, Value) for y in made)
        assert [y.data for y in made] == [6, 6, 5, 1, -1, 6, 1.5, 0.5][: len(made)]
    y = Value(np.float64(3.0)) * 2 + 1.0
    assert type(y.data) is np.float64
    assert type((Value(3.0) * 2 + 1.0).data) is float
    assert [v.data for v in np.array([1.0, 2.0]) * Value(3.0)] == [3.0, 6.0]


def test_float64_is_refused_where_numpy_refuses_it(Value):
    a, zero = Value(np.float64(1e200)), Value(np.float64(0.0))
    with np.errstate(all="raise"):
        with pytest.raises(FloatingPointError, match="overflow"):
            a * np.float64(1e200)
        with pytest.raises(FloatingPointError, match="divide"):
            zero**-1
    with np.errstate(all="ignore"):
        assert (a * np.float64(1e200)).data == (zero**-1).data == np.inf


def test_float64_and_relu_give_what_numpy_gives(Value):
    a = Value(np.float64(2.0))
    a.relu().backward()
    assert a.grad == 1
    assert type(a.grad) is type(0 + (np.float64(2.0) > 0) * 1)
    b = Value(np.float64(-2.0))
    (b.relu() * 3.0).backward()
    assert b.grad == 0
