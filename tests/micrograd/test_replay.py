"""Programs made of graphs of Values give the bits of a graph that is built anew."""

import math
import random
import struct
import sys

import pytest

import fastgrad as fg
from fastgrad import errors
from fastgrad.micrograd import MLP, engine, replay, value_python
from tests.micrograd.conftest import PAIRS


def bits(x):
    """The bits of a number; those of a NaN are not defined."""
    return "nan" if x != x else struct.pack("d", x)


# As many sums of products as in a network, so that some are fused and others are not. `e` is the last result.
OPERATIONS = [
    lambda a, b, c, d, e: a + b, lambda a, b, c, d, e: a * b, lambda a, b, c, d, e: a * b + d,
    lambda a, b, c, d, e: d + a * c, lambda a, b, c, d, e: e + a * b, lambda a, b, c, d, e: e + a * a,
    lambda a, b, c, d, e: a / b, lambda a, b, c, d, e: c + a, lambda a, b, c, d, e: a**b, lambda a, b, c, d, e: 1.5**a,
    lambda a, b, c, d, e: a**2, lambda a, b, c, d, e: a**3.0, lambda a, b, c, d, e: a**-1,
    lambda a, b, c, d, e: a**0.5 * a**0, lambda a, b, c, d, e: a.relu(), lambda a, b, c, d, e: a.tanh(),
    lambda a, b, c, d, e: a.exp(), lambda a, b, c, d, e: a.log(), lambda a, b, c, d, e: a.sigmoid(),
]  # fmt: skip


def build(Value, seed, leaves, minus=-1.0):
    """Return the results of random operations on `leaves` and constants, and their sum; the same ones for a seed."""
    draw = random.Random(seed)
    made = list(leaves)
    for _ in range(draw.randint(1, 40)):
        a, b, d = draw.choices(made, k=3)
        y = draw.choice(OPERATIONS)(a, b * draw.choice([minus, 1.0]), draw.uniform(-2, 2), d, made[-1])
        if isinstance(y.data, complex):
            raise errors.DTypeError("complex")
        made.append(y)
    return [*made[len(leaves) :], sum(made[len(leaves) :], start=made[-1] * 1.0)]


def eager(Value, seed, data, grads):
    """Return the results and gradients of a graph that is built anew; None if that raises an error."""
    leaves = [Value(x, grad=g) for x, g in zip(data, grads)]
    try:
        made = build(Value, seed, leaves)
        made[-1].backward()
    except NUMBERS_FAIL:
        return None
    return [bits(y.data) for y in made], [bits(x.grad) for x in leaves]


NUMBERS_FAIL = (ArithmeticError, ValueError, TypeError)
SPECIAL = (0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e308, 5e-324, 1e-160)


