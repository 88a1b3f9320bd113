"""Modules, initial values, optimizers and schedulers against PyTorch's, if it is installed."""

import math

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim

torch = pytest.importorskip("torch")

rng = np.random.default_rng(5)


def array(t):
    return t.detach().numpy().copy()


def as_numpy(state_dict):
    return {name: array(value) for name, value in state_dict.items()}


def torch_mlp():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Embedding(11, 6, padding_idx=0)
            self.body = torch.nn.Sequential(
                torch.nn.Linear(6, 8), torch.nn.LayerNorm(8), torch.nn.GELU(), torch.nn.Linear(8, 5, bias=False),
                torch.nn.BatchNorm1d(5), torch.nn.ReLU(),
            )  # fmt: skip
            self.head = torch.nn.Linear(5, 3)

        def forward(self, indices):
            return self.head(self.body(self.table(indices)))

    return Net().double()


class Net(nn.Module):
    def __init__(self):
        self.table = nn.Embedding(11, 6, padding_idx=0)
        self.body = nn.Sequential(
            nn.Linear(6, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 5, bias=False), nn.BatchNorm1d(5), nn.ReLU()
        )
        self.head = nn.Linear(5, 3)

    def forward(self, indices):
        return self.head(self.body(self.table(indices)))


def test_a_state_dict_of_pytorch_loads_and_gives_the_same_outputs_and_gradients():
    theirs, mine = torch_mlp(), Net()
    indices, labels = rng.integers(0, 11, 16), rng.integers(0, 3, 16)
    with torch.no_grad():
        for _ in range(3):
            theirs(torch.as_tensor(rng.integers(0, 11, 16)))  # running statistics that are not the first ones
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert mine.load_state_dict(as_numpy(theirs.state_dict())) == ([], [])
    for train in (True, False):
        theirs.train(train), mine.train(train), theirs.zero_grad(), mine.zero_grad()
        want, got = theirs(torch.as_tensor(indices)), mine(indices)
        np.testing.assert_allclose(got.detach().numpy(), array(want), rtol=1e-10, atol=1e-12)
        torch.nn.functional.cross_entropy(want, torch.as_tensor(labels)).backward()
        nn.functional.cross_entropy(got, labels).backward()
        for (name, p), q in zip(mine.named_parameters(), theirs.parameters()):
            np.testing.assert_allclose(p.grad.numpy(), array(q.grad), rtol=1e-8, atol=1e-12, err_msg=name)
    for name, value in as_numpy(theirs.state_dict()).items():
        np.testing.assert_allclose(mine.state_dict()[name].numpy(), value, rtol=1e-12, atol=1e-15, err_msg=name)
    back = {name: torch.as_tensor(value.numpy().copy()) for name, value in mine.state_dict().items()}
    theirs.load_state_dict(back)


def test_a_network_is_printed_as_pytorch_prints_it():
    def made(library):
        layer = library.Sequential(library.Linear(2, 3), library.Tanh(), library.Sequential(library.Dropout(0.2)))
        return library.Sequential(
            layer, library.ModuleList([library.ReLU(), library.ReLU(), library.Flatten()]), library.Embedding(3, 2),
            library.BatchNorm2d(3), library.LayerNorm(4), library.LeakyReLU(), library.ELU(), library.Softmax(dim=-1),
            library.Identity(), library.Sigmoid(), library.CrossEntropyLoss(),
        )  # fmt: skip

    # the norms tell of their bias since PyTorch 2.13
    mine, theirs = (repr(made(library)).replace(", bias=True", "") for library in (nn, torch.nn))
    assert mine == theirs.replace(", inplace=False", "")


