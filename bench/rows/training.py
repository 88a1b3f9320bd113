"""Training with `fastgrad.nn` and `fastgrad.optim`, against PyTorch (eager, with its fused Adam).

If PyTorch is not installed, the rival is hand-written Adam in NumPy, and the rows have no target.
"""

import numpy as np

import fastgrad as fg
from bench.results import ROWS, Row, race_result, row
from fastgrad.benchmark.networks import make_layers, mlp_tanh_by_hand
from fastgrad.benchmark.peers import named, peers
from fastgrad.benchmark.race import Contender, Race

RATE = 1e-3


class HandAdam:
    """Adam on arrays, in place, with a persistent scratch array per parameter."""

    def __init__(self, params):
        self.params = params
        self.m, self.v, self.scratch = ([np.zeros_like(p) for p in params] for _ in range(3))
        self.t = 0

    def step(self, gradients):
        """Update the parameters. Overwrites the gradients."""
        self.t += 1
        root, rate = 1 / np.sqrt(1 - 0.999**self.t), RATE / (1 - 0.9**self.t)
        for p, g, m, v, s in zip(self.params, gradients, self.m, self.v, self.scratch):
            kind = p.dtype.type
            np.subtract(g, m, out=s)
            s *= kind(0.1)
            m += s
            g *= g
            g -= v
            g *= kind(0.001)
            v += g
            np.sqrt(v, out=s)
            s *= kind(root)
            s += kind(1e-8)
            np.divide(m, s, out=s)
            s *= kind(rate)
            p -= s


def against_torch(name, settings, mine, by_hand, facts, **how):
    """Return the race against PyTorch or, if it is not installed, the result against NumPy without a target."""
    found = [c for c in peers(name, *facts) if c.name == "torch"]
    race = Race(mine, [*found, by_hand], **how)
    if found:
        return race
    entry = ROWS[name]
    return [race_result(Row(name, entry.make, None, entry.sense, entry.note), race, settings)]


@row("mlp-adam", target=0.33, note="64-64-10 with tanh, cross-entropy, batch 32, Adam; float64; against PyTorch")
def mlp_adam(settings):
    """A complete training step: zero_grad, forward, backward, step."""
    rng = np.random.default_rng(11)
    x, labels = rng.normal(size=(32, 64)), rng.integers(0, 10, 32)
    layers = make_layers(rng, 64, 64, 10)
    nn = fg.nn
    model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))
    turned = [a.T if a.ndim == 2 else a for a in layers]
    model.load_state_dict(dict(zip(model.state_dict(), turned)))
    optimizer = fg.optim.Adam(model.parameters(), RATE)
    inputs = fg.asarray(x)

    def step():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        return loss

    def answer():
        losses = [step().item() for _ in range(3)]
        return {"losses": losses} | {
            f"parameter {k}": p.detach().numpy().copy() for k, p in enumerate(model.parameters())
        }

    hand, both = HandAdam([a.copy() for a in layers]), mlp_tanh_by_hand(x, labels)

    def hand_step():
        loss, gradients = both(hand.params)
        hand.step(gradients)
        return loss

    def hand_answer():
        losses = [hand_step() for _ in range(3)]
        turned = (p.T if p.ndim == 2 else p for p in hand.params)
        return {"losses": losses} | {f"parameter {k}": p.copy() for k, p in enumerate(turned)}

    return against_torch(
        "mlp-adam", settings, Contender("fastgrad", step, answer), Contender("NumPy by hand", hand_step, hand_answer),
        (layers, x, labels, RATE), rtol=1e-7,
    )  # fmt: skip


@row("adam-1e6", target=1.1, note="a step of Adam over 10^6 float32; against PyTorch's fused one")
def adam(settings):
    """The update alone: memory traffic and one square root per element."""
    rng = np.random.default_rng(12)
    n = settings.size(10**6, 1000)
    start, gradient = rng.normal(size=n).astype(np.float32), rng.normal(size=n).astype(np.float32)
    p = fg.tensor(start, requires_grad=True)
    p.grad = fg.tensor(gradient)
    optimizer = fg.optim.Adam([p], RATE)

    def answer():
        for _ in range(3):
            optimizer.step()
        kept = optimizer.state_dict()["state"][0]
        return named(("p", "m", "v"), (a.detach().numpy().copy() for a in (p, kept["exp_avg"], kept["exp_avg_sq"])))

    hand = HandAdam([start.copy()])
    hand_step = lambda: hand.step([gradient.copy()])

    def hand_answer():
        for _ in range(3):
            hand_step()
        return named(("p", "m", "v"), (hand.params[0].copy(), hand.m[0].copy(), hand.v[0].copy()))

    return against_torch(
        "adam-1e6", settings, Contender("fastgrad", optimizer.step, answer),
        Contender("NumPy by hand", hand_step, hand_answer), (start, gradient, RATE), rtol=1e-5,
    )  # fmt: skip
