"""Every function that takes an axis, a shape, a count or an index, and objects that stand for such numbers."""

import numpy as np

import fastgrad as fg
from fastgrad.rules import FUNCTIONS


class Changing:
    """An object whose `__index__` returns `first` on the first call and something else later."""

    def __init__(self, first, then=None):
        self.answers = [first] if then is None else [first, then]
        self.asked = 0

    def __index__(self):
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]

    def __int__(self):
        return self.__index__()

    def __repr__(self):
        return f"Changing({self.answers})"


class Calling(Changing):
    """An object whose `__index__` runs a function."""

    def __init__(self, answer, function):
        super().__init__(answer)
        self.function = function

    def __index__(self):
        self.function()
        return super().__index__()


# Entry points, as (shape of the operand, the true numbers, the call with as many objects for them).
ALONG = {
    name: (lambda x, a, name=name: getattr(fg, name)(x, axis=a))
    for name in (
        "sum", "mean", "prod", "max", "min", "var", "std", "logsumexp", "cumsum", "flip", "argmax", "argmin", "any",
        "all", "count_nonzero", "norm",
    )
}  # fmt: skip
ALONG |= {
    "softmax": lambda x, a: fg.nn.functional.softmax(x, a),
    "log_softmax": lambda x, a: fg.nn.functional.log_softmax(x, a),
    "standardize": lambda x, a: FUNCTIONS["standardize"](x, a), "x.sum": lambda x, a: x.sum(a),
    "x.mean": lambda x, a: x.mean(a), "x.max": lambda x, a: x.max(a), "x.min": lambda x, a: x.min(a),
    "x.prod": lambda x, a: x.prod(a), "x.logsumexp": lambda x, a: x.logsumexp(a), "x.cumsum": lambda x, a: x.cumsum(a),
    "x.softmax": lambda x, a: x.softmax(a),
    "x.log_softmax": lambda x, a: x.log_softmax(a),
    "x.var": lambda x, a: x.var(a),
    "np.sum": lambda x, a: np.sum(x, axis=a),
    "np.max": lambda x, a: np.max(x, axis=a),
    "sort": lambda x, a: fg.sort(x, axis=a),
    "argsort": lambda x, a: fg.argsort(x, axis=a, descending=True), "unstack": lambda x, a: fg.unstack(x, axis=a)[1],
    "split": lambda x, a: fg.split(x, [1], axis=a)[1], "concat": lambda x, a: fg.concat([x, x], axis=a),
    "stack": lambda x, a: fg.stack([x, x], axis=a), "take": lambda x, a: fg.take(x, [1, 0, 1], axis=a),
    "take_along_axis": lambda x, a: fg.take_along_axis(x, np.array([[1, 0], [0, 1]]), axis=a),
    "repeat": lambda x, a: fg.repeat(x, 2, axis=a), "roll": lambda x, a: fg.roll(x, 1, axis=a),
    "expand_dims": lambda x, a: fg.expand_dims(x, a), "cumulative_sum": lambda x, a: fg.cumulative_sum(x, axis=a),
    "diff": lambda x, a: fg.diff(x, axis=a), "vecdot": lambda x, a: fg.vecdot(x, x, axis=a),
    "norm 1": lambda x, a: fg.norm(x, 1, axis=a), "norm inf": lambda x, a: fg.norm(x, np.inf, axis=a),
}  # fmt: skip
ENTRIES = {f"{name}, axis": ((2, 3), (1,), call) for name, call in ALONG.items()}
ENTRIES["take_along_axis, axis"] = ((2, 2), (1,), ALONG["take_along_axis"])
ENTRIES |= {
    f"{name}, axes": ((2, 3, 4), (2, 0), lambda x, a, b, call=ALONG[name]: call(x, (a, b)))
    for name in (
        "sum",
        "mean",
        "prod",
        "max",
        "min",
        "var",
        "std",
        "logsumexp",
        "flip",
        "x.sum",
        "softmax",
        "standardize",
    )
}
ENTRIES |= {
    "sum, a list": ((2, 3, 4), (2, 1), lambda x, a, b: fg.sum(x, axis=[a, b])),
    "expand_dims, axes": ((2, 3), (3, 0), lambda x, a, b: fg.expand_dims(x, (a, b))),
    "squeeze": ((2, 1, 3), (1,), lambda x, a: fg.squeeze(x, a)),
    "squeeze, axes": ((1, 2, 1), (0, 2), lambda x, a, b: fg.squeeze(x, (a, b))),
    "swapaxes": ((2, 3, 4), (0, 2), lambda x, a, b: fg.swapaxes(x, a, b)),
    "moveaxis": ((2, 3, 4), (0, 2), lambda x, a, b: fg.moveaxis(x, a, b)),
    "permute_dims": ((2, 3), (1, 0), lambda x, a, b: fg.permute_dims(x, (a, b))),
    "x.permute_dims": ((2, 3), (1, 0), lambda x, a, b: x.permute_dims((a, b))),
    "x.transpose": ((2, 3), (1, 0), lambda x, a, b: x.transpose(a, b)),
    "the op permute_dims": ((2, 3), (1, 0), lambda x, a, b: FUNCTIONS["permute_dims"](x, (a, b))),
    "reshape": ((2, 6), (3, 4), lambda x, a, b: fg.reshape(x, (a, b))),
    "x.reshape": ((2, 6), (3, 4), lambda x, a, b: x.reshape(a, b)),
    "reshape, a list": ((2, 6), (-1, 4), lambda x, a, b: x.reshape([a, b])),
    "reshape, one": ((2, 6), (12,), lambda x, a: x.reshape(a)),
    "the op reshape": ((2, 6), (3, 4), lambda x, a, b: FUNCTIONS["reshape"](x, (a, b))),
    "broadcast_to": ((3,), (2, 3), lambda x, a, b: fg.broadcast_to(x, (a, b))),
    "x.broadcast_to": ((3,), (2, 3), lambda x, a, b: x.broadcast_to((a, b))),
    "the op broadcast_to": ((3,), (2, 3), lambda x, a, b: FUNCTIONS["broadcast_to"](x, (a, b))),
    "sum_to": ((2, 3), (1, 3), lambda x, a, b: FUNCTIONS["sum_to"](x, (a, b))),
    "sum_to, one": ((2, 3), (3,), lambda x, a: FUNCTIONS["sum_to"](x, (a,))),
    "item": ((3, 4), (2,), lambda x, a: x[a]),
    "items": ((3, 4), (2, 1), lambda x, a, b: x[a, b]),
    "item, op": ((3, 4), (2,), lambda x, a: FUNCTIONS["getitem"](x, a)),
    "slice": ((8,), (1, 7, 2), lambda x, a, b, c: x[a:b:c]),
    "slice backwards": ((8,), (6, 1, -2), lambda x, a, b, c: x[a:b:c]),
    "slices": ((4, 5), (1, 4), lambda x, a, b: x[a:, :b]),
    "slice and item": ((4, 5), (1, 2), lambda x, a, b: x[..., a:, b]),
    "item and array": ((4, 5), (2,), lambda x, a: x[a, np.array([1, 1, 0])]),
    "slice and array": ((4, 5), (2,), lambda x, a: x[:a, np.array([1, 1, 0])]),
    "scatter_add": ((3,), (1, 4), lambda x, a, b: FUNCTIONS["scatter_add"](x, slice(a, b), (5,))),
    "scatter_add, shape": ((3,), (5,), lambda x, a: FUNCTIONS["scatter_add"](x, np.array([0, 0, 2]), (a,))),
    "setitem": ((4, 5), (1, 3, 2), lambda x, a, b, c: FUNCTIONS["setitem"](x, 7.0, (slice(a, b), c))),
    "roll, shift": ((5,), (2,), lambda x, a: fg.roll(x, a)), "tile": ((2, 3), (2,), lambda x, a: fg.tile(x, a)),
    "repeat, count": ((2, 3), (2,), lambda x, a: fg.repeat(x, a)), "tril": ((3, 3), (1,), lambda x, a: fg.tril(x, a)),
    "triu": ((3, 3), (1,), lambda x, a: fg.triu(x, a)), "pad": ((3,), (2,), lambda x, a: fg.pad(x, a)),
    "diagonal": ((2, 3, 4), (1, 0, 2), lambda x, a, b, c: fg.diagonal(x, a, b, c)),
    "trace": ((2, 3, 4), (1, 0, 2), lambda x, a, b, c: fg.trace(x, a, b, c)),
    "diag": ((3,), (1,), lambda x, a: fg.diag(x, a)), "split, parts": ((4,), (2,), lambda x, a: fg.split(x, a)[1]),
    "split, at": ((4,), (1, 3), lambda x, a, b: fg.split(x, [a, b])[1]),
    "diff, n": ((5,), (2,), lambda x, a: fg.diff(x, n=a)),
    "tensordot": ((2, 3), (1,), lambda x, a: fg.tensordot(x, np.ones((3, 2)), a)),
    "tensordot, axes": ((2, 3), (1, 0), lambda x, a, b: fg.tensordot(x, np.ones((3, 2)), ((a,), (b,)))),
    "layer_norm": ((2, 3), (1,), lambda x, a: FUNCTIONS["layer_norm"](x, None, None, a)),
    "flatten": ((2, 3, 4), (1, 2), lambda x, a, b: fg.nn.functional.flatten(x, a, b)),
    "round": ((3,), (1,), lambda x, a: fg.round(x, a)),
    "keepdims": ((2, 3), (1,), lambda x, a: fg.sum(x, axis=1, keepdims=a)),
    "var, ddof": ((3, 4), (1,), lambda x, a: fg.var(x, axis=1, ddof=a)),
    "std, ddof": ((3, 4), (1,), lambda x, a: fg.std(x, ddof=a)),
    "layer_norm, eps": ((2, 3), (1,), lambda x, a: FUNCTIONS["layer_norm"](x, None, None, 1, a)),
    "batch_norm, eps": ((3, 2), (1,), lambda x, a: FUNCTIONS["batch_norm"](x, None, None, a)),
    "var, keepdims": ((2, 3), (1,), lambda x, a: fg.var(x, axis=1, keepdims=a)),
}  # fmt: skip