@pytest.mark.parametrize("part", range(4))
def test_random_graphs_replay_to_the_bit(pair, part):
    Value, Program = pair
    compared = failed = 0
    for seed in range(150 * part, 150 * part + 150):
        draw = random.Random(-seed)
        leaves = [Value(draw.uniform(0.2, 2)) for _ in range(draw.randint(1, 4))]
        try:
            made = build(Value, seed, leaves)
        except NUMBERS_FAIL:
            continue
        kept = sorted(draw.sample(range(len(made)), k=draw.randint(0, 2) * len(made) // 4))
        program = Program(made[-1], [made[k] for k in kept])
        for _ in range(6):
            data = [draw.choice(SPECIAL) if draw.random() < 0.15 else draw.uniform(-1, 2.5) for _ in leaves]
            grads = [draw.choice([0, 0.0, draw.uniform(-3, 3)]) for _ in leaves]
            for x, value, grad in zip(leaves, data, grads):
                x.data, x.grad = value, grad
            wanted = eager(Value, seed, data, grads)
            if wanted is None:  # other errors may come first, since a program runs in the order of the sweep
                with pytest.raises(NUMBERS_FAIL):
                    program()
                assert repr([(x.data, x.grad) for x in leaves]) == repr(list(zip(data, grads)))
                failed += 1
            else:
                results, slopes = wanted
                assert bits(program()) == results[-1], seed
                assert [bits(x.grad) for x in leaves] == slopes, seed
                assert [bits(made[k].data) for k in kept] == [results[k] for k in kept], seed
                compared += 1
    assert compared > 150
    assert failed > 20


def test_both_programs_have_the_same_bits_and_errors():
    if fg.engine != "cython":
        pytest.skip("there is one engine")
    for seed in range(200):
        draw = random.Random(seed)
        data = [draw.choice([draw.uniform(-2, 2), draw.randint(-3, 3), draw.choice(SPECIAL)]) for _ in range(3)]
        answers = []
        for Value, Program in (PAIRS[0].values[0], PAIRS[1].values[0]):
            leaves = [Value(1.25 + k) for k in range(3)]
            try:
                program = Program(build(Value, seed, leaves, minus=-1)[-1])
            except NUMBERS_FAIL:
                answers.append("not built")
                continue
            for x, value in zip(leaves, data):
                x.data = value
            try:
                answers.append([bits(program()), *(bits(x.grad) for x in program.leaves)])
            except NUMBERS_FAIL as error:
                answers.append((type(error), str(error)))
        assert answers[0] == answers[1], seed


def test_a_network_trains_as_with_graphs(monkeypatch, pair):
    Value, Program = pair
    monkeypatch.setattr("fastgrad.micrograd.nn.Value", Value)
    draw = random.Random(4)
    points = [([draw.uniform(-1, 1), draw.uniform(-1, 1)], draw.choice([-1.0, 1.0])) for _ in range(12)]
    finals = []
    for replayed in (False, True):
        random.seed(1)
        model = MLP(2, [8, 8, 1])
        losses, program = [], None

        def loss_of(model=model):
            scores = [model([Value(v) for v in x]) for x, _ in points]
            margins = [(1 + -label * score).relu() for (_, label), score in zip(points, scores)]
            return sum(margins) * (1.0 / len(margins)) + 1e-4 * sum(p * p for p in model.parameters())

        if replayed:
            program = Program(loss_of())
        for _ in range(8):
            model.zero_grad()
            if program is None:
                loss = loss_of()
                loss.backward()
                losses.append(loss.data)
            else:
                losses.append(program())
            for p in model.parameters():
                p.data -= 0.1 * p.grad
        finals.append([*map(bits, losses), *(bits(p.data) for p in model.parameters())])
    assert finals[0] == finals[1]
    assert losses[-1] < losses[0]


def test_gradients_add_up_as_in_backward(pair):
    Value, Program = pair
    a, b = Value(3.0), Value(-2.0)
    y = a * b + a
    program = Program(y)
    assert repr(program) == "<Program of 2 ops on 2 leaves>"
    assert program() == -3.0
    assert program() == -3.0
    assert (a.grad, b.grad) == (-2.0, 6.0)
    assert type(a.grad) is float
    a.grad = 0
    a.data = 5
    assert program() == -5.0
    assert (a.grad, b.grad) == (-1.0, 11.0)
    assert set(program.leaves) == {a, b}


def test_one_leaf_many_times_and_alone(pair):
    Value, Program = pair
    x = Value(3.0)
    assert Program(x * x + x)() == 12.0
    assert x.grad == 7.0
    x.grad = 0
    Program(x + x)()
    assert x.grad == 2.0
    x.grad = 0
    assert Program(x**x)() == 27.0
    assert x.grad == pytest.approx(27 * (1 + math.log(3)), rel=1e-15)
    x.grad = 5.0
    program = Program(x)
    x.data = 4
    assert program() == 4.0
    assert x.grad == 1.0  # as of x.backward()
    assert type(program()) is float


def test_intermediate_values_change_only_on_request(pair):
    Value, Program = pair
    x, w = Value(2.0), Value(3.0)
    product = x * w
    score = product + 1.0
    loss = score.relu() * 0.5
    loss.backward()
    plain, program = Program(loss), Program(loss, refresh=[product, score, x, score])
    product.data = 100.0  # results are computed from the leaves
    x.data = 4
    plain()
    assert (product.data, score.data, loss.data) == (100.0, 7.0, 3.5)
    assert program() == 6.5
    assert (product.data, score.data, loss.data) == (12.0, 13.0, 3.5)
    assert (product.grad, score.grad, loss.grad) == (0.5, 0.5, 1)
    assert x.data == 4
    assert type(x.data) is int
    Program(loss, (loss,))()
    assert loss.data == 6.5


def test_building_leaves_gradients_alone(pair):
    Value, Program = pair
    x = Value(2.0)
    y = x * 3.0
    z = y * y
    z.backward()
    Program(z)
    assert (x.grad, y.grad, z.grad) == (36.0, 12.0, 1)


def test_long_chains_need_no_stack(pair):
    Value, Program = pair
    n = 1_000_000 if Value is not value_python.Value else 30_000
    x = Value(1.0)
    y = x
    for _ in range(n // 4):
        y = (y * 0.5 + x).relu() * -1.0
    loss = y * y
    loss.backward()
    wanted = loss.data, x.grad
    x.grad = 0
    program = Program(loss)
    del y, loss
    assert (program(), x.grad) == wanted
    x.data, x.grad = 2.0, 0
    assert program() == 4 * wanted[0]
    assert x.grad == 2 * wanted[1]


@pytest.mark.skipif(fg.engine != "cython", reason="the memory of the compiled program")
def test_a_step_takes_at_most_32_bytes():
    def size(n, step):
        x, w, b = engine.Value(0.5), engine.Value(0.7), engine.Value(0.1)
        y = x
        for _ in range(n):
            y = step(y, w, b)
        return sys.getsizeof(replay(y))

    steps = [
        (lambda y, w, b: y.tanh(), 1), (lambda y, w, b: y * w, 1), (lambda y, w, b: y + w, 1),
        (lambda y, w, b: y**2, 1), (lambda y, w, b: y + w * b, 2), (lambda y, w, b: y * w + b, 2),
        (lambda y, w, b: (y * w) * w + b, 3),
    ]  # fmt: skip
    per_op = [(size(2000, step) - size(1000, step)) / (1000 * ops) for step, ops in steps]
    assert max(per_op) <= 32
    assert per_op[4] == 4  # one step that grows


def test_the_function_is_that_of_the_engine_in_use():
    x = engine.Value(3.0)
    loss = (x * 2.0 - 1.0) ** 2
    program = replay(loss, refresh=[loss])
    x.data = 1.0
    assert isinstance(program, engine.Program)
    assert (program(), x.grad, loss.data) == (1.0, 4.0, 1.0)
