"""Optimizers: against formulas written by hand in NumPy, errors, groups, state, clipping."""

import copy
import math

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import _engine, nn, optim
from fastgrad.errors import BadSetting, DTypeError, FastgradError, ShapeError, StateError

SHAPES = ((3,), (2, 5), (), (33,))


def start(dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def steps(make, count=6, dtype=np.float64):
    """Return the parameters after some steps with fixed gradients; the last parameter has none at first."""
    params = [fg.tensor(a, requires_grad=True) for a in start(dtype)]
    opt = make(params)
    for t in range(count):
        for k, (p, g) in enumerate(zip(params, start(dtype, seed=10 + t))):
            p.grad = None if k == 3 and t < 2 else fg.asarray(g)
        opt.step()
    return [p.detach().numpy() for p in params]


def sgd(lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    def step(p, g, s, t):
        g = g + weight_decay * p
        if momentum:
            s["b"] = g if t == 1 else momentum * s["b"] + (1 - dampening) * g
            g = g + momentum * s["b"] if nesterov else s["b"]
        return p - lr * g

    return step


def adam(lr=0.1, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    def step(p, g, s, t):
        if decoupled:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        s["m"] = betas[0] * s.get("m", 0) + (1 - betas[0]) * g
        s["v"] = betas[1] * s.get("v", 0) + (1 - betas[1]) * g**2
        return p - lr * (s["m"] / (1 - betas[0] ** t)) / (np.sqrt(s["v"] / (1 - betas[1] ** t)) + eps)

    return step


def rmsprop(lr=0.1, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
    def step(p, g, s, t):
        g = g + weight_decay * p
        s["v"] = alpha * s.get("v", 0) + (1 - alpha) * g**2
        s["m"] = alpha * s.get("m", 0) + (1 - alpha) * g
        s["b"] = momentum * s.get("b", 0) + g / (np.sqrt(s["v"] - centered * s["m"] ** 2) + eps)
        return p - lr * s["b"]

    return step


CASES = [
    (optim.SGD, sgd, {}),
    (optim.SGD, sgd, {"weight_decay": 0.1}),
    (optim.SGD, sgd, {"momentum": 0.9}),
    (optim.SGD, sgd, {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    (optim.SGD, sgd, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (optim.Adam, adam, {}),
    (optim.Adam, adam, {"betas": (0.5, 0.7), "eps": 0.1, "weight_decay": 0.3}),
    (optim.AdamW, lambda **k: adam(decoupled=True, **k), {"weight_decay": 0.3}),
    (optim.RMSprop, rmsprop, {}),
    (optim.RMSprop, rmsprop, {"alpha": 0.7, "momentum": 0.5, "weight_decay": 0.2}),
    (optim.RMSprop, rmsprop, {"alpha": 0.7, "centered": True, "eps": 0.01}),
    (optim.RMSprop, rmsprop, {"alpha": 0.7, "centered": True, "momentum": 0.5, "eps": 0.01}),
]
NAMES = [f"{cls.__name__} {' '.join(settings)}" for cls, _, settings in CASES]


def by_hand(formula, count=6):
    out = []
    for k, p in enumerate(start()):
        state, t = {}, 0
        for n in range(count):
            if not (k == 3 and n < 2):
                t += 1
                p = formula(p, start(seed=10 + n)[k], state, t)
        out.append(p)
    return out


@pytest.mark.parametrize(("cls", "formula", "settings"), CASES, ids=NAMES)
def test_every_optimizer_does_what_its_formula_says(cls, formula, settings):
    wanted = by_hand(formula(lr=0.1, **settings))
    for got, want in zip(steps(lambda params: cls(params, lr=0.1, **settings)), wanted):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)
    for got, want in zip(steps(lambda params: cls(params, lr=0.1, **settings), dtype=np.float32), wanted):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


@pytest.mark.skipif(_engine.adam_step is None, reason="the pure-Python engine has the formulas alone")
@pytest.mark.parametrize(("cls", "formula", "settings"), CASES, ids=NAMES)
def test_the_compiled_step_and_the_formula_agree(cls, formula, settings, monkeypatch):
    compiled = steps(lambda params: cls(params, lr=0.1, **settings))
    for name in ("sgd_step", "adam_step", "rmsprop_step"):
        monkeypatch.setattr(_engine, name, None)
    for got, want in zip(steps(lambda params: cls(params, lr=0.1, **settings)), compiled):
        np.testing.assert_allclose(got, want, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize(("cls", "formula", "settings"), CASES, ids=NAMES)
def test_a_parameter_that_is_not_contiguous_is_trained_the_same(cls, formula, settings):
    a, g = np.random.default_rng(0).normal(size=(2, 4, 5))
    ways = []
    for turned in (False, True):
        p = fg.asarray(np.array(a.T).T if turned else a.copy())
        p.requires_grad_()
        opt = cls([p], lr=0.1, **settings)
        for _ in range(3):
            p.grad = g
            opt.step()
        ways.append(p.detach().numpy())
    np.testing.assert_allclose(ways[1], ways[0], rtol=1e-13)


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda p: optim.SGD(p, 0.1, 0.9, 0, 0.01, True), [0.6181, 0.64411561, 0.481862129341]),
        (lambda p: optim.Adam(p, 0.1), [0.9000000005, 0.8733662967024314, 0.8393233821389424]),
        (lambda p: optim.Adam(p, 0.1, weight_decay=0.1), [0.9000000004761904, 0.8681231891743802, 0.8283762644332222]),
        (lambda p: optim.AdamW(p, 0.1, weight_decay=0.1), [0.8900000005, 0.8544662966974313, 0.8118787191669682]),
        (
            lambda p: optim.RMSprop(p, 0.1, 0.9, momentum=0.5, centered=True),
            [0.6666666722222221, 0.6484784738578724, 0.5626079879625672],
        ),
    ],
)
def test_the_first_numbers_as_constants(make, wanted):
    """From p = 1 with g = 2, -1, 0.5, computed in 40-digit decimal arithmetic."""
    p = fg.tensor([1.0], requires_grad=True)
    opt, seen = make([p]), []
    for g in (2.0, -1.0, 0.5):
        p.grad = np.array([g])
        opt.step()
        seen.append(p.item())
    np.testing.assert_allclose(seen, wanted, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinite_parameters_stay_what_they_are_without_weight_decay(dtype):
    p = fg.tensor(np.array([np.inf, 1.0], dtype), requires_grad=True)
    for opt in (optim.SGD([p]), optim.SGD([p], momentum=0.5), optim.Adam([p]), optim.RMSprop([p])):
        p.grad = np.ones(2, dtype)
        opt.step()
    assert p.detach().numpy()[0] == np.inf and np.isfinite(p.detach().numpy()[1])


def test_a_graph_that_still_needs_the_old_values_knows():
    for make in (optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop):
        w = fg.tensor(np.ones((2, 2)), requires_grad=True)
        x = fg.tensor(np.ones((2, 2)), requires_grad=True)
        y = (x @ w).sum()
        w.grad = np.ones((2, 2))
        make([w]).step()
        with pytest.raises(fg.MutationError):
            y.backward()
        number = fg.tensor(2.0, requires_grad=True)
        z = number * number
        number.grad = 1.0
        make([number]).step()
        with pytest.raises(fg.MutationError):
            z.backward()


def test_training_fits_a_line():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 3))
    y = x @ [[1.0], [-2.0], [0.5]] + 0.3
    makes = {
        optim.SGD: {"lr": 0.1, "momentum": 0.5}, optim.Adam: {"lr": 0.1}, optim.AdamW: {"lr": 0.1, "weight_decay": 0.0},
        optim.RMSprop: {"lr": 0.03},
    }  # fmt: skip
    for make, settings in makes.items():
        layer = nn.Linear(3, 1, rng=0)
        opt = make(layer.parameters(), **settings)
        decay = optim.CosineAnnealingLR(opt, 300)
        for _ in range(300):
            opt.zero_grad()
            nn.functional.mse_loss(layer(x), y).backward()
            opt.step()
            decay.step()
        np.testing.assert_allclose(layer.weight.detach().numpy(), [[1, -2, 0.5]], atol=1e-3)
        assert layer.bias.item() == pytest.approx(0.3, abs=1e-3)


def test_a_closure_is_called_and_its_loss_returned():
    p = fg.tensor([1.0], requires_grad=True)
    opt = optim.SGD([p], lr=0.25)

    @fg.no_grad()
    def train():
        def closure():
            opt.zero_grad()
            loss = (p * p).sum()
            loss.backward()
            return loss

        return opt.step(closure)

    assert train().item() == 1 and p.item() == 0.5
    assert opt.step() is None


def test_groups_have_settings_of_their_own():
    a, b, c = (fg.tensor([1.0], requires_grad=True) for _ in range(3))
    opt = optim.SGD([{"params": [a], "lr": 0.5}, {"params": b}], lr=0.1)
    opt.add_param_group({"params": [c], "lr": 0.0})
    for p in (a, b, c):
        p.grad = [1.0]
    opt.step()
    np.testing.assert_allclose([p.item() for p in (a, b, c)], [0.5, 0.9, 1])
    assert repr(opt).startswith("SGD (\nParameter Group 0\n    dampening: 0.0\n    lr: 0.5\n    maximize: False\n")
    opt.zero_grad()
    assert a.grad is b.grad is c.grad is None


@pytest.mark.parametrize(("cls", "formula", "settings"), CASES, ids=NAMES)
def test_training_goes_on_from_a_saved_state(cls, formula, settings):
    params = [fg.tensor(a, requires_grad=True) for a in start()]
    opt = cls(params, lr=0.1, **settings)

    def train(params, opt, seeds):
        for seed in seeds:
            for p, g in zip(params, start(seed=seed)):
                p.grad = g
            opt.step()
        return [p.detach().numpy().copy() for p in params]

    train(params, opt, range(3))
    saved, values = copy.deepcopy(opt.state_dict()), [p.detach().numpy().copy() for p in params]
    wanted = train(params, opt, range(3, 6))
    others = [fg.tensor(a, requires_grad=True) for a in values]
    again = cls(others, lr=0.7)
    again.load_state_dict(saved)
    for got, want in zip(train(others, again, range(3, 6)), wanted):
        np.testing.assert_array_equal(got, want)
    assert saved["param_groups"][0]["params"] == [0, 1, 2, 3]
    assert again.param_groups[0]["lr"] == 0.1


def test_states_that_do_not_fit_are_refused_as_a_whole():
    p = fg.tensor(np.ones(3), requires_grad=True)
    opt = optim.Adam([p])
    state = {"exp_avg": np.ones(2), "momentum": np.ones(3), "step": 1}
    group = {"lr": 0.5, "params": [0]}
    with pytest.raises(
        StateError, match=r"nothing was loaded. 0.exp_avg: shape \(2,\) for \(3,\); 0.momentum: unexpected"
    ):
        opt.load_state_dict({"state": {0: state}, "param_groups": [group]})
    with pytest.raises(StateError, match=r"groups of \[2\] parameters, the optimizer of \[1\]"):
        opt.load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]})
    with pytest.raises(StateError, match='takes a dict with "state" and "param_groups"'):
        opt.load_state_dict({})
    with pytest.raises(BadSetting, match=r"lr must .* got -1"):
        opt.load_state_dict({"state": {}, "param_groups": [{"lr": -1, "params": [0]}]})
    assert opt.param_groups[0]["lr"] == 1e-3 and opt.state_dict()["state"] == {}