FIRST_ORDER = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3}),
    ("AdamW", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.9, "centered": True, "eps": 1e-2}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "maximize": True}),
    ("RMSprop", {"lr": 0.1, "maximize": True}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.1, "amsgrad": True, "maximize": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1, "initial_accumulator_value": 0.3}),
    ("Adadelta", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adadelta", {"lr": 0.1, "rho": 0.5, "eps": 1e-3, "maximize": True}),
    ("Adamax", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adamax", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3, "maximize": True}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "betas": (0.5, 0.9)}),
]


@pytest.mark.parametrize(("name", "settings"), FIRST_ORDER, ids=lambda v: v if isinstance(v, str) else " ".join(v))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_optimizer_goes_where_pytorchs_goes(name, settings, dtype):
    arrays = [rng.normal(size=s).astype(dtype) for s in ((3, 4), (7,), ())]
    mine = [fg.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    a, b = getattr(optim, name)(mine, **settings), getattr(torch.optim, name)(theirs, **settings)
    rtol = 1e-11 if dtype is np.float64 else 2e-4
    for t in range(12):
        for p, q in zip(mine, theirs):
            g = rng.normal(size=p.shape).astype(dtype)
            p.grad, q.grad = g, torch.tensor(g)
        a.step(), b.step()
        if t == 5:  # over to a new one, with PyTorch's state
            state = b.state_dict()
            state["state"] = {
                k: {n: v if v is None else array(v) if torch.is_tensor(v) else v for n, v in s.items()}
                for k, s in state["state"].items()
            }
            a = getattr(optim, name)(mine, lr=9.0)
            a.load_state_dict(state)
            assert a.param_groups[0]["lr"] == 0.1
        for p, q in zip(mine, theirs):
            np.testing.assert_allclose(p.detach().numpy(), array(q), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("settings", [
    {"line_search_fn": "strong_wolfe"}, {"line_search_fn": "strong_wolfe", "history_size": 3, "lr": 0.5},
    {"lr": 0.1}, {"lr": 0.3, "history_size": 2, "max_iter": 5},
    {"line_search_fn": "strong_wolfe", "max_iter": 4, "max_eval": 7}, {"line_search_fn": "strong_wolfe", "max_iter": 1},
    {"line_search_fn": "strong_wolfe", "max_eval": 3}, {"line_search_fn": "strong_wolfe", "max_iter": 3},
], ids=lambda s: " ".join(f"{k}={v}" for k, v in s.items()))  # fmt: skip
def test_lbfgs_goes_where_pytorchs_goes(settings):
    """Several steps on Rosenbrock's function and a logistic regression, with the same number of evaluations."""
    x0 = rng.normal(size=6)
    data, labels = rng.normal(size=(30, 6)), rng.integers(0, 2, 30).astype(float)
    losses = (
        lambda x, lib: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum(),
        lambda x, lib: (
            lib.nn.functional.binary_cross_entropy_with_logits(lib.asarray(data) @ x, lib.asarray(labels))
            + 0.01 * (x * x).sum()
        ),
    )
    for number, loss in enumerate(losses):
        if number == 0 and "line_search_fn" not in settings:
            continue  # without a search, the valley throws both of them out
        mine, theirs = fg.tensor(x0, requires_grad=True), torch.tensor(x0, requires_grad=True)
        counts = [0, 0]

        def closure(which, x, lib, opt):
            def call():
                counts[which] += 1  # noqa: B023
                opt.zero_grad()
                y = loss(x, lib)  # noqa: B023
                y.backward()
                return y

            return call

        a, b = optim.LBFGS([mine], **settings), torch.optim.LBFGS([theirs], **settings)
        for _ in range(4):
            got, want = a.step(closure(0, mine, fg, a)), b.step(closure(1, theirs, torch, b))
            assert got.item() == pytest.approx(want.item(), rel=1e-6, abs=1e-9)
            np.testing.assert_allclose(mine.detach().numpy(), array(theirs), rtol=1e-5, atol=1e-7)
            assert counts[0] == counts[1]


SCHEDULES = {
    "step": lambda s, o: s.StepLR(o, 3, 0.5),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 7, eta_min=0.01),
    "linear": lambda s, o: s.LinearLR(o, 0.25, 0.9, total_iters=4),
    "lambda": lambda s, o: s.LambdaLR(o, lambda t: 0.9**t),
    "warmup and cosine": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=4), s.CosineAnnealingLR(o, 8)], milestones=[4]
    ),
    "three": lambda s, o: s.SequentialLR(o, [s.LinearLR(o), s.StepLR(o, 2), s.StepLR(o, 1, 0.5)], milestones=[3, 8]),
    "chained": lambda s, o: s.ChainedScheduler([s.LinearLR(o, 0.1, total_iters=4), s.StepLR(o, 3, 0.5)]),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.8),
    "milestones": lambda s, o: s.MultiStepLR(o, [2, 7, 7], 0.5),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda t: 0.9 + t / 100),
    "constant": lambda s, o: s.ConstantLR(o, 0.25, total_iters=4),
    "polynomial": lambda s, o: s.PolynomialLR(o, total_iters=6, power=2.0),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4, eta_min=0.01),
    "longer restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 2),
    "one cycle": lambda s, o: s.OneCycleLR(o, [1.0, 2.0], total_steps=13),
    "one cycle, linear": lambda s, o: s.OneCycleLR(o, 0.5, epochs=4, steps_per_epoch=5, anneal_strategy="linear"),
    "three phases": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=15, pct_start=0.4, three_phase=True, div_factor=5.0),
    "warmup and restarts": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, total_iters=3), s.CosineAnnealingWarmRestarts(o, 4)], milestones=[3]
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.filterwarnings("ignore")
def test_a_schedule_is_pytorchs(name):
    p, q = fg.tensor([1.0], requires_grad=True), torch.tensor([1.0], requires_grad=True)
    groups = lambda x, y: [{"params": [x], "lr": 0.5}, {"params": [y]}]
    a = optim.SGD(groups(p, fg.tensor([1.0])), lr=0.1, momentum=0.9)
    b = torch.optim.SGD(groups(q, torch.tensor([1.0])), lr=0.1, momentum=0.9)
    mine, theirs = SCHEDULES[name](optim.lr_scheduler, a), SCHEDULES[name](torch.optim.lr_scheduler, b)
    for _ in range(13):
        np.testing.assert_allclose(mine.get_last_lr(), [g["lr"] for g in b.param_groups], rtol=1e-12)
        np.testing.assert_allclose(*([g["momentum"] for g in o.param_groups] for o in (a, b)), rtol=1e-12)
        b.step(), theirs.step(), a.step(), mine.step()


