"""What programs of Values hold, refuse, and survive."""

import copy
import gc
import math
import pickle
import weakref
from fractions import Fraction

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import errors

from ..support.threads import in_threads


def test_the_program_keeps_the_leaves_alone_alive(pair):
    Value, Program = pair
    x = Value(2.0)
    y = x * 3.0
    loss = y.exp()
    program = Program(loss)
    seen, held = weakref.ref(y), weakref.ref(x)
    del x, y, loss
    gc.collect()
    assert seen() is None
    assert program() == math.exp(6.0)
    assert held().grad == 3.0 * math.exp(6.0)
    assert sorted(v.data for v in program.leaves) == [2.0, 3.0]
    held().program = program  # a cycle
    gone = weakref.ref(program)
    del program
    gc.collect()
    assert gone() is None
    assert held() is None


def test_other_numbers(pair):
    Value, Program = pair
    x, w = Value(2.0), Value(3.0)
    program = Program(x * w)
    for data in (True, 7, 2**60, np.float64(1.5), np.int64(-3), np.uint8(4), np.float64("inf")):
        x.data, x.grad, w.grad = data, np.int32(2), np.float64(1.0)
        assert program() == float(data) * 3.0
        assert (x.grad, w.grad) == (5.0, 1.0 + float(data))
        assert x.data is data or x.data == data
    for bad in (Fraction(1, 3), 1j, "2", None, np.float32(2), [1.0], np.ones(1), np.longdouble(1)):
        x.data, x.grad, w.grad = bad, 0, 0
        with pytest.raises(errors.DTypeError, match=rf"the data of a leaf is a {type(bad).__name__}.* v.data = float"):
            program()
        x.data, x.grad = 1.0, bad
        with pytest.raises(errors.DTypeError, match=f"the grad of a leaf is a {type(bad).__name__}"):
            program()
        assert (x.grad is bad, w.grad) == (True, 0)
    x.data, x.grad = 10**400, 0
    with pytest.raises(OverflowError):
        program()


def test_what_cannot_be_computed_raises_and_changes_nothing(pair):
    Value, Program = pair
    x = Value(2.0)
    y = Value(1.0)
    for make, data, error in [
        (lambda: x**-1 + y, 0.0, ZeroDivisionError),
        (lambda: x**0.5 + y, 0.0, ZeroDivisionError),  # in the backward pass
        (lambda: x.exp() + y, 800.0, OverflowError),
        (lambda: x**3 + y, 1e200, OverflowError),
        (lambda: x.log() + y, 0.0, ValueError),
        (lambda: x**0.5 + y, -2.0, errors.DTypeError),
        (lambda: x**y, -2.0, None),
    ]:
        x.data = 2.0
        program = Program(make())
        x.data, x.grad, y.grad = data, 7.0, 0
        if error is None:
            assert program() == -2.0
            assert math.isnan(y.grad)
            continue
        with pytest.raises(error):
            program()
        assert (x.data, x.grad, y.grad) == (data, 7.0, 0)
        x.data = 2.0
        program()  # it is not stuck
    x.data = 2.0
    program = Program(x**0.5)
    x.data = -2.0
    with pytest.raises(errors.DTypeError, match=r"-2.0\*\*0.5 is complex"):
        program()


def test_only_values_are_replayed(pair):
    Value, Program = pair
    x = Value(2.0)
    for bad in (3.0, None, [x], fg.tensor(1.0)):
        with pytest.raises(errors.NotDifferentiableError, match=f"the loss is a {type(bad).__name__}: only Values"):
            Program(bad)
        with pytest.raises(errors.NotDifferentiableError, match=f"a member of refresh is a {type(bad).__name__}"):
            Program(x, [x, bad])
    with pytest.raises(errors.NotDifferentiableError, match=r"refresh\[1\] is not part of the graph"):
        Program(x * 2.0, [x, Value(1.0)])
    x.backward()  # marks and links are in order
    assert (x * 2.0)._prev >= {x}


def test_ops_of_the_user_are_refused(pair):
    Value, Program = pair
    x = Value(2.0)
    y = Value(math.sin(2.0), (x,), "sin")
    y._backward = lambda: None
    with pytest.raises(errors.CompileError, match="an op of your own, 'sin'"):
        Program(y * 2.0)
    z = x * 3.0
    z._backward = lambda: None
    with pytest.raises(errors.CompileError, match=r"'\*'"):
        Program(z)
    other = x * 3.0
    other._prev = (x,)
    with pytest.raises(errors.CompileError, match=r"call backward\(\) instead of replay\(\)"):
        Program(other)
    fine = x * 3.0
    assert len(fine._prev) == 2
    assert vars(fine)["_op"] == "*"
    vars(x)["data"] = 5.0
    program = Program(fine, [fine])
    assert program() == 15.0
    assert (x.grad, fine.data) == (3.0, 15.0)
    assert vars(x)["grad"] == 3.0
    named = Value(4.0, _op="input")
    Program(named * 2.0)()
    assert named.grad == 2.0


def test_subclasses_are_values(pair):
    Value, Program = pair

    class Mine(Value):
        pass

    x = Mine(2.0)
    program = Program((x * 3.0 + 1.0).tanh())
    x.data = 0.1
    assert program() == math.tanh(0.1 * 3.0 + 1.0)
    assert x.grad == pytest.approx(3 * (1 - math.tanh(1.3) ** 2))


def test_programs_are_not_copied(pair):
    Value, Program = pair
    program = Program(Value(1.0) * 2.0)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be copied or pickled: pickle the Values"):
            attempt(program)


def test_a_running_program_is_not_called_again(pair):
    Value, Program = pair
    x = Value(2.0)
    program = Program(x * x)

    class Calls(int):
        def __float__(self):
            program()
            return 1.0

    x.data = Calls(1)
    with pytest.raises(errors.BackwardError, match="this program is running"):
        program()
    x.data = 3.0
    assert program() == 9.0
    assert x.grad == 6.0


@pytest.mark.usefixtures("switch_often")
def test_threads_share_a_program(pair):
    Value, Program = pair
    x, w = Value(2.0), Value(3.0)
    y = x
    for _ in range(20):
        y = (y * w).relu() * 0.5
    program = Program(y)
    value = program()
    slope = w.grad
    w.grad = 0
    n = 300
    assert in_threads(4, lambda _: [program() for _ in range(n)]) == [[value] * n] * 4
    assert w.grad == pytest.approx(4 * n * slope, rel=1e-12)
