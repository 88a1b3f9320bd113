"""Reference implementations of convolution, pooling and recurrence as loops over elements and steps."""

import numpy as np


def pairs(padding, n):
    padding = (padding,) * n if isinstance(padding, int) else padding
    return [(p, p) if isinstance(p, int) else tuple(p) for p in padding]


def per_axis(value, n):
    return (value,) * n if isinstance(value, int) else tuple(value)


def terms(x_lengths, kernel, stride, padding, dilation):
    """Yield, for each place and each element of the kernel, the element of the input below it."""
    n = len(kernel)
    if isinstance(padding, str):
        missing = [d * (k - 1) * (padding == "same") for k, d in zip(kernel, per_axis(dilation, n))]
        padding = [(m // 2, m - m // 2) for m in missing]
    padding, stride, dilation = pairs(padding, n), per_axis(stride, n), per_axis(dilation, n)
    places = [
        (length + low + high - d * (k - 1) - 1) // s + 1
        for length, (low, high), d, k, s in zip(x_lengths, padding, dilation, kernel, stride)
    ]
    found = []
    for p in np.ndindex(*places):
        for k in np.ndindex(*kernel):
            at = tuple(a * s + b * d - low for a, s, b, d, (low, _) in zip(p, stride, k, dilation, padding))
            if all(0 <= a < length for a, length in zip(at, x_lengths)):
                found.append((p, k, at))
    return places, found


def conv(x, w, bias=None, stride=1, padding=0, dilation=1, groups=1):
    places, found = terms(x.shape[2:], w.shape[2:], stride, padding, dilation)
    y = np.zeros((len(x), len(w), *places), np.result_type(x, w))
    for o in range(len(w)):
        first = o // (len(w) // groups) * w.shape[1]
        for p, k, at in found:
            for c in range(w.shape[1]):
                y[(slice(None), o, *p)] += w[(o, c, *k)] * x[(slice(None), first + c, *at)]
    return y if bias is None else y + bias.reshape(-1, *(1,) * (x.ndim - 2))


def conv_input(g, w, lengths, stride, padding, dilation, groups):
    _, found = terms(lengths, w.shape[2:], stride, padding, dilation)
    gx = np.zeros((len(g), w.shape[1] * groups, *lengths))
    for o in range(len(w)):
        first = o // (len(w) // groups) * w.shape[1]
        for p, k, at in found:
            for c in range(w.shape[1]):
                gx[(slice(None), first + c, *at)] += w[(o, c, *k)] * g[(slice(None), o, *p)]
    return gx


def conv_weight(x, g, kernel, stride, padding, dilation, groups):
    _, found = terms(x.shape[2:], kernel, stride, padding, dilation)
    gw = np.zeros((g.shape[1], x.shape[1] // groups, *kernel))
    for o in range(g.shape[1]):
        first = o // (g.shape[1] // groups) * gw.shape[1] if groups > 1 else 0
        for p, k, at in found:
            for c in range(gw.shape[1]):
                gw[(o, c, *k)] += np.sum(x[(slice(None), first + c, *at)] * g[(slice(None), o, *p)])
    return gw


def pooled(x, kernel_size, stride, padding, dilation, number):
    kernel = per_axis(kernel_size, 2)
    stride = kernel if stride is None else stride
    places, found = terms(x.shape[-2:], kernel, stride, padding, dilation)
    groups = {}
    for p, _, at in found:
        groups.setdefault(p, []).append(x[(..., *at)])
    y = np.zeros((*x.shape[:-2], *places))
    for p, parts in groups.items():
        y[(..., *p)] = number(parts)
    return y


def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1):
    return pooled(x, kernel_size, stride, padding, dilation, lambda parts: np.max(parts, 0))


def avg_pool2d(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    size = np.prod(per_axis(kernel_size, 2))
    return pooled(
        x, kernel_size, stride, padding, 1, lambda parts: sum(parts) / (size if count_include_pad else len(parts))
    )


def avg_unpool2d(g, lengths, kernel_size, stride, padding, count_include_pad):
    x = np.zeros((*g.shape[:-2], *lengths))
    for at in np.ndindex(*lengths):
        one = np.zeros(lengths)
        one[at] = 1
        x[(..., *at)] = np.sum(g * avg_pool2d(one, kernel_size, stride, padding, count_include_pad), axis=(-2, -1))
    return x


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn(u, w, h0, bias=0, nonlinearity="tanh"):
    states = [h0]
    for x in u:
        z = x + states[-1] @ w.T + bias
        states.append(np.tanh(z) if nonlinearity == "tanh" else np.where(z > 0, z, 0))
    return np.stack(states)


def lstm(u, w, h0, c0, bias=0):
    h, c = [h0], [c0]
    for x in u:
        i, f, n, o = np.split(x + h[-1] @ w.T + bias, 4, 1)
        c.append(sigmoid(f) * c[-1] + sigmoid(i) * np.tanh(n))
        h.append(sigmoid(o) * np.tanh(c[-1]))
    return np.stack([h, c])


def gru(u, w, h0, bias_ih=0, bias_hh=0):
    h = [h0]
    for x in u:
        (xr, xz, xn), (hr, hz, hn) = np.split(x + bias_ih, 3, 1), np.split(h[-1] @ w.T + bias_hh, 3, 1)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        h.append((1 - z) * np.tanh(xn + r * hn) + z * h[-1])
    return np.stack(h)


NETWORKS = {
    "avg_pool2d": avg_pool2d,
    "avg_unpool2d": avg_unpool2d,
    "conv1d": conv,
    "conv2d": conv,
    "conv_input": conv_input,
    "conv_weight": conv_weight,
    "gru": gru,
    "lstm": lstm,
    "max_pool2d": max_pool2d,
    "rnn": rnn,
}
