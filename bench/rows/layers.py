"""Convolutional and recurrent networks with `fastgrad.nn`, against PyTorch (eager, one thread, float64).

If PyTorch is not installed, the rival is hand-written NumPy, and the rows have no target.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import fastgrad as fg
from bench.results import row
from bench.rows.training import against_torch
from fastgrad.benchmark.networks import RATE, cross_entropy_by_hand
from fastgrad.benchmark.race import Contender


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_by_hand(x):
    """Loss, the mean square of the last state, and gradients of an LSTM over `x`, (steps, batch, features)."""
    steps, batch, width = x.shape

    def both(params):
        wi, wh, bi, bh = params
        hidden = wh.shape[1]
        u = (x.reshape(-1, width) @ wi.T + (bi + bh)).reshape(steps, batch, -1)
        h, c = np.zeros((2, steps + 1, batch, hidden))
        gates, s = np.empty((steps, 4, batch, hidden)), np.empty((steps, batch, hidden))
        for t in range(steps):
            z = u[t] + h[t] @ wh.T
            for k, part in enumerate(np.split(z, 4, axis=1)):
                gates[t, k] = np.tanh(part) if k == 2 else _sigmoid(part)
            i, f, n, o = gates[t]
            c[t + 1] = f * c[t] + i * n
            s[t] = np.tanh(c[t + 1])
            h[t + 1] = o * s[t]
        i, f, n, o = np.moveaxis(gates, 1, 0)
        of_h = o * (1 - s * s)
        slope = [n * i * (1 - i), c[:-1] * f * (1 - f), i * (1 - n * n), s * o * (1 - o)]
        gz = np.empty((steps, batch, 4, hidden))
        gh, gc = 2 / h[-1].size * h[-1], 0
        for t in range(steps - 1, -1, -1):
            gc = gc + gh * of_h[t]
            for k in range(4):
                np.multiply(gh if k == 3 else gc, slope[k][t], out=gz[t, :, k])
            gh, gc = gz[t].reshape(batch, -1) @ wh, gc * f[t]
        gz = gz.reshape(steps * batch, -1)
        gb = gz.sum(axis=0)
        return np.mean(h[-1] ** 2), [gz.T @ x.reshape(-1, width), gz.T @ h[:-1].reshape(-1, hidden), gb, gb]

    return both


@row("lstm-100", target=0.33, note="LSTM(32) over 100 steps, batch 16, forward and backward; against PyTorch")
def lstm(settings):
    """One op over all steps, with a product and a gate kernel per step in each direction."""
    rng = np.random.default_rng(13)
    x = rng.normal(size=(settings.size(100, 5), 16, 32))
    model = fg.nn.LSTM(32, 32, rng=13)
    arrays = [p.detach().numpy().copy() for p in model.parameters()]
    names, inputs, both = list(model.state_dict()), fg.asarray(x), lstm_by_hand(x)

    def step():
        model.zero_grad()
        output, _ = model(inputs)
        loss = (output[-1] ** 2).mean()
        loss.backward()
        return loss

    def answer():
        return {"loss": step().numpy()} | {name: p.grad.numpy() for name, p in model.named_parameters()}

    def hand_answer():
        loss, gradients = both(arrays)
        return {"loss": loss} | dict(zip(names, gradients))

    return against_torch(
        "lstm-100", settings, Contender("fastgrad", step, answer),
        Contender("NumPy by hand", lambda: both(arrays), hand_answer), (arrays, x),
    )  # fmt: skip


def _windows(x):
    """Return the 3 x 3 windows of images padded by 1, as rows: (n * h * w, channels * 9)."""
    n, c, h, w = x.shape
    padded = np.zeros((n, c, h + 2, w + 2))
    padded[:, :, 1:-1, 1:-1] = x
    return sliding_window_view(padded, (3, 3), axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, c * 9)


def _pooled(x):
    """Return the largest element of each 2 x 2 window, of shape (..., h / 2, w / 2), and its index in the window."""
    n, c, h, w = x.shape
    four = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
    at = four.argmax(axis=-1)[..., None]
    return np.take_along_axis(four, at, -1)[..., 0], at


def _unpooled(g, at):
    n, c, h, w = g.shape
    four = np.zeros((n, c, h, w, 4))
    np.put_along_axis(four, at, g[..., None], -1)
    return four.reshape(n, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, 2 * h, 2 * w)


def conv_net_by_hand(x, labels):
    """Return a function that computes loss and gradients of twice conv, relu and pool, and a linear layer."""
    rows = np.arange(len(x))

    def layer(x, w, b):
        """Apply convolution, relu and pooling."""
        columns = _windows(x)
        y = columns @ w.reshape(len(w), -1).T
        y += b
        np.maximum(y, 0.0, out=y)
        y = y.reshape(len(x), *x.shape[2:], len(w)).transpose(0, 3, 1, 2)
        return columns, y, *_pooled(y)

    def back(g, at, y, columns, w):
        g = _unpooled(g, at)
        g *= y > 0.0
        g = g.transpose(0, 2, 3, 1).reshape(-1, len(w))
        return g, (g.T @ columns).reshape(w.shape), g.sum(axis=0)

    def both(params):
        w1, b1, w2, b2, w3, b3 = params
        columns1, y1, p1, at1 = layer(x, w1, b1)
        columns2, y2, p2, at2 = layer(p1, w2, b2)
        flat = p2.reshape(len(x), -1)
        s = flat @ w3.T
        s += b3
        loss = cross_entropy_by_hand(s, rows, labels)
        g2, gw2, gb2 = back((s @ w3).reshape(p2.shape), at2, y2, columns2, w2)
        n, c, h, w = p1.shape
        parts = (g2 @ w2.reshape(len(w2), -1)).reshape(n, h, w, c, 3, 3)
        gp = np.zeros((n, c, h + 2, w + 2))
        for i in range(3):
            for j in range(3):
                gp[:, :, i : i + h, j : j + w] += parts[..., i, j].transpose(0, 3, 1, 2)
        _, gw1, gb1 = back(gp[:, :, 1:-1, 1:-1], at1, y1, columns1, w1)
        return loss, [gw1, gb1, gw2, gb2, s.T @ flat, s.sum(axis=0)]

    return both


@row(
    "conv-digits", target=1.0, note="two 3x3 convolutions, relu, pooling, linear; 8x8 digits, batch 64; against PyTorch"
)
def conv_digits(settings):
    """A training step of a small convolutional network with 1, 16 and 32 channels, with SGD."""
    rng = np.random.default_rng(14)
    batch = settings.size(64, 4)
    x, labels = rng.normal(size=(batch, 1, 8, 8)), rng.integers(0, 10, batch)
    nn = fg.nn
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, rng=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, rng=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10, rng=3),
    )  # fmt: skip
    arrays = [p.detach().numpy().copy() for p in model.parameters()]
    optimizer, inputs = fg.optim.SGD(model.parameters(), RATE), fg.asarray(x)
    mine, both = [a.copy() for a in arrays], conv_net_by_hand(x, labels)

    def step():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        return loss

    def answer():
        out = {"loss": step().numpy()} | {f"gradient {k}": p.grad.numpy() for k, p in enumerate(model.parameters())}
        return out | {f"parameter {k}": p.detach().numpy().copy() for k, p in enumerate(model.parameters())}

    def hand_step():
        loss, gradients = both(mine)
        for p, g in zip(mine, gradients):
            p -= RATE * g
        return loss, gradients

    def hand_answer():
        loss, gradients = hand_step()
        out = {"loss": loss} | {f"gradient {k}": g for k, g in enumerate(gradients)}
        return out | {f"parameter {k}": p.copy() for k, p in enumerate(mine)}

    return against_torch(
        "conv-digits", settings, Contender("fastgrad", step, answer),
        Contender("NumPy by hand", hand_step, hand_answer), (arrays, x, labels),
    )  # fmt: skip