P = fg.tensor([1.0], requires_grad=True)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: optim.SGD([P], lr=math.nan), BadSetting, "SGD: lr must be at least 0 and finite, got nan"),
        (lambda: optim.Adam([P], lr=-0.1), BadSetting, "Adam: lr must be at least 0 and finite, got -0.1"),
        (lambda: optim.Adam([P], lr=math.inf), BadSetting, "lr must .* got inf"),
        (lambda: optim.Adam([P], lr="big"), BadSetting, "lr must .* got 'big'"),
        (lambda: optim.Adam([P], betas=(0.9, 1.0)), BadSetting, r"betas must .* less than 1, got \(0.9, 1.0\)"),
        (lambda: optim.Adam([P], betas=0.9), BadSetting, "betas must be a pair .* got 0.9"),
        (lambda: optim.Adam([P], eps=-1e-8), BadSetting, "eps"),
        (lambda: optim.AdamW([P], weight_decay=-1.0), BadSetting, "AdamW: weight_decay must .* got -1.0"),
        (lambda: optim.RMSprop([P], alpha=math.nan), BadSetting, "alpha must .* got nan"),
        (lambda: optim.SGD([P], momentum=-1.0), BadSetting, "momentum must .* got -1.0"),
        (lambda: optim.SGD([P], nesterov=True), BadSetting, "nesterov=True needs momentum above 0 and dampening 0"),
        (lambda: optim.SGD([]), ShapeError, "SGD: got no parameters: was the generator"),
        (lambda: optim.SGD([{"params": []}]), ShapeError, "SGD: got no parameters"),
        (lambda: optim.SGD(P), DTypeError, "SGD takes an iterable of Tensors, .* got Tensor"),
        (lambda: optim.SGD(3), DTypeError, "got int"),
        (lambda: optim.SGD([np.ones(3)]), DTypeError, "got ndarray as number 0"),
        (lambda: optim.SGD([{"lr": 1}]), DTypeError, "got dict"),
        (lambda: optim.SGD([{"params": [P], "rate": 1}]), BadSetting, "SGD has no setting 'rate': it has lr, momentum"),
        (lambda: optim.SGD([P * 2.0]), DTypeError, "parameter 0 is the result of 'multiply'"),
        (lambda: optim.SGD([fg.tensor([1])]), DTypeError, "parameter 0 must be .* got int64"),
        (lambda: optim.SGD([P, P]), BadSetting, "parameter 1 occurs twice"),
        (lambda: optim.LBFGS([P]).step(), BadSetting, "LBFGS.step needs a closure"),
        (lambda: optim.LBFGS([P], line_search_fn="wolfe"), ValueError, "line_search_fn must be .* got 'wolfe'"),
        (lambda: optim.LBFGS([{"params": [P]}, {"params": [fg.tensor([1.0])]}]), ValueError, "in one group"),
    ],
)
def test_what_an_optimizer_refuses(call, error, text):
    with pytest.raises(error, match=text) as caught:
        call()
    assert isinstance(caught.value, (FastgradError, ValueError))


