"""Attributes of a Value as programs use them: `_prev` changed in place, `vars`, weak references, copies, `repr`."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.micrograd import engine, value_python
from tests.micrograd.plain import Plain

VALUES = [value_python.Value] + [engine.Value] * (fg.engine == "cython")
OPS = {
    "+": lambda a, b: a + b, "*": lambda a, b: a * b, "-": lambda a, b: a - b, "/": lambda a, b: a / b,
    "square": lambda a, b: a * a, "twice": lambda a, b: a + a, "**": lambda a, b: a**3, "a**b": lambda a, b: a**b,
    "relu": lambda a, b: a.relu(),
}  # fmt: skip
CHANGES = {
    "looked at": lambda y, a, b: y._prev,
    "discard": lambda y, a, b: y._prev.discard(a),
    "discard both": lambda y, a, b: (y._prev.discard(a), y._prev.discard(b)),
    "clear": lambda y, a, b: y._prev.clear(),
    "pop": lambda y, a, b: y._prev.clear() if len(y._prev) == 1 else y._prev.discard(b),
    "remove and add again": lambda y, a, b: (y._prev.discard(a), y._prev.add(a)),
    "add": lambda y, a, b: y._prev.add(b),
    "add itself": lambda y, a, b: y._prev.add(y),
    "exchange": lambda y, a, b: (y._prev.clear(), y._prev.add(b)),
    "update": lambda y, a, b: y._prev.update({a, b}),
    "assign": lambda y, a, b: setattr(y, "_prev", {b}),
    "assign nothing": lambda y, a, b: setattr(y, "_prev", set()),
    "in vars": lambda y, a, b: vars(y)["_prev"].discard(a),
    "another in vars": lambda y, a, b: vars(y).update(_prev={b}),
}


@pytest.mark.parametrize("Value", VALUES)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("op", OPS)
def test_parents_changed_in_place_count(Value, change, op):
    def run(V):
        x, z = V(3.0), V(2.0)
        a, b = x * 2.0, z + 1.0  # computed, so that what is not swept shows
        y = OPS[op](a, b)
        CHANGES[change](y, a, b)
        root = y * y + 1
        root.backward()
        return [(v.data, v.grad, len(v._prev)) for v in (x, z, a, b, y, root)]

    assert run(Value) == run(Plain)


@pytest.mark.parametrize("Value", VALUES)
def test_a_look_does_not_change_the_bits(Value):
    def run(look):
        xs = [Value(0.1 * k) for k in range(1, 8)]
        y = xs[0]
        for k, x in enumerate(xs * 5):
            y = (y * x + x / 3.0).relu() + xs[k % 3]
            if look:
                y._prev  # noqa: B018
        y.backward()
        return [x.grad for x in xs]

    assert run(False) == run(True)


@pytest.mark.parametrize("Value", VALUES)
def test_a_second_backward_does_not_compound_where_parents_were_changed(Value):
    a, b = Value(3.0), Value(4.0)
    y = a * b
    y._prev.clear()
    z = y * 2.0
    z.backward()
    z.backward()
    assert (a.grad, b.grad, y.grad) == (16.0, 12.0, 2.0)


@pytest.mark.parametrize("Value", VALUES)
def test_vars_shows_what_micrograd_shows(Value):
    def shown(v):
        d = vars(v)
        assert d is v.__dict__
        assert callable(d["_backward"])
        return list(d), d["data"], d["grad"], d["_op"], sorted(p.data for p in d["_prev"])

    for make in (lambda V: V(2), lambda V: V(2.0) * 3 + 1, lambda V: V(np.float64(2.0)) ** 2, lambda V: V(2.0).relu()):
        mine, theirs = make(Value), make(Plain)
        assert shown(mine) == shown(theirs)
        mine.backward(), theirs.backward()
        assert shown(mine) == shown(theirs)
    named = Value(1.0, label="a")
    named.colour = "red"
    assert list(vars(named)) == ["data", "grad", "_backward", "_prev", "_op", "label", "colour"]
    assert {"colour", "data", "label", "backward"} <= set(dir(named))


@pytest.mark.parametrize("Value", VALUES)
@pytest.mark.parametrize("when", ["never", "leaves", "inner", "all"])
def test_a_value_that_vars_has_shown_is_computed_with_as_before(Value, when):
    def run(V):
        a, b = V(3.0), V(-2)
        c = a * b + b**3 - a / 2.0
        d = (c * a).relu() + c
        shown = {"never": [], "leaves": [a, b], "inner": [c, d], "all": [a, b, c, d]}[when]
        for v in shown:
            vars(v)
        e = d * a - b
        e.backward()
        a.data += 1.5
        return [(v.data, type(v.data), v.grad, v._op, repr(v)) for v in (a, b, c, d, e)], [
            (vars(v)["data"], vars(v)["grad"]) for v in (a, b, c, d, e)
        ]

    assert run(Value) == run(Plain)


@pytest.mark.parametrize("Value", VALUES)
def test_what_is_written_to_the_dict_counts(Value):
    def run(V):
        a, b = V(3.0), V(2.0)
        vars(a)["data"] = 5.0
        vars(b).update(grad=10, note="n")
        y = a * b
        called = []
        vars(y)["_backward"] = lambda: called.append(y.grad)
        z = y + a
        z.backward()
        c = V(1.0)
        c.__dict__ = {"data": 7, "grad": 1, "_op": "?", "_prev": set(), "_backward": lambda: called.append("c")}
        (c * 2).backward()
        c.extra = 1
        return [(v.data, v.grad, v._op) for v in (a, b, y, z, c)], b.note, called, sorted(vars(c))

    assert run(Value) == run(Plain)
    with pytest.raises(TypeError, match="__dict__ of a Value was set to a list, but must be a dict"):
        Value(1.0).__dict__ = []


@pytest.mark.parametrize("Value", VALUES)
def test_attributes_set_before_the_base_is_initialized_stay(Value):
    class Early(Value):
        def __init__(self, data, **given):
            self.__dict__.update(given)
            self.name = "early"
            super().__init__(data)

    v = Early(2.0, size=3)
    assert (v.name, v.size, v.data, v._prev, v._op) == ("early", 3, 2.0, set(), "")
    (v * v).backward()
    assert v.grad == 4.0
    y = Value(2.0) * 3.0
    y.mine = 1
    y._prev, y._backward = {v}, None
    y.__init__(5)
    assert (y.mine, y.data, y.grad, y._prev, y._op) == (1, 5, 0, set(), "")
    y.backward()
    assert vars(y)["data"] == 5


@pytest.mark.parametrize("Value", VALUES)
def test_weak_references(Value):
    class Derived(Value):
        pass

    gone = []
    for make in (lambda: Value(1.0), lambda: Value(2.0) * 3, lambda: Derived(1.0)):
        v = make()
        r = weakref.ref(v, gone.append)
        table = weakref.WeakKeyDictionary({v: "kept"})
        assert r() is v
        assert table[v] == "kept"
        consumer = v + 1
        del v
        assert r() is not None
        consumer.backward()
        del consumer
        gc.collect()
        assert r() is None
        assert len(table) == 0
        assert gone.pop() is r


@pytest.mark.parametrize("Value", VALUES)
def test_a_dead_value_is_not_found_again(Value):
    """Code that runs while a graph is released does not find its dead Values."""
    found, refs = [], []

    class Last:
        def __del__(self):
            found.extend(r() for r in refs)

    def build():
        a = Value(1.0)
        chain = [a]
        for _ in range(50):
            chain.append(chain[-1] * 2.0 + a)
            chain[-1].last = Last()
        refs.extend(weakref.ref(v, lambda r: found.append(r())) for v in chain)
        return chain[-1]

    y = build()
    del y
    gc.collect()
    while found:
        v = found.pop()
        if v is not None:  # not dead yet, and so still whole
            v.backward()
        del v
    gc.collect()
    assert all(r() is None for r in refs)
    again = [Value(float(k)) * 2 for k in range(200)]
    assert all(r() is None for r in refs)
    assert sum(v.data for v in again) == 39800.0


class Sub(engine.Value):
    """A subclass at module level, where pickle finds it."""


class SubOfTwin(value_python.Value):
    """The same for the other Value."""


@pytest.mark.parametrize("Value", [*VALUES, SubOfTwin, Sub])
@pytest.mark.parametrize("look", [lambda v: None, lambda v: v._prev, vars])
@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))], ids=["copy", "deepcopy", "pickle"]
)
def test_copies(Value, look, again):
    a, b = Value(2.0, label="a"), Value(3)
    y = a * b + a**2
    y.note = [1]
    for v in (a, b, y):
        look(v)
    twin = again(y)
    assert type(twin) is type(y)
    assert (twin.data, twin.grad, twin._op, twin.note, len(twin._prev)) == (10.0, 0, "+", [1], 2)
    twin.backward()
    assert twin.grad == 1
    assert y.grad == 0
    leaf = again(a)
    assert (type(leaf), leaf.label, leaf.data) == (type(a), "a", 2.0)
    assert vars(leaf)["_backward"].__self__ is leaf


@pytest.mark.parametrize("Value", VALUES)
def test_repr_is_that_of_micrograd(Value):
    numbers = [2, -0.0, 1e100, True, 2**70, np.float64(0.1), np.float32(0.1), np.int64(3), 1 + 2j, float("nan"), 1e16]

    def reprs(V):
        class Named(V):
            pass

        out = []
        with np.errstate(all="ignore"):
            for n in numbers:
                for cls in (V, Named):
                    v = cls(n)
                    y = v * 3 + v
                    y.backward()
                    out += [repr(v), str(y), f"{y}", repr(-v), repr(v**2), repr([v, y])]
        return out

    assert reprs(Value) == reprs(Plain)
