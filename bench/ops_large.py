"""Large operands, of about 10^5 elements, for ops whose rule has samples instead of an interval.

Each entry takes a NumPy Generator and returns `(operands, params)`. Ops without an entry have no large row.
"""

import numpy as np

ROWS, COLUMNS = 1000, 100
SHAPE = (ROWS, COLUMNS)


def _one(**params):
    return lambda rng: ((rng.normal(size=SHAPE),), params)


def _positive(**params):
    return lambda rng: ((rng.uniform(0.5, 1.5, size=SHAPE),), params)


def _complex(**params):
    return lambda rng: ((rng.normal(size=SHAPE) + 1j * rng.normal(size=SHAPE),), params)


def _two(first, second, **params):
    return lambda rng: ((rng.normal(size=first), rng.normal(size=second)), params)


def _picked(rng):
    return rng.integers(0, ROWS, 2 * ROWS)  # with repeats, so that the backward has to accumulate


def _sequence(gates, cells, biases):
    """Return operands of a recurrent op: 50 steps, batch size 16, 32 hidden units."""
    rows = 32 * gates
    shapes = [(50, 16, rows), (rows, 32), *[(16, 32)] * cells, *[(rows,)] * biases]
    return lambda rng: (tuple(rng.normal(size=shape) / 6 for shape in shapes), {})


def _images(*shapes, **params):
    return lambda rng: (tuple(rng.normal(size=shape) for shape in shapes), params)


_CONV = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}

LARGE = {
    "conv1d": _images((16, 8, 512), (16, 8, 3), (16,), padding=1),
    "conv2d": _images((16, 8, 28, 28), (16, 8, 3, 3), (16,), padding=1),
    "conv_input": _images((16, 16, 28, 28), (16, 8, 3, 3), lengths=(28, 28), **_CONV),
    "conv_weight": _images((16, 8, 28, 28), (16, 16, 28, 28), kernel=(3, 3), **_CONV),
    "max_pool2d": _images((16, 8, 28, 28), kernel_size=2),
    "avg_pool2d": _images((16, 8, 28, 28), kernel_size=2),
    "avg_unpool2d": _images(
        (16, 8, 14, 14),
        lengths=(28, 28),
        kernel_size=(2, 2),
        stride=(2, 2),
        padding=((0, 0), (0, 0)),
        count_include_pad=True,
    ),
    "rnn": _sequence(1, 1, 1),
    "lstm": _sequence(4, 2, 1),
    "gru": _sequence(3, 1, 2),
    "broadcast_to": lambda rng: ((rng.normal(size=(1, COLUMNS)),), {"shape": SHAPE}),
    "sum_to": _one(shape=(1, COLUMNS)),
    "reshape": _one(shape=(COLUMNS, ROWS)),
    "permute_dims": _one(axes=(1, 0)),
    "flip": _one(axis=1),
    "roll": _one(shift=3, axis=1),
    "tile": _one(reps=(2, 1)),
    "repeat": _one(repeats=2, axis=1),
    "tril": lambda rng: ((rng.normal(size=(300, 300)),), {}),
    "triu": lambda rng: ((rng.normal(size=(300, 300)),), {}),
    "diagonal": lambda rng: ((rng.normal(size=(300, 300)),), {}),
    "pad": _one(pad_width=2),
    "copy": _one(),
    "astype": _one(dtype="float32"),
    "where": lambda rng: ((rng.random(SHAPE) < 0.5, rng.normal(size=SHAPE), rng.normal(size=SHAPE)), {}),
    "clip": lambda rng: ((rng.normal(size=SHAPE), -0.5, 0.5), {}),
    "conj": _complex(),
    "real": _complex(),
    "imag": _complex(),
    "angle": _complex(),
    "sum": _one(axis=1),
    "mean": _one(axis=1),
    "max": _one(axis=1),
    "min": _one(axis=1),
    "prod": _positive(axis=1),
    "var": _one(axis=1),
    "std": _one(axis=1),
    "norm": _one(axis=1),
    "cumsum": _one(axis=1),
    "cumprod": _positive(axis=1),
    "logsumexp": _one(axis=1),
    "softmax": _one(axis=1),
    "log_softmax": _one(axis=1),
    "cross_entropy": lambda rng: ((rng.normal(size=SHAPE), rng.integers(0, COLUMNS, ROWS)), {"reduction": "mean"}),
    "getitem": lambda rng: ((rng.normal(size=SHAPE),), {"key": _picked(rng)}),
    "batch_norm": lambda rng: ((rng.normal(size=SHAPE), rng.normal(size=COLUMNS), rng.normal(size=COLUMNS)), {}),
    "layer_norm": lambda rng: ((rng.normal(size=SHAPE), rng.normal(size=COLUMNS), rng.normal(size=COLUMNS)), {}),
    "standardize": _one(axis=1),
    "scatter_add": lambda rng: ((rng.normal(size=(2 * ROWS, COLUMNS)),), {"key": _picked(rng), "shape": SHAPE}),
    "setitem": _two(SHAPE, (ROWS // 2, COLUMNS), key=(slice(None, None, 2),)),
    "concat": _two(SHAPE, SHAPE, axis=1),
    "stack": _two(SHAPE, SHAPE, axis=0),
    "matmul": _two((200, 200), (200, 200)),
    "dot": _two((10**5,), (10**5,)),
    "outer": _two((300,), (300,)),
    "tensordot": _two((40, 30, 20), (20, 30, 40), axes=((1, 2), (1, 0))),
    "einsum": _two((200, 200), (200, 200), subscripts="ij,jk->ik"),
}


def large_operands(rule, rng, n):
    """Return `(operands, params)` of about n elements, or None."""
    if rule.domain is not None:
        return intervals(rule, rng, n), {}
    return LARGE[rule.name](rng) if rule.name in LARGE else None


def intervals(rule, rng, n):
    """Draw an array of n elements per operand from the interval or intervals of the rule."""
    domain = rule.domain
    if np.ndim(domain[0]) == 0:
        domain = (domain,) * rule.n_operands
    return tuple(rng.uniform(low, high, size=n) for low, high in domain)
