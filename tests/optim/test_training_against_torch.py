"""Random training runs, step by step against PyTorch's: all layers, losses, optimizers, schedules, clipping, resuming.

A run draws a network, a loss, an optimizer with one or two groups, a schedule and a way of clipping. Both libraries
start from the same weights and see the same batches. In the middle, fastgrad's objects are saved to a file and loaded
into new ones, which continue with the same bits as the old ones; PyTorch's states are loaded into a third set.
"""

import copy

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn, optim
from tests.optim.random_networks import Net, as_arrays, draw, losses, pick, rows_of, tensors_of, torch_net
from tests.optim.random_schedules import composed

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # of small arrays, more are slower
pytestmark = pytest.mark.filterwarnings("ignore")

STEPS = 8
LOSSES = losses(torch)


def optimizer(rng, name, dtype):
    """Its settings: what a group may have of its own, and the rest."""
    rate = lambda low, high: float(np.exp(rng.uniform(np.log(low), np.log(high))))
    # a gradient that is rounding alone, 1e-14 or in float32 1e-6, must stay small: it is divided by this
    eps = {"eps": rate(1e-5, 1e-3) if dtype == np.float64 else 1e-2}
    decay = {"weight_decay": pick(rng, [0.0, 0.01, 0.1])}
    if name == "SGD":
        momentum = pick(rng, [0.0, 0.5, 0.9])
        extra = {"nesterov": True} if momentum and rng.random() < 0.5 else {"dampening": pick(rng, [0.0, 0.3])}
        return {"lr": rate(1e-3, 0.1), **decay, "momentum": momentum, **extra}
    if name in ("Adam", "AdamW"):
        betas = (float(rng.uniform(0.5, 0.95)), float(rng.uniform(0.8, 0.999)))
        return {"lr": rate(1e-3, 0.03), **decay, **eps, "betas": betas}
    if name == "RMSprop":
        more = {"momentum": pick(rng, [0.0, 0.5]), "centered": bool(rng.random() < 0.5)}
        # centered, the root of a difference of equal numbers is divided by
        eps = eps if not more["centered"] else {"eps": 0.1}
        return {"lr": rate(1e-3, 0.01), **decay, **eps, "alpha": float(rng.uniform(0.7, 0.99)), **more}
    search = dtype == np.float64 and rng.random() < 0.6
    return {
        "lr": 1.0 if search else rate(1e-2, 0.1), "max_iter": int(rng.integers(1, 5)) if dtype == np.float64 else 1,
        "max_eval": pick(rng, [None, 100, 2]), "history_size": pick(rng, [2, 100]),
        "line_search_fn": "strong_wolfe" if search else None,
    }  # fmt: skip


class Side:
    """One library's model, optimizer and schedules."""

    def __init__(self, library, model, drawn):
        self.model, self.drawn = model, drawn
        params = list(model.parameters())
        k = drawn["split"] % len(params) if drawn["name"] != "LBFGS" else 0
        groups = [{"params": params[:k], "name": "first", "lr": drawn["settings"]["lr"] / 2}] if k else []
        groups.append({"params": params[k:]})
        self.optimizer = getattr(library, drawn["name"])(groups if k else params, **drawn["settings"])
        place = torch.optim.lr_scheduler if library is torch.optim else optim
        self.schedules = [make(place, self.optimizer) for make in drawn["schedules"]]

    def step(self, loss, batches, clip, set_to_none):
        def closure():
            self.optimizer.zero_grad(set_to_none=set_to_none)
            for x, y in batches:
                value = loss(self.model(x), y)
                value.backward()
            clip(self.model.parameters())
            return value

        if self.drawn["name"] == "LBFGS":
            value = self.optimizer.step(closure)
        else:
            value = closure()
            self.optimizer.step()
        for one in self.schedules:
            one.step()
        return value.item()

    def lowest_rate(self):
        return min(group["lr"] for group in self.optimizer.param_groups)

    def state(self):
        parts = {"model": self.model, "optimizer": self.optimizer}
        return parts | {"schedules": list(self.schedules), "rng": nn.get_rng_state(self.model)}

    def load(self, state):
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for one, saved in zip(self.schedules, state["schedules"]):
            one.load_state_dict(saved)
        nn.set_rng_state(state["rng"], self.model)

    def bits(self):
        return [value.numpy().tobytes() for value in self.model.state_dict().values()]


def clipping(rng):
    kind = int(rng.integers(4))
    if kind == 0:
        value = float(rng.uniform(0.01, 0.5))
        name, settings = "clip_grad_value_", (value,)
    elif kind == 1:
        # -inf and 0 are of single elements: of one that is rounding alone, they are noise
        name, settings = "clip_grad_norm_", (float(rng.uniform(0.1, 2)), pick(rng, [2.0, 1.0, 3, "inf", np.inf]))
    else:
        return lambda params: None, lambda params: None
    return (
        lambda params: getattr(nn.utils, name)(params, *settings),
        lambda params: getattr(torch.nn.utils, name)(list(params), *settings),
    )