def test_a_group_that_was_changed_by_hand_is_refused():
    opt = optim.Adam([fg.tensor([1.0], requires_grad=True)])
    opt.param_groups[0]["params"].append(P)
    with pytest.raises(BadSetting, match="use add_param_group"):
        opt.step()


@pytest.mark.skipif(_engine.adam_step is None, reason="the pure-Python engine has the formulas alone")
def test_the_compiled_steps_look_at_the_lengths_of_their_lists():
    p = fg.tensor([1.0], requires_grad=True)
    p.grad = [1.0]
    counts = np.zeros(1, np.intp)
    with pytest.raises(ValueError, match="one moment of each kind"):
        _engine.adam_step([p], [None], [], counts, 0.1, 0.9, 0.9, 0.0, 0.0, False)
    with pytest.raises(ValueError, match="one count per parameter"):
        _engine.adam_step([p], [None], [None], np.zeros(1), 0.1, 0.9, 0.9, 0.0, 0.0, False)
    with pytest.raises(ValueError, match="one moment of each kind"):
        _engine.sgd_step([p], [], 0.1, 0.9, 0.0, 0.0, False)
    with pytest.raises(ValueError, match="one moment of each kind"):
        _engine.rmsprop_step([p], [None], [None], [], 0.1, 0.9, 0.0, 0.0, 0.0, False)
    with pytest.raises(TypeError):
        _engine.adam_step([1.0], [None], [None], counts, 0.1, 0.9, 0.9, 0.0, 0.0, False)
    assert p.item() == 1


def test_a_rate_that_became_nan_is_refused_before_anything_is_written():
    p = fg.tensor([1.0], requires_grad=True)
    p.grad = [1.0]
    opt = optim.Adam([p])
    opt.param_groups[0]["lr"] = math.nan
    with pytest.raises(BadSetting, match=r"lr must be .*, got nan"):
        opt.step()
    assert p.item() == 1