def test_one_cycle_moves_the_first_of_the_betas():
    p, q = fg.tensor([1.0], requires_grad=True), torch.tensor([1.0], requires_grad=True)
    a, b = optim.Adam([p], lr=0.1), torch.optim.Adam([q], lr=0.1)
    made = [s.OneCycleLR(o, 0.3, total_steps=8) for s, o in ((optim, a), (torch.optim.lr_scheduler, b))]
    for _ in range(8):
        np.testing.assert_allclose(a.param_groups[0]["betas"], b.param_groups[0]["betas"], rtol=1e-12)
        b.step(), [scheduler.step() for scheduler in made]


@pytest.mark.parametrize("settings", [
    {}, {"mode": "max", "factor": 0.5}, {"patience": 0}, {"threshold_mode": "abs", "threshold": 0.3},
    {"cooldown": 2, "patience": 1}, {"min_lr": 0.05, "patience": 1}, {"min_lr": [0.01, 0.2], "patience": 0},
    {"eps": 0.3, "patience": 0}, {"mode": "max", "threshold_mode": "abs", "patience": 1},
], ids=str)  # fmt: skip
def test_a_plateau_is_where_pytorch_sees_it(settings):
    settings = {"patience": 2, **settings}
    p, q = fg.tensor([1.0], requires_grad=True), torch.tensor([1.0], requires_grad=True)
    a = optim.SGD([{"params": [p], "lr": 0.5}, {"params": [fg.tensor([1.0])]}], lr=0.1)
    b = torch.optim.SGD([{"params": [q], "lr": 0.5}, {"params": [torch.tensor([1.0])]}], lr=0.1)
    mine, theirs = optim.ReduceLROnPlateau(a, **settings), torch.optim.lr_scheduler.ReduceLROnPlateau(b, **settings)
    values = [1.0, 0.9, 0.95, 0.91, 0.92, 0.7, 0.71, 0.8, 0.8, 0.8, 0.9, float("nan"), 0.1, 0.1, 0.1, 0.1, 0.1, 0.2]
    for t, value in enumerate(values):
        mine.step(fg.tensor(value) if t % 2 else value), theirs.step(value)
        assert mine.get_last_lr() == pytest.approx(theirs.get_last_lr(), rel=1e-12)
        assert (mine.best, mine.num_bad_epochs, mine.cooldown_counter, mine.last_epoch) == (
            theirs.best, theirs.num_bad_epochs, theirs.cooldown_counter, theirs.last_epoch,
        )  # fmt: skip
        if t == 9:
            mine = optim.ReduceLROnPlateau(a, **settings)
            mine.load_state_dict(theirs.state_dict())