def close(got, want, tolerance, where):
    got, want = np.asarray(got, float), np.asarray(want, float)
    error = np.linalg.norm((got - want).ravel())
    assert error <= tolerance * (1 + np.linalg.norm(want.ravel())), f"{where}: off by {error:.3g}"


def run(seed, folder):
    rng = np.random.default_rng(seed)
    dtype = pick(rng, [np.float64, np.float32])
    name = pick(rng, ["SGD", "Adam", "AdamW", "RMSprop", "LBFGS"])
    what = pick(rng, list(LOSSES) if name != "LBFGS" else ["cross_entropy", "mse", "bce"])
    width, targets, mine, theirs = LOSSES[what]
    layers, after, inputs = draw(rng, smooth=name == "LBFGS")
    if after is None:
        with torch.no_grad():
            after = torch_net(torch, layers).double()(torch.as_tensor(inputs(3))).shape[1]
    layers = [*layers, ("Linear", {"in_features": after, "out_features": width})]
    drawn = {"name": name, "settings": optimizer(rng, name, dtype), "split": int(rng.integers(6))}
    drawn["schedules"] = composed(rng) if name != "LBFGS" else []
    clip, torch_clip = clipping(rng) if name != "LBFGS" else (lambda ps: None,) * 2
    torch.manual_seed(seed)
    net = torch_net(torch, layers).to(torch.float64 if dtype == np.float64 else torch.float32)
    make = lambda: Net(layers).to(dtype)
    model = make()
    model.load_state_dict(as_arrays(net.state_dict()))
    here, there = Side(optim, model, drawn), Side(torch.optim, net, drawn)
    resumed = None
    middle, set_to_none = int(rng.integers(1, STEPS - 1)), bool(rng.random() < 0.7)
    where = f"seed {seed}: {name} {np.dtype(dtype)} {what} {[layer for layer, _ in layers]}"
    tolerance = 1e-9 if dtype == np.float64 else 2e-3
    if name == "LBFGS" and dtype == np.float64:
        tolerance = 1e-5  # each iteration divides by a difference of gradients, and multiplies what came of it before
    rows = int(rng.integers(3, 9))
    steps, fixed = STEPS, None
    if name == "LBFGS":
        # of one batch, as its curvature must be; and in float32 three iterations, before differences are rounding alone
        fixed = [rows_of((inputs(rows), targets(rng, rows)), dtype)]
        steps, middle = (STEPS, middle) if dtype == np.float64 else (3, 1)
    for t in range(steps):
        if there.lowest_rate() < 0:
            break  # a rate that is refused here
        batches = fixed or [rows_of((inputs(rows), targets(rng, rows)), dtype) for _ in range(1 + (rng.random() < 0.2))]
        got = here.step(mine, batches, clip, set_to_none)
        if resumed is not None:
            assert resumed.step(mine, batches, clip, set_to_none) == got, where
            assert resumed.bits() == here.bits(), where
        want = there.step(theirs, [tensors_of(torch, batch) for batch in batches], torch_clip, set_to_none)
        close(got, want, tolerance, f"{where}, loss at step {t}")
        for key, value in net.state_dict().items():
            close(here.model.state_dict()[key].numpy(), value.numpy(), tolerance, f"{where}, {key} at step {t}")
        rates = [[group["lr"] for group in side.optimizer.param_groups] for side in (here, there)]
        np.testing.assert_allclose(*rates, rtol=1e-9, atol=1e-12, err_msg=where)
        if t == middle and there.lowest_rate() >= 0:
            path = folder / f"run{seed}.npz"
            nn.save(here.state(), path)
            resumed = Side(optim, make(), drawn)
            resumed.load(nn.load(path))
            path.unlink()
            third = Side(optim, make(), drawn)  # with PyTorch's state
            third.model.load_state_dict(as_arrays(net.state_dict()))
            third.optimizer.load_state_dict(as_arrays(there.optimizer.state_dict()))
            for one, other in zip(third.schedules, there.schedules):
                one.load_state_dict(copy.deepcopy(other.state_dict()))
            batch = rows_of((inputs(rows), targets(rng, rows)), dtype)
            if all(p.grad is not None for p in net.parameters()):
                other = copy.deepcopy(net)
                beside = Side(torch.optim, other, drawn)
                beside.optimizer.load_state_dict(copy.deepcopy(there.optimizer.state_dict()))  # it would share them
                third.step(mine, [batch], clip, True), beside.step(theirs, [tensors_of(torch, batch)], torch_clip, True)
                for key, value in other.state_dict().items():
                    mine_now = third.model.state_dict()[key].numpy()
                    close(mine_now, value.numpy(), tolerance, f"{where}, {key} with PyTorch's state")
    model.eval(), net.eval()
    x = rows_of([inputs(rows)], dtype)
    with fg.no_grad(), torch.no_grad():
        close(model(*x).numpy(), net(*tensors_of(torch, x)).numpy(), 10 * tolerance, f"{where}, evaluated")


@pytest.mark.parametrize("seed", range(48))
def test_a_random_run_is_pytorchs(seed, tmp_path):
    run(seed, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("first", range(1000, 2200, 100))
def test_many_random_runs_are_pytorchs(first, tmp_path):
    for seed in range(first, first + 100):
        run(seed, tmp_path)
