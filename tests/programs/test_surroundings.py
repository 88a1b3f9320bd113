"""What compiled functions read from around them: attributes, elements of containers, classes, and hidden state."""

import collections

import numpy as np
import pytest

import fastgrad as fg

X = np.array([1.0, 2.0])
SCALE = 1.0


class Part:
    __slots__ = ("gain",)
    offset = 0.0

    def __init__(self):
        self.gain = fg.tensor([1.0, 1.0])


class Model:
    power = 1

    def __init__(self):
        self.w = fg.tensor([1.0, 2.0])
        self.part = Part()
        self.factors = [1.0]
        self.named = {"a": fg.tensor(1.0)}
        self.data = np.ones(2)
        self.pair = ([1.0], 0.0)

    @staticmethod
    def scaled(x):
        return x * SCALE

    def helper(self, x):
        return self.scaled(x) * self.named["a"] + self.pair[0][0]

    def __call__(self, x):
        y = self.helper(x) ** self.power * self.w * self.part.gain + self.part.offset
        return y * self.factors[0] * self.data


CHANGES = [
    ("w", lambda m: setattr(m, "w", fg.tensor([5.0, 6.0]))),
    ("slot", lambda m: setattr(m.part, "gain", fg.tensor([5.0, 6.0]))),
    ("part", lambda m: setattr(m, "part", Part())),
    ("list", lambda m: m.factors.__setitem__(0, 3.0)),
    ("shorter", lambda m: m.factors.__setitem__(slice(None), [4.0])),
    ("dict", lambda m: m.named.update(a=fg.tensor(7.0))),
    ("array", lambda m: setattr(m, "data", np.zeros(2) + 3)),
    ("tuple", lambda m: m.pair[0].__setitem__(0, -1.0)),
    ("over the class", lambda m: setattr(m, "power", 2)),
    ("class", lambda m: setattr(Part, "offset", 9.0)),
    ("method", lambda m: setattr(m, "helper", lambda x: x * 11.0)),
]


@pytest.mark.parametrize("name, change", CHANGES, ids=[name for name, _ in CHANGES])
@pytest.mark.parametrize("kind", ["object", "method", "closure"])
def test_what_objects_hold_may_change(monkeypatch, name, change, kind):
    monkeypatch.setattr(Part, "offset", 0.0)
    model = Model()
    program = fg.compile({"object": model, "method": model.__call__, "closure": lambda x: model(x)}[kind])
    for _ in range(2):
        np.testing.assert_array_equal(program(X), model(fg.asarray(X)).numpy())
    before = program(X)
    change(model)
    for _ in range(2):
        np.testing.assert_array_equal(program(X), model(fg.asarray(X)).numpy())
    assert name in ("part", "shorter") or not np.array_equal(program(X), before)


def test_globals_of_methods_may_change(monkeypatch):
    model = Model()
    program = fg.compile(lambda x: model(x))
    before = program(X)
    monkeypatch.setattr("tests.programs.test_surroundings.SCALE", 2.0)
    np.testing.assert_array_equal(program(X), model(fg.asarray(X)).numpy())
    assert not np.array_equal(program(X), before)


def test_parameters_and_parts_of_modules_may_be_replaced():
    model = fg.nn.Sequential(fg.nn.Linear(2, 2), fg.nn.Tanh())
    program = fg.compile(lambda x: model(x).detach())
    for change in (
        lambda: None,
        lambda: setattr(model[0], "weight", fg.tensor(np.eye(2) * 3, requires_grad=True)),
        lambda: model.__setitem__(1, fg.nn.ReLU()),
        lambda: model.append(fg.nn.Sigmoid()),
    ):
        change()
        for _ in range(2):
            np.testing.assert_array_equal(program(X), model(fg.asarray(X)).detach().numpy())


class Memory:
    state = None

    def step(self, x):
        self.state = x * 1.0 if self.state is None else self.state + x
        return self.state * 1.0


@pytest.mark.filterwarnings("ignore:.*was recorded.*")
@pytest.mark.parametrize("calls", [4, 20])
def test_state_that_a_function_hides_in_an_object_is_seen(calls):
    """Such a function is recorded again at each call, until it is called as it is."""
    one, other = Memory(), Memory()
    program = fg.compile(one.step)
    for k in range(calls):
        np.testing.assert_array_equal(program(X * k), other.step(fg.asarray(X * k)).numpy())


def test_the_sign_of_a_zero_around_the_function():
    zero = 0.0
    program = fg.compile(lambda x: x * zero)
    assert not np.signbit(program(1.0))
    zero = -0.0
    assert np.signbit(program(1.0))


@pytest.mark.skipif(fg.engine != "cython", reason="nothing is recorded")
def test_what_stays_as_it_is_is_recorded_once():
    runs = []
    model, log = Model(), collections.deque()

    def f(x):
        runs.append(len(runs))
        log.append(1)
        return model(x)

    program = fg.compile(f)
    for k in range(4):
        program(X * k)
    assert runs == [0]
