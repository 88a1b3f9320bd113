"""micrograd's Value when Python code runs in the middle of an operation: no crash, and later graphs are right."""

import copy
import pickle

import pytest

import fastgrad as fg
from fastgrad.micrograd.engine import Value
from tests.faults.child import run

compiled = pytest.mark.skipif(fg.engine != "cython", reason="the readable Value keeps everything in its dict")


def test_every_way_in_times_every_act():
    assert "nearly all played" in run("value_acts.py", PYTHONMALLOC="debug")


def test_parents_that_are_none():
    c = Value(2.0) * Value(3.0)
    c._prev = {1.5}
    with pytest.raises(fg.NotDifferentiableError, match="_prev holds a float: only Values can be swept"):
        c.backward()


@compiled
def test_parents_written_past_the_attribute():
    x, y = Value(2.0), Value(3.0)
    c = x * y
    c._prev = {x}
    c.__dict__["_prev"] = 5
    with pytest.raises(fg.NotDifferentiableError, match="_prev is a int, but must be a set of Values"):
        c.backward()
    del c.__dict__["_prev"]
    c.backward()
    assert (x.grad, y.grad) == (3.0, 2.0)


@compiled
def test_numbers_taken_out_of_the_dict():
    c = Value(2**80)
    c.__dict__.clear()
    with pytest.raises(fg.BackwardError, match=r"the data of this Value was removed from its __dict__: assign v\.data"):
        c + 1
    c.data = 1.0
    c.grad = 2**80
    del c.__dict__["grad"]
    with pytest.raises(fg.BackwardError, match="the grad of this Value was removed"):
        c.grad  # noqa: B018


@compiled
def test_a_sweep_in_the_middle_of_sorting_is_told_so():
    class Key(str):
        def __hash__(self):
            return hash("_prev")

        def __eq__(self, other):
            if other == "_prev" and not swept:
                swept.append(True)
                root.backward()
            return str.__eq__(self, other)

    swept = [True]
    x, y = Value(2.0), Value(3.0)
    c = x * y
    root = c * x
    c._prev = {x, y}
    kept = dict(c.__dict__)
    c.__dict__.clear()
    c.__dict__[Key("other")] = 1
    c.__dict__.update(kept)
    swept.clear()
    with pytest.raises(fg.BackwardError, match=r"has swept the same Values: call backward\(\) after it"):
        root.backward()
    x.grad = y.grad = 0
    root.backward()
    assert (x.grad, y.grad) == (12.0, 4.0)


@compiled
@pytest.mark.parametrize(
    "changed, text",
    [
        ({3: 2, 4: []}, r"its operands cannot be \[\]"),
        ({3: 1, 4: ["abc", b"q"]}, "its operands cannot be"),
        ({3: 4, 4: [Value(1.0), Value(2.0)]}, "its operands cannot be"),
        ({3: 0, 4: [Value(1.0)]}, "its operands cannot be"),
        ({3: 1, 4: (Value(1.0), Value(2.0))}, "its operands cannot be"),
        ({3: 200}, "its op cannot be 200"),
        ({3: -1}, "its op cannot be -1"),
        ({3: 1.0}, "its op cannot be 1.0"),
        ({3: "add"}, "its op cannot be 'add'"),
        ({3: 3, 4: [Value(1.0)], 5: "2"}, "its exponent cannot be '2'"),
        ({3: 3, 4: [Value(1.0)]}, "its exponent cannot be None"),
        ({5: 2.0}, "its exponent cannot be 2.0"),
        ({6: [1]}, r"its attributes cannot be \[1\]"),
        ({0: int}, "its class cannot be <class 'int'>"),
        ({0: "Value"}, "its class cannot be 'Value'"),
    ],
)
def test_a_file_with_parts_that_no_value_has_is_refused(changed, text):
    from fastgrad.core.value import restored

    parts = [Value, 1.0, 0.0, 0, [], None, None, False]
    assert restored(*parts).data == 1.0
    for place, part in changed.items():
        parts[place] = part
    with pytest.raises(fg.FastgradError, match="this is not a pickled Value: " + text):
        restored(*parts)


@compiled
def test_a_class_that_hands_out_a_value_of_old_is_refused():
    from fastgrad.core.value import restored

    old = Value(2.0) * Value(3.0)

    class Same(Value):
        def __new__(cls, *args):
            return old

    with pytest.raises(fg.FastgradError, match="its class cannot be"):
        restored(Same, 1.0, 1.0, 0, [], None, None, False)


@pytest.mark.parametrize("exponent", [2, 0.5, True])
def test_values_come_back_as_they_went(exponent):
    x, y = Value(2.0), Value(2**70)
    z = (x**exponent * y + x.tanh()).relu()
    for again in (pickle.loads(pickle.dumps(z)), copy.deepcopy(z)):
        again.backward()
        assert again.data == z.data and again.grad == 1
        assert len(again._prev) == 1 and again._op == "ReLU"


@compiled
def test_gradients_of_objects_are_those_of_numbers():
    """Python's arithmetic, beside the fast path for floats."""
    from fractions import Fraction

    for build in (lambda a, b: a * b + a, lambda a, b: a**3 * b, lambda a, b: (a * b).relu() + b, lambda a, b: a / b):
        grads = []
        for kind in (float, Fraction):
            a, b = Value(kind(3)), Value(kind(2))
            build(a, b).backward()
            grads.append((float(a.grad), float(b.grad)))
        assert grads[0] == pytest.approx(grads[1], rel=1e-15)
    for name in ("tanh", "exp", "sigmoid", "log"):
        a, b = Value(0.5), Value(0.5)
        y, z = getattr(a, name)(), getattr(b, name)()
        z.data = Fraction(z.data)
        b.data = Fraction(b.data)
        y.backward(), z.backward()
        assert float(b.grad) == pytest.approx(a.grad, rel=1e-15)
