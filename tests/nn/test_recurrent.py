"""RNN, LSTM, GRU: against loops over steps in NumPy, kernels against rules, higher orders, layers, errors."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.errors import DTypeError, ShapeError
from fastgrad.rules import FUNCTIONS, RULES
from tests.support import references_networks as by_loop
from tests.support.against_rules import COMPILED, DTYPES, TOLERANCE, kernels, without_rule

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
CELLS = [("rnn", {}), ("rnn", {"nonlinearity": "relu"}), ("lstm", {}), ("gru", {})]


def operands(name, steps=6, batch=5, hidden=7, dtype=float, seed=0):
    rng, rows = np.random.default_rng(seed), GATES[name] * hidden
    shapes = [(steps, batch, rows), (rows, hidden), (batch, hidden)]
    shapes += [(batch, hidden)] * (name == "lstm") + [(rows,)] * (1 + (name == "gru"))
    return [rng.normal(size=s).astype(dtype) for s in shapes]


@kernels
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "params"), CELLS)
def test_states_and_gradients_are_those_of_the_rule_for_any_choice_of_operands(name, params, dtype):
    arrays = operands(name, dtype=dtype)
    rng = np.random.default_rng(1)
    for wanted in [range(len(arrays)), *([k] for k in range(len(arrays)))]:
        xs = [fg.tensor(a, requires_grad=k in wanted) for k, a in enumerate(arrays)]
        with without_rule(name):
            y = FUNCTIONS[name](*xs, **params)
        np.testing.assert_allclose(
            y.detach().numpy(), getattr(by_loop, name)(*arrays, **params), atol=10 * TOLERANCE[dtype], rtol=0
        )
        g = rng.normal(size=y.shape).astype(dtype)
        asked = [xs[k] for k in wanted]
        with without_rule(name):
            found = fg.gradients(y, asked, g, retain_graph=True)
        for got, right in zip(found, fg.gradients(y, asked, g, create_graph=True), strict=True):
            scale = max(1, np.abs(right.detach().numpy()).max())
            np.testing.assert_allclose(got.numpy(), right.detach().numpy(), atol=20 * TOLERANCE[dtype] * scale, rtol=0)


@pytest.mark.parametrize(("name", "params"), CELLS)
def test_gradients_add_up_where_an_operand_is_used_twice(name, params):
    xs = [fg.tensor(a, requires_grad=True) for a in operands(name)]
    once = fg.gradients(FUNCTIONS[name](*xs, **params).sum(), xs)
    twice = FUNCTIONS[name](*xs, **params).sum() + FUNCTIONS[name](*xs, **params).sum()
    for got, single in zip(fg.gradients(twice, xs), once, strict=True):
        np.testing.assert_allclose(got.numpy(), 2 * single.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_recurrence_is_differentiable_to_the_third_order(name):
    u, w, *states = (a / 2 for a in operands(name, 2, 1, 2))
    fg.testing.check_grads(lambda u, w: (FUNCTIONS[name](u, w, *states) ** 2).sum(), (u, w), order=3)


def test_saturated_gates_stay_finite():
    for name in GATES:
        arrays = operands(name)
        xs = [fg.tensor(1e4 * a, requires_grad=True) for a in arrays]
        y = FUNCTIONS[name](*xs)
        assert np.isfinite(y.detach().numpy()).all()
        assert all(np.isfinite(g.numpy()).all() for g in fg.gradients(y.sum(), xs))


def test_a_nan_goes_through_and_relu_gives_nothing_below_zero():
    u, w, h0, b = operands("rnn")
    u[2, 1, 3] = np.nan
    y = FUNCTIONS["rnn"](u, w, h0, b, "relu").numpy()
    assert np.isnan(y[3, 1, 3]) and np.isnan(y[4:, 1]).all()
    assert not np.isnan(np.delete(y, 1, axis=1)).any()
    assert (y[1:3] >= 0).all()


def by_hand(model, x, first):
    """Return the output of a module with any number of layers and directions, computed from its state dict by loops."""
    state = {k: v.numpy() for k, v in model.state_dict().items()}
    name = type(model).__name__.lower()
    last = []
    for layer in range(model.num_layers):
        outputs = []
        for direction in ("", "_reverse")[: 1 + model.bidirectional]:
            wi, wh, *biases = (state[n] for n in state if n.endswith(f"_l{layer}{direction}"))
            u = (x[::-1] if direction else x) @ wi.T
            start = [f[len(last)] for f in first]
            found = getattr(by_loop, name)(u, wh, *start, *(biases if name == "gru" else [sum(biases)]))
            found = found if name == "lstm" else found[None]
            last.append([f[-1] for f in found])
            outputs.append(found[0, 1:][::-1] if direction else found[0, 1:])
        x = np.concatenate(outputs, -1)
    return x, [np.stack(each) for each in zip(*last)]


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2}, {"bidirectional": True, "num_layers": 2}, {"bias": False}])
def test_layers_are_the_loop_over_their_steps(name, options):
    rng = np.random.default_rng(2)
    model = LAYERS[name](3, 4, **options, rng=1)
    kinds = model.num_layers * (1 + model.bidirectional)
    x, first = rng.normal(size=(5, 2, 3)), [rng.normal(size=(kinds, 2, 4)) for _ in range(1 + (name == "lstm"))]
    flat = lambda result: [result[0], *(result[1] if name == "lstm" else result[1:])]
    output, last = by_hand(model, x, first)
    found = flat(model(x, tuple(first) if name == "lstm" else first[0]))
    for got, right in zip(found, [output, *last], strict=True):
        np.testing.assert_allclose(got.detach().numpy(), right, rtol=1e-12, atol=1e-13)
    from_zero = flat(model(x))
    output, last = by_hand(model, x, [np.zeros_like(f) for f in first])
    np.testing.assert_allclose(from_zero[0].detach().numpy(), output, rtol=1e-12, atol=1e-13)
    alone = flat(model(x[:, 1]))
    np.testing.assert_allclose(alone[0].detach().numpy(), output[:, 1], rtol=1e-12, atol=1e-13)
    assert alone[1].shape == (kinds, 4)
    model.batch_first = True
    turned = flat(model(x.swapaxes(0, 1)))
    np.testing.assert_array_equal(turned[0].detach().numpy(), from_zero[0].detach().numpy().swapaxes(0, 1))
    np.testing.assert_array_equal(turned[1].detach().numpy(), from_zero[1].detach().numpy())


def test_parameters_are_pytorchs():
    model = nn.LSTM(3, 4, num_layers=2, bidirectional=True, rng=1)
    shapes = {name: p.shape for name, p in model.named_parameters()}
    assert list(shapes) == [
        f"{word}_l{layer}{direction}"
        for layer in (0, 1)
        for direction in ("", "_reverse")
        for word in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    assert shapes["weight_ih_l0"] == (16, 3) and shapes["weight_ih_l1_reverse"] == (16, 8)
    assert shapes["weight_hh_l1"] == (16, 4) and shapes["bias_hh_l0_reverse"] == (16,)
    assert max(np.abs(p.detach().numpy()).max() for p in model.parameters()) <= 0.5
    assert repr(model) == "LSTM(3, 4, num_layers=2, bidirectional=True)"
    assert repr(nn.GRU(3, 4, bias=False, batch_first=True, dropout=0.5)) == (
        "GRU(3, 4, bias=False, batch_first=True, dropout=0.5)"
    )
    single = nn.GRU(3, 4, dtype=np.float32)
    output, last = single(np.ones((2, 1, 3), np.float32))
    assert output.dtype == last.dtype == np.float32
    assert "weight_hh_l0 : Tensor, shape (3 * hidden_size, hidden_size)" in nn.GRU.__doc__


def test_dropout_between_layers_is_for_training_only():
    model, x = nn.RNN(3, 4, num_layers=2, dropout=0.5, rng=1), np.ones((5, 2, 3))
    nn.seed(1)
    assert (model(x)[0].detach().numpy() != model(x)[0].detach().numpy()).any()
    model.eval()
    np.testing.assert_array_equal(model(x)[0].detach().numpy(), model(x)[0].detach().numpy())


U, W, H = np.ones((5, 2, 12)), np.ones((12, 3)), np.ones((2, 3))
X = np.ones((5, 2, 3))
REFUSED = [
    (
        lambda: FUNCTIONS["lstm"](U[0], W, H, H),
        r"lstm: got pre-activations of shape \(2, 12\) and a weight of",
    ),
    (lambda: FUNCTIONS["gru"](U, W, H), r"they must be \(steps, batch, 3 \* hidden\) and \(3 \* hidden, hidden\)"),
    (
        lambda: FUNCTIONS["lstm"](U, W, H[:1], H),
        r"state of shape \(1, 3\), but it must be \(batch, hidden\), \(2, 3\)",
    ),
    (lambda: FUNCTIONS["lstm"](U, W, H, H, np.ones(3)), r"a bias of shape \(3,\), but a weight of shape \(12, 3\)"),
    (
        lambda: nn.LSTM(4, 3)(X),
        r"LSTM: got an input of shape \(5, 2, 3\), but it must be \(steps, batch, 4\), or \(steps, 4\)",
    ),
    (lambda: nn.GRU(4, 3, batch_first=True)(X), r"but it must be \(batch, steps, 4\)"),
    (
        lambda: nn.GRU(3, 3)(X, H),
        r"of shape \(2, 3\), but it must be \(layers \* directions, batch, hidden\)",
    ),
    (lambda: nn.LSTM(3, 3)(X, np.ones((1, 2, 3))), r"LSTM: hx=ndarray: it must be a pair \(h0, c0\)"),
    (lambda: nn.LSTM(3, 0), "LSTM: hidden_size=0: it must be an int of at least 1"),
    (lambda: nn.RNN(3, 3, nonlinearity="sin"), "nonlinearity must be .*, got 'sin'"),
    (lambda: nn.RNN(3, 3, dropout=2), "RNN: dropout must be a probability"),
    (lambda: FUNCTIONS["rnn"](X, np.eye(3), H, None, "sin"), "nonlinearity must be .*, got 'sin'"),
]


@pytest.mark.parametrize(("call", "words"), REFUSED)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words) as raised:
        call()
    assert isinstance(raised.value, ShapeError) or "nonlinearity" in words or "probability" in words


def test_complex_states_are_refused():
    with pytest.raises(DTypeError, match="lstm takes real numbers"):
        FUNCTIONS["lstm"](U, W, H * 1j, H)


@pytest.mark.skipif(not COMPILED, reason="of the compiled engine")
def test_a_step_of_training_runs_on_kernels_alone():
    model = nn.LSTM(3, 4, num_layers=2, bidirectional=True)
    with without_rule(*RULES):
        output, _ = model(X)
        (output[-1] ** 2).mean().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("op, gates, states", [("rnn", 1, 1), ("lstm", 4, 2), ("gru", 3, 1)])
def test_only_a_bias_may_be_none(op, gates, states):
    given = [np.ones((3, 2, gates * 4)), np.ones((gates * 4, 4)), *(np.ones((2, 4)) for _ in range(states))]
    run = FUNCTIONS[op]
    run(*given)
    for k in range(len(given)):
        with pytest.raises((TypeError, AttributeError)):
            run(*given[:k], None, *given[k + 1 :])
