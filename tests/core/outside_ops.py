"""Ops on large operands, for tests of kernels without the GIL."""

import numpy as np

import fastgrad as fg
import fastgrad.nn.functional as F

ROWS = 300  # and as many columns: 720 kB of float64, 360 kB of float32


def array(seed, *shape, dtype="float64"):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def layered(f):
    """A function of a square matrix as one of `f`'s operands, cut to their shapes."""
    return lambda x, w: f(x.reshape(-1), w.reshape(-1))


def conv(x, w):
    return F.conv2d(x[: 8 * 8 * 28 * 28].reshape(8, 8, 28, 28), w[: 16 * 8 * 9].reshape(16, 8, 3, 3), padding=1)


def transposed_conv(x, w):
    return F.conv_transpose2d(x[: 8 * 8 * 28 * 28].reshape(8, 8, 28, 28), w[: 8 * 16 * 9].reshape(8, 16, 3, 3))


def chain(u, x):
    return fg.tanh(u) * fg.sigmoid(x) + fg.exp(-u * u) / 3.0


INDEX = np.random.default_rng(5).integers(-ROWS, ROWS, size=2 * ROWS)
PLACES = np.random.default_rng(6).integers(ROWS * ROWS, size=ROWS * ROWS)
LABELS = INDEX[:ROWS] % ROWS
SLICES = (slice(None), slice(3, None))


def planes(w):
    return w.reshape(10, 30, 300)


def residual(w):
    h = fg.softmax(w, axis=1)
    return h + h.T


OPS = {  # each reads `w` once
    "sin": lambda x, w: fg.sin(w) * 0.5,
    "exp": lambda x, w: fg.exp(w),
    "add": lambda x, w: x + w,
    "product": lambda x, w: x * w,
    "quotient": lambda x, w: w / (x * x + 1.0),
    "row": lambda x, w: x * w[:1],
    "column": lambda x, w: x / (w[:, :1] ** 2 + 1.0),
    "power": lambda x, w: w**3,
    "chain": lambda x, w: chain(w + x, x),
    "axis 0": lambda x, w: fg.sum(w, axis=0) * 2.0,
    "axis 1": lambda x, w: fg.max(w, axis=1),
    "mean": lambda x, w: fg.mean(w * x),
    "softmax": lambda x, w: fg.softmax(w, axis=1),
    "logsumexp": lambda x, w: fg.logsumexp(w, axis=0),
    "cumsum": lambda x, w: fg.cumsum(w, axis=1),
    "layer_norm": lambda x, w: F.layer_norm(w, (ROWS,)),
    "stack": layered(lambda x, w: x[:81000].reshape(10, 90, 90) @ w[:81000].reshape(10, 90, 90)),
    "conv2d": layered(conv),
    "rows of an index": lambda x, w: w[INDEX],
    "elements of an index": layered(lambda x, w: w[PLACES]),
    "columns of an index": lambda x, w: w[:, INDEX],
    "embedding": lambda x, w: F.embedding(INDEX % ROWS, w),
    "mask": layered(lambda x, w: w[x > 0]),
    "where": lambda x, w: fg.where(x > 0, w, x),
    "where of a column": lambda x, w: fg.where(x > 0, w[:, :1], x),
    "clip": lambda x, w: fg.clip(w, -0.5, 0.5),
    "tril": lambda x, w: fg.tril(w),
    "concatenate": lambda x, w: fg.concatenate([x, w, x], axis=1),
    "joined as matrices": lambda x, w: fg.stack([w, x]),
    "slice": lambda x, w: w[SLICES] * x[SLICES],
    "transpose": lambda x, w: w.T * x,
    "strided": lambda x, w: fg.sqrt(fg.exp(w.T)),
    "broadcast_to": lambda x, w: fg.broadcast_to(w[:, None], (ROWS, 2, ROWS)),
    "outer axes": lambda x, w: w[None, :, :1] + x[:, None, :].reshape(30, 10, ROWS)[:, :1],
    "sum of an axis": lambda x, w: fg.sum(w * x, axis=1),
    "accumulated": lambda x, w: residual(w),
    "max_pool2d": lambda x, w: F.max_pool2d(planes(w), 2),
    "avg_pool2d": lambda x, w: F.avg_pool2d(planes(w), 3, stride=1, padding=1),
    "cross_entropy": lambda x, w: F.cross_entropy(w, LABELS),
    "losses": lambda x, w: F.cross_entropy(w, LABELS, reduction="none"),
    "batch_norm": lambda x, w: F.batch_norm(w, training=True, weight=x[0], bias=x[1]),
    "affine layer_norm": lambda x, w: F.layer_norm(w, (ROWS,), x[0], x[1]),
    "transposed conv": layered(transposed_conv),
    "sort": lambda x, w: fg.sort(w.reshape(-1, 6), axis=1),
    "var": lambda x, w: fg.var(w, axis=0),
}
