"""Programs written for micrograd: networks, training and random expressions give the same bits with both Values."""

import random

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.micrograd import engine, nn, value_python

VALUES = [value_python.Value] + [engine.Value] * (fg.engine == "cython")


def test_the_network_draws_names_and_prints_as_micrograd_does():
    random.seed(1337)
    model = nn.MLP(2, [3, 1])
    random.seed(1337)
    drawn = [random.uniform(-1, 1) for _ in range(2 * 3 + 3)]
    assert [p.data for p in model.parameters() if p.data] == drawn
    assert [p.data for n in model.layers[0].neurons for p in n.parameters()][2] == 0
    assert len(model.parameters()) == 3 * 3 + 4
    assert repr(model) == (
        "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(3)]]"
    )
    assert isinstance(model, nn.Module)
    assert nn.Module().parameters() == []
    y = model([1.0, -2.0])
    assert isinstance(y, engine.Value)
    assert len(nn.Layer(2, 2)([1.0, 2.0])) == 2
    y.backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0] * 13


def _moons(n):
    draw = np.random.default_rng(3)
    side = draw.integers(0, 2, n)
    t = np.pi * draw.random(n)
    points = np.stack([np.where(side, 1 - np.cos(t), np.cos(t)), np.where(side, 0.5 - np.sin(t), np.sin(t))], axis=1)
    return points + 0.1 * draw.normal(size=(n, 2)), 2 * side - 1


def _train(Value, MLP, steps, n=20):
    """Run micrograd's demo; return its losses and final parameters."""
    random.seed(1337)
    x, labels = _moons(n)
    model = MLP(2, [8, 8, 1])
    losses = []
    for k in range(steps):
        scores = [model(list(map(Value, point))) for point in x]
        margins = [(1 + -label * score).relu() for label, score in zip(labels, scores)]
        total = sum(margins) * (1.0 / len(margins)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
        losses.append(total.data)
    return losses, [p.data for p in model.parameters()]


def test_both_values_train_alike_to_the_last_bit(monkeypatch):
    runs = []
    for value in VALUES:
        monkeypatch.setattr(nn, "Value", value)
        runs.append(_train(value, nn.MLP, 6))
    assert runs[0] == runs[-1]
    assert runs[0][0][-1] < runs[0][0][0]


def test_a_run_is_that_of_micrograd_where_it_is_installed():
    theirs = pytest.importorskip("micrograd.engine")
    their_nn = pytest.importorskip("micrograd.nn")
    mine, other = _train(engine.Value, nn.MLP, 6), _train(theirs.Value, their_nn.MLP, 6)
    # micrograd sums a gradient in the order of a set of addresses, so that its own last bits change from run to run.
    np.testing.assert_allclose(mine[0], other[0], rtol=1e-12)
    np.testing.assert_allclose(mine[1], other[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("Value", VALUES)
def test_random_programs_see_what_micrograd_shows_where_it_is_installed(Value):
    theirs = pytest.importorskip("micrograd.engine").Value
    draw = random.Random(5)

    def number():
        return draw.choice([draw.randint(-3, 3), draw.uniform(-2, 2), np.float64(draw.uniform(-2, 2)), True, 2**60])

    def program(seed, V):
        r = random.Random(seed)
        made = [V(n) for n in numbers]
        for _ in range(25):
            a, b = r.choice(made), r.choice([*made, *numbers])
            op = r.randrange(7)
            try:
                if op == 0:
                    y = a + b
                elif op == 1:
                    y = a * b
                elif op == 2:
                    y = b - a
                elif op == 3:
                    y = a / b
                elif op == 4:
                    y = a ** r.choice([2, -1, 0.5, 3, 0, 1.0])
                elif op == 5:
                    y = a.relu()
                else:
                    y = -a
            except (ZeroDivisionError, OverflowError, TypeError) as error:
                y = V(len(type(error).__name__))
            if not isinstance(y.data, complex) and abs(y.data) < 1e12:
                made.append(y)
        try:
            made[-1].backward()
        except (ZeroDivisionError, OverflowError) as error:
            return [type(error)]
        return [(v.data, type(v.data), v.grad, type(v.grad), v._op, len(v._prev)) for v in made]

    with np.errstate(all="ignore"):
        for seed in range(300):
            numbers = [number() for _ in range(4)]
            mine, other = program(seed, Value), program(seed, theirs)
            assert len(mine) == len(other)
            for m, o in zip(mine, other):
                if m is o:
                    continue
                assert (m[1], m[3:]) == (o[1], o[3:]), (seed, m, o)
                np.testing.assert_allclose(
                    np.array([m[0], m[2]], float), np.array([o[0], o[2]], float), rtol=1e-9, err_msg=str((seed, m, o))
                )
