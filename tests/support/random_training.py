"""Random training steps, called as they are and compiled: losses, parameters, gradients, buffers and states are equal.

A step reads and writes Tensors around it, and numbers in its closure, which change between calls.

`python -m tests.support.random_training FIRST LAST` compares the steps of a range of seeds and prints what differs.
"""

import sys
import warnings

import numpy as np

import fastgrad as fg
from fastgrad.errors import CompileError
from tests.support.random_steps import Drawn, outcome, same

CALLS = 6
OPTIMIZERS = (
    lambda p: fg.optim.SGD(p, 0.01),
    lambda p: fg.optim.SGD(p, 0.01, momentum=0.9, nesterov=True),
    lambda p: fg.optim.SGD(p, 0.01, weight_decay=0.1),
    lambda p: fg.optim.Adam(p, 0.01),
    lambda p: fg.optim.AdamW(p, 0.01, weight_decay=0.1),
    lambda p: fg.optim.RMSprop(p, 0.01),
    lambda p: fg.optim.Adagrad(p, 0.01),
)
LAYERS = (
    lambda n: fg.nn.Linear(n, n), lambda n: fg.nn.Tanh(), lambda n: fg.nn.ReLU(), lambda n: fg.nn.LayerNorm(n),
    lambda n: fg.nn.BatchNorm1d(n), lambda n: fg.nn.Sigmoid(), lambda n: fg.nn.Softmax(dim=-1), lambda n: fg.nn.GELU(),
    lambda n: fg.nn.Sequential(fg.nn.Linear(n, 2 * n), fg.nn.Tanh(), fg.nn.Linear(2 * n, n)),
)  # fmt: skip


class World:
    """A model, an optimizer and a step, drawn from a seed: twice the same for the same seed."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        fg.manual_seed(seed)
        self.dtype = np.dtype(rng.choice(("f8", "f4")))
        self.batch, self.width = int(rng.choice((1, 4, 33, 600))), int(rng.choice((1, 3, 16)))
        layers = [LAYERS[rng.integers(len(LAYERS))](self.width) for _ in range(rng.integers(1, 4))]
        self.model = fg.nn.Sequential(*layers, fg.nn.Linear(self.width, self.width))
        if self.batch == 1 and any(isinstance(layer, fg.nn.BatchNorm1d) for layer in layers):
            self.model.eval()
        if self.dtype == np.float32:
            self.model.to(np.float32)
        self.extra = Drawn(rng) if rng.random() < 0.4 else None
        self.optimizer = OPTIMIZERS[rng.integers(len(OPTIMIZERS))](list(self.model.parameters()))
        self.buffer = fg.tensor(np.zeros(self.width, self.dtype))
        self.clip, self.twice = bool(rng.random() < 0.3), bool(rng.random() < 0.2)
        self.zero = str(rng.choice(("none", "zeros", "never")))
        self.by_hand = bool(rng.random() < 0.25)
        self.average = bool(rng.random() < 0.5)
        self.loss = str(rng.choice(("mse", "cross_entropy", "own")))
        self.scale = 1.0
        self.step = self.make_step()

    def make_step(self):
        scale = 1.0

        def change(value):
            nonlocal scale
            scale = value

        def step(x, y, labels):
            if self.zero != "never":
                self.optimizer.zero_grad(set_to_none=self.zero == "none")
            for _ in range(2 if self.twice else 1):
                loss = self.criterion(x, y, labels) * scale
                loss.backward()
            if self.clip:
                fg.nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
            with fg.no_grad():
                if self.average:
                    self.buffer *= 0.9
                    self.buffer += 0.1 * fg.mean(x, axis=0)
                if self.by_hand:
                    for p in self.model.parameters():
                        p -= 0.01 * p.grad
            if not self.by_hand:
                self.optimizer.step()
            return loss.detach()

        self.change = change
        return step

    def call(self, *given):
        """Run the step as it is; returns the loss as a number."""
        return self.step(*map(fg.asarray, given)).numpy()[()]

    def criterion(self, x, y, labels):
        z = self.model(x)
        if self.loss == "mse":
            value = fg.nn.functional.mse_loss(z, y)
        elif self.loss == "cross_entropy":
            value = fg.nn.functional.cross_entropy(z, labels)
        else:
            value = fg.sum(fg.sin(z) * self.buffer) + fg.mean(z * z * y)
        if self.extra is not None:
            value = value + 0.01 * sum(fg.sum(fg.tanh(v)) for v in self.extra(z, y))
        return value

    def disturb(self, rng):
        """Change something around the step, as code between two calls does."""
        kind = rng.choice(("nothing", "nothing", "scale", "parameter", "gradient", "rate", "replace"))
        params = list(self.model.parameters())
        p = params[rng.integers(len(params))]
        if kind == "scale":
            self.change(float(rng.choice((0.5, 1.0, 2.0))))
        elif kind == "parameter":
            with fg.no_grad():
                p *= 0.9
        elif kind == "gradient":
            p.grad = None
        elif kind == "replace":
            p.grad = fg.ones_like(p).detach()
        elif kind == "rate":
            for group in self.optimizer.param_groups:
                group["lr"] *= 0.7

    def state(self):
        """Return what a step leaves behind."""
        found = [self.buffer.numpy().copy()]
        for p in self.model.parameters():
            found += [p.detach().numpy().copy(), None if p.grad is None else p.grad.numpy().copy()]
        found += [np.array(b.numpy()) for b in self.model.buffers()]
        for kept in self.optimizer.state_dict()["state"].values():
            found += [np.asarray(v.numpy() if isinstance(v, fg.Tensor) else v).copy() for v in kept.values()
                      if v is not None]  # fmt: skip
        return found


def compare(seed, compile=fg.compile):
    """Return what differs between the steps of two equal worlds, of which one is compiled; None if nothing does."""
    eager, compiled = World(seed), World(seed)
    program = compile(compiled.step)
    rng, one, two = (np.random.default_rng(seed + 1) for _ in range(3))
    for call in range(CALLS):
        x, y = (rng.normal(size=(eager.batch, eager.width)).astype(eager.dtype) for _ in range(2))
        labels = rng.integers(0, eager.width, eager.batch)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = outcome(eager.call, x, y, labels)
            got = outcome(program, x, y, labels)
        if isinstance(got, CompileError):
            return f"CompileError: {got}"
        if isinstance(wanted, Exception) or isinstance(got, Exception):
            return None if type(wanted) is type(got) else f"call {call}: {got!r} instead of {wanted!r}"
        if not same(got, wanted):
            return f"call {call}: loss {got!r} instead of {wanted!r}"
        for k, (found, right) in enumerate(zip(compiled.state(), eager.state())):
            if not same(found, right):
                return f"call {call}: value {k} of the state is {found} instead of {right}"
        eager.disturb(one)
        compiled.disturb(two)
    return None


def main(first, last):
    reasons, wrong, refused = {}, 0, 0
    for seed in range(first, last):
        said = compare(seed)
        if said is not None and said.startswith("CompileError"):
            refused += 1
            reasons.setdefault(said[:160], []).append(seed)
        elif said is not None:
            wrong += 1
            print(f"seed {seed}: {said[:300]}", flush=True)
    print(f"{last - first} steps: {wrong} differ, {refused} are refused")
    for reason, seeds in sorted(reasons.items(), key=lambda item: -len(item[1])):
        print(f"{len(seeds):6d} {seeds[:3]} {reason}")
    return wrong


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])) > 0)
