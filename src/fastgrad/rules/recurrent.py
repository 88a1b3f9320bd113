"""Recurrent networks over a whole sequence, one op each. The result contains the states of all steps.

Operands are the inputs' part of the pre-activations, `u = x @ w_ih.T`, which one product computes for all steps, and
the matrix that multiplies the hidden state at each step. Backpropagation through time computes the cotangents of the
pre-activations step by step; those of the matrix and the biases are one product and one sum over all steps. Each vjp
computes the local gradients of all steps at once, and only the recurrence in a loop. Gates are ordered as in PyTorch.
"""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules import messages
from fastgrad.rules.activations import sigmoid
from fastgrad.rules.checks import real_only
from fastgrad.rules.comparison import where
from fastgrad.rules.draws import normal
from fastgrad.rules.hyperbolic import tanh
from fastgrad.rules.joining import concat, stack
from fastgrad.rules.linear_algebra import matmul
from fastgrad.rules.reductions import sum
from fastgrad.rules.rule import RULES, ops, rule
from fastgrad.rules.shapes import permute_dims, reshape

batching_families = lazy_functions("fastgrad.rules.batching_families")

_logistic = RULES["sigmoid"].forward


def _checked(op, gates, u, w, states, biases):
    """Return the numbers of steps, batch rows and hidden units; raise if the operands do not fit or are complex."""
    hidden = w.shape[-1] if w.ndim else 0
    if u.ndim != 3 or w.ndim != 2 or w.shape[0] != gates * hidden or u.shape[2] != w.shape[0]:
        raise messages.recurrent_weights(op, gates, u.shape, w.shape)
    for x in states:
        if x.shape != (u.shape[1], hidden):
            raise messages.recurrent_state(op, x.shape, (u.shape[1], hidden))
    for b in biases:
        if b is not None and b.shape != w.shape[:1]:
            raise messages.recurrent_bias(op, b.shape, w.shape)
    for x in (u, w, *states, *(b for b in biases if b is not None)):
        real_only(op, x)
    return len(u), u.shape[1], hidden


def _allocate(shape, *operands):
    return np.empty(shape, np.result_type(*(x for x in operands if x is not None), np.float32))


def _transposed(x):
    return permute_dims(x, (1, 0))


def _gate(x, k, hidden):
    """Return gate number `k` of pre-activations or biases."""
    return ops.getitem(x, (..., slice(k * hidden, (k + 1) * hidden)))


def _previous(x):
    """Return the states before each step."""
    return ops.getitem(x, slice(None, -1))


def _over_steps(gz, like):
    """Return the cotangents of the steps, given last step first, as one array in the shape of `like`."""
    return stack(*reversed(gz)) if gz else like * 0


def _weight_and_bias(gz, h, bias):
    """gW = gz^T h and gb = sum of gz, over all steps and rows."""
    flat = (gz.shape[0] * gz.shape[1], gz.shape[2])
    gw = matmul(_transposed(reshape(gz, flat)), reshape(h, (flat[0], h.shape[2])))
    return gw, None if bias is None else sum(gz, axis=(0, 1))


def _rnn_vjp(g, y, u, weight, bias, nonlinearity):
    """Backpropagation through time: `gz = gh * act'`, and `gz @ weight` is passed to the previous step."""
    gz, gh = [], g[len(u)]
    for t in reversed(range(len(u))):
        h = y[t + 1]
        gz.append(gh * (1 - h) * (1 + h) if nonlinearity == "tanh" else where(h > 0, gh, 0))
        gh = g[t] + matmul(gz[-1], weight)
    gu = _over_steps(gz, u)
    gw, gb = _weight_and_bias(gu, _previous(y), bias)
    return gu, gw, gh, gb


def _cases(gates, cells, biases):
    """Yield shapes for several numbers of steps, rows and hidden units, with `cells` states and `biases` biases."""
    for steps, batch, hidden in ((3, 2, 3), (1, 1, 1), (4, 3, 2), (0, 2, 2), (2, 0, 3)):
        rows = gates * hidden
        shapes = [(steps, batch, rows), (rows, hidden), *[(batch, hidden)] * cells]
        yield [*shapes, *[(rows,)] * biases], {}
        if steps == 3:
            yield shapes, {}


def _check_nonlinearity(params):
    params["nonlinearity"] = parameters.word(params["nonlinearity"])
    if params["nonlinearity"] not in ("tanh", "relu"):
        raise messages.bad_nonlinearity("rnn", params["nonlinearity"])
    return params


@rule(
    batch=batching_families.recurrent("rnn"),
    vjp=lambda g, y, u, weight, bias, nonlinearity: _rnn_vjp(g, y, u, weight, bias, nonlinearity),
    together=True,
    operands=4,
    holomorphic=False,
    numpy=(),
    prepare=_check_nonlinearity,
    samples=normal(*_cases(1, 1, 1), *((shapes, {"nonlinearity": "relu"}) for shapes, _ in _cases(1, 1, 1))),
)
def rnn(u, weight, h0, bias=None, nonlinearity="tanh"):
    """All states of `h = tanh(u[t] + h @ weight.T + bias)`, or with relu, from `h0`: (steps + 1, batch, hidden)."""
    steps, batch, hidden = _checked("rnn", 1, u, weight, (h0,), (bias,))
    y = _allocate((steps + 1, batch, hidden), u, weight, h0, bias)
    y[0] = h0
    for t in range(steps):
        z = u[t] + y[t] @ weight.T
        z = z if bias is None else z + bias
        y[t + 1] = np.tanh(z) if nonlinearity == "tanh" else np.maximum(z, 0)
    return y


