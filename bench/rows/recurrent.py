"""A recurrent network unrolled over time: a long, thin graph that uses the same parameters in every step.

The hand-written version allocates every buffer once, computes the input projections of all steps in one product before
the loop, and the gradients of each parameter in one product after it. fastgrad's version hoists the projections too.
"""

import numpy as np

import fastgrad as fg
from bench.results import row
from fastgrad.benchmark.networks import leaves
from fastgrad.benchmark.peers import peers
from fastgrad.benchmark.race import Contender, Race


class HandRNN:
    """Forward and backward of `h = tanh(x[t] @ wx + b + h @ wh)` over all t. The loss is `mean(h**2)` of the last h."""

    def __init__(self, x, wx, wh, b):
        steps, batch, hidden = len(x), x.shape[1], len(b)
        self.x, self.wx, self.wh, self.b = x.reshape(steps * batch, -1), wx, wh, b
        self.h = np.zeros((steps + 1, batch, hidden))
        self.gz = np.empty((steps, batch, hidden))
        self.slope = np.empty((steps, batch, hidden))
        self.u = np.empty((steps, batch, hidden))
        self.gh = np.empty((batch, hidden))
        self.ones = np.ones(steps * batch)
        self.gwx, self.gwh, self.gb = np.empty_like(wx), np.empty_like(wh), np.empty_like(b)
        # Views of each step, so that the loops need no indexing.
        self.forward = list(zip(self.h[:-1], self.u, self.h[1:]))
        self.backward = list(zip(self.gz[::-1], self.slope[::-1]))

    def step(self):
        hidden, wh, wh_t, gh = len(self.b), self.wh, self.wh.T, self.gh
        u = self.u.reshape(-1, hidden)
        np.dot(self.x, self.wx, out=u)
        u += self.b
        # At this size, np.dot takes a quarter less time than np.matmul, and a product with ones less than a sum.
        dot, add, tanh, multiply = np.dot, np.add, np.tanh, np.multiply
        for before, ut, after in self.forward:
            dot(before, wh, out=after)
            add(after, ut, out=after)
            tanh(after, out=after)
        last = self.h[-1].ravel()
        loss = last @ last / last.size
        multiply(self.h[1:], self.h[1:], out=self.slope)
        np.subtract(1.0, self.slope, out=self.slope)
        multiply(self.h[-1], 2.0 / last.size, out=gh)
        for gz, slope in self.backward:
            multiply(gh, slope, out=gz)
            dot(gz, wh_t, out=gh)
        gz = self.gz.reshape(-1, hidden)
        np.dot(self.h[:-1].reshape(-1, hidden).T, gz, out=self.gwh)
        np.dot(self.x.T, gz, out=self.gwx)
        np.dot(self.ones, gz, out=self.gb)
        return loss

    def answer(self):
        loss = self.step()
        return {"loss": loss, "gwx": self.gwx, "gwh": self.gwh, "gb": self.gb}


@row(
    "rnn-100",
    target=0.9,
    note="100 steps, hidden 32, batch 16, tanh, forward and backward; by hand with preallocated buffers",
)
def rnn(settings):
    """Four ops per step, in a hundred steps."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(settings.size(100, 5), 16, 32))
    arrays = rng.normal(size=(32, 32)) / 6, rng.normal(size=(32, 32)) / 6, 0.1 * rng.normal(size=32)
    params, inputs, start = leaves(arrays), fg.tensor(x), fg.tensor(np.zeros((16, 32)))

    def step():
        wx, wh, b = params
        for p in params:
            p.grad = None
        h = start
        for ut in inputs @ wx + b:
            h = (h @ wh + ut).tanh()
        loss = (h * h).mean()
        loss.backward()
        return loss

    def answer():
        loss = step()
        return {"loss": loss.numpy()} | {f"g{n}": p.grad.numpy() for n, p in zip(("wx", "wh", "b"), params)}

    hand = HandRNN(x, *arrays)
    rivals = [Contender("NumPy by hand", hand.step, hand.answer), *peers("rnn-100", arrays, x)]
    return Race(Contender("fastgrad", step, answer), rivals)