def test_warm_restarts_take_fractions_of_a_step():
    for T_mult in (1, 2):
        p, q = fg.tensor([1.0], requires_grad=True), torch.tensor([1.0], requires_grad=True)
        a, b = optim.SGD([p], lr=0.1), torch.optim.SGD([q], lr=0.1)
        mine = optim.CosineAnnealingWarmRestarts(a, 3, T_mult)
        theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(b, 3, T_mult)
        b.step()
        for epoch in (0.25, 1.5, 2.75, 3.5, 9.5, None, None, 21.25, None):
            mine.step(epoch), theirs.step(epoch)
            assert a.param_groups[0]["lr"] == pytest.approx(b.param_groups[0]["lr"], rel=1e-9)
            assert mine.last_epoch == theirs.last_epoch


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, -2.0, 0, math.inf, -math.inf, "inf", "-inf"])
def test_clipping_is_pytorchs(norm_type):
    arrays = [rng.normal(size=s) for s in ((3, 4), (7,), (1,), (2,))]
    arrays[2][:] = 0.0
    mine, theirs = (
        [fg.tensor(a, requires_grad=True) for a in arrays],
        [torch.tensor(a, requires_grad=True) for a in arrays],
    )
    for p, q, a in zip(mine, theirs, arrays):
        p.grad, q.grad = 3 * a, torch.tensor(3 * a)
    want = torch.nn.utils.clip_grad_norm_(theirs, 2.0, norm_type)
    assert nn.utils.clip_grad_norm_(mine, 2.0, norm_type).item() == pytest.approx(want.item(), rel=1e-12)
    for p, q in zip(mine, theirs):
        np.testing.assert_allclose(p.grad.numpy(), array(q.grad), rtol=1e-12)


@pytest.mark.parametrize(("name", "settings"), [
    ("xavier_uniform_", {"gain": 2.0}), ("xavier_normal_", {}), ("kaiming_uniform_", {"a": 0.3}),
    ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "relu"}), ("trunc_normal_", {"std": 1.5}),
    ("normal_", {"std": 3.0}), ("uniform_", {"a": -1.0}),
])  # fmt: skip
def test_initial_values_spread_as_pytorchs(name, settings):
    mine = getattr(nn.init, name)(fg.tensor(np.zeros((90, 40, 3, 3))), rng=1, **settings).numpy()
    theirs = array(getattr(torch.nn.init, name)(torch.zeros(90, 40, 3, 3), **settings))
    assert mine.std() == pytest.approx(theirs.std(), rel=0.03)
    low, high = np.quantile(mine, [0.001, 0.999]), np.quantile(theirs, [0.001, 0.999])
    np.testing.assert_allclose(low, high, rtol=0.1)


@pytest.mark.parametrize("nonlinearity", ["linear", "conv2d", "sigmoid", "tanh", "relu", "selu", "leaky_relu"])
def test_gains_are_pytorchs(nonlinearity):
    assert nn.init.calculate_gain(nonlinearity) == torch.nn.init.calculate_gain(nonlinearity)


@pytest.mark.parametrize("layer", [lambda n: n.Linear(50, 60), lambda n: n.Embedding(50, 60), lambda n: n.LayerNorm(5)])
def test_layers_start_as_pytorchs_do(layer):
    theirs = layer(torch.nn).state_dict()
    for name, value in layer(nn).state_dict().items():
        assert value.shape == tuple(theirs[name].shape)
        assert value.numpy().std() == pytest.approx(array(theirs[name]).std(), rel=0.25, abs=1e-12)