def _lstm_vjp(g, y, u, weight, bias):
    """Backpropagation through time: `gh` is passed back through all gates, `gc` through the forget gate."""
    steps, hidden = len(u), weight.shape[1]
    h, c = y
    z = matmul(_previous(h), _transposed(weight)) + u
    z = z if bias is None else z + bias
    i, f, o = (sigmoid(_gate(z, k, hidden)) for k in (0, 1, 3))
    n = tanh(_gate(z, 2, hidden))
    s = tanh(ops.getitem(c, slice(1, None)))
    slope = o * (1 - s) * (1 + s)  # derivative of h with respect to c
    of_c = concat(n * i * (1 - i), _previous(c) * f * (1 - f), i * (1 - n) * (1 + n), axis=-1)
    of_h = s * o * (1 - o)
    gz, gh, gc = [], g[0, steps], g[1, steps]
    for t in reversed(range(steps)):
        gc = gc + gh * slope[t]
        gz.append(concat(concat(gc, gc, gc, axis=-1) * of_c[t], gh * of_h[t], axis=-1))
        gh = g[0, t] + matmul(gz[-1], weight)
        gc = g[1, t] + gc * f[t]
    gu = _over_steps(gz, u)
    gw, gb = _weight_and_bias(gu, _previous(h), bias)
    return gu, gw, gh, gc, gb


@rule(
    batch=batching_families.recurrent("lstm"),
    vjp=lambda g, y, u, weight, bias: _lstm_vjp(g, y, u, weight, bias),
    together=True,
    operands=5,
    holomorphic=False,
    numpy=(),
    samples=normal(*_cases(4, 2, 1)),
)
def lstm(u, weight, h0, c0, bias=None):
    """All hidden and cell states of an LSTM from `h0`, `c0`: (2, steps + 1, batch, hidden)."""
    steps, batch, hidden = _checked("lstm", 4, u, weight, (h0, c0), (bias,))
    y = _allocate((2, steps + 1, batch, hidden), u, weight, h0, c0, bias)
    h, c = y
    h[0], c[0] = h0, c0
    for t in range(steps):
        z = u[t] + h[t] @ weight.T
        z = z if bias is None else z + bias
        i, f, n, o = np.split(z, 4, -1)
        c[t + 1] = _logistic(f) * c[t] + _logistic(i) * np.tanh(n)
        h[t + 1] = _logistic(o) * np.tanh(c[t + 1])
    return y


def _gru_vjp(g, y, u, weight, bias_ih, bias_hh):
    """Backpropagation through time; the new gate depends on the state through `v`, which the reset gate scales."""
    steps, hidden = len(u), weight.shape[1]
    h = _previous(y)
    v = matmul(h, _transposed(weight))
    v = v if bias_hh is None else v + bias_hh
    x = u if bias_ih is None else u + bias_ih
    r, z = (sigmoid(_gate(x, k, hidden) + _gate(v, k, hidden)) for k in (0, 1))
    q = _gate(v, 2, hidden)
    n = tanh(_gate(x, 2, hidden) + r * q)
    of_n = (1 - z) * (1 - n) * (1 + n)  # derivative of the new state with respect to the pre-activation of n
    of_z = (h - n) * z * (1 - z)
    of_r = of_n * q * r * (1 - r)
    to_u = concat(of_r, of_z, of_n, axis=-1)
    to_v = concat(of_r, of_z, of_n * r, axis=-1)
    gu, gv, gh = [], [], g[steps]
    for t in reversed(range(steps)):
        three = concat(gh, gh, gh, axis=-1)
        gu.append(three * to_u[t])
        gv.append(three * to_v[t])
        gh = g[t] + gh * z[t] + matmul(gv[-1], weight)
    gu, gv = _over_steps(gu, u), _over_steps(gv, u)
    gw, gb_hh = _weight_and_bias(gv, h, bias_hh)
    return gu, gw, gh, None if bias_ih is None else sum(gu, axis=(0, 1)), gb_hh


@rule(
    batch=batching_families.recurrent("gru"),
    vjp=lambda g, y, u, weight, bias_ih, bias_hh: _gru_vjp(g, y, u, weight, bias_ih, bias_hh),
    together=True,
    operands=5,
    holomorphic=False,
    numpy=(),
    samples=normal(*_cases(3, 1, 2)),
)
def gru(u, weight, h0, bias_ih=None, bias_hh=None):
    """All states of a GRU from `h0`: (steps + 1, batch, hidden)."""
    steps, batch, hidden = _checked("gru", 3, u, weight, (h0,), (bias_ih, bias_hh))
    y = _allocate((steps + 1, batch, hidden), u, weight, h0, bias_ih, bias_hh)
    y[0] = h0
    for t in range(steps):
        x, v = u[t], y[t] @ weight.T
        x = x if bias_ih is None else x + bias_ih
        v = v if bias_hh is None else v + bias_hh
        (xr, xz, xn), (vr, vz, vn) = np.split(x, 3, -1), np.split(v, 3, -1)
        r, z = _logistic(xr + vr), _logistic(xz + vz)
        y[t + 1] = (1 - z) * np.tanh(xn + r * vn) + z * y[t]
    return y
