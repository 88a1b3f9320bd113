"""Random programs, called as they are and as `fg.compile` records them: results, gradients and states equal to the bit.

`python -m tests.support.random_steps FIRST LAST` compares the programs of a range of seeds and prints what differs.
"""

import sys
import warnings

import numpy as np

import fastgrad as fg
from fastgrad.errors import CompileError, MutationError

CALLS = 5
REFUSED = "CompileError"

ONE = (
    lambda a: fg.tanh(a), lambda a: fg.exp(a * 0.3), lambda a: a * a, lambda a: fg.sigmoid(a), lambda a: -a,
    lambda a: 1.5 * a - 0.25, lambda a: a / (a * a + 1.5), lambda a: fg.relu(a), lambda a: fg.log(a * a + 1.5),
    lambda a: fg.sin(a), lambda a: abs(a), lambda a: a**3 * 0.1, lambda a: fg.sqrt(a * a + 1.0), lambda a: a.T,
    lambda a: a[::-1], lambda a: a[1:] if a.shape[0] > 1 else a, lambda a: a.reshape(-1), lambda a: fg.clip(a, -1, 1),
    lambda a: a - a.mean(), lambda a: a / (1.0 + fg.sum(a * a)), lambda a: fg.softmax(a, axis=-1), lambda a: a.copy(),
    lambda a: fg.cumsum(a, axis=0) * 0.1, lambda a: fg.maximum(a, 0.1), lambda a: fg.where(a > 0, a, a * 0.5),
    lambda a: a.astype(np.float32), lambda a: a.astype(np.float64), lambda a: a.detach() + a,
    lambda a: a[..., None] * 2.0 if a.ndim < 3 else a, lambda a: fg.sort(a, axis=-1), lambda a: a.sum(axis=0) + a,
    lambda a: fg.logsumexp(a, axis=-1, keepdims=True) + a, lambda a: fg.concat([a, a * 2.0]) if a.size < 4000 else a,
)  # fmt: skip
TWO = (
    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: a / (b * b + 1.0),
    lambda a, b: fg.maximum(a, b), lambda a, b: fg.where(a > b, a, b * 0.5), lambda a, b: fg.hypot(a, b + 1.0),
    lambda a, b: fg.matmul(a, b) * 0.1, lambda a, b: fg.sum(a * b) * b, lambda a, b: fg.stack([a, b]),
)  # fmt: skip
SHAPES = ((), (1,), (5,), (700,), (5000,), (40, 30), (30, 40), (1, 30), (40, 1), (3, 4), (120, 90), (0,))


def same(a, b):
    """Whether two results have the same structure, types, dtypes and bits."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    if isinstance(a, fg.Tensor):
        a, b = a.detach().numpy(), b.detach().numpy()
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and _bits(a) == _bits(b)
    return a == b


def _bits(a):
    """Return the bytes of an array. Which NaN a NaN is depends on the instruction that made it."""
    return np.where(a != a, np.nan, a).tobytes() if a.dtype.kind in "fc" else a.tobytes()


def plain(result):
    """Return the results of a call on Tensors as those of a call on arrays; an argument may come back as it was."""
    if isinstance(result, (tuple, list)):
        return type(result)(map(plain, result))
    if isinstance(result, fg.Tensor):
        result = result.detach().numpy().copy()
    return result[()] if isinstance(result, np.ndarray) and not result.ndim else result


class Drawn:
    """A random function of two arrays, with views, writes in place and blocks without recording."""

    def __init__(self, rng):
        self.steps = []
        for _ in range(rng.integers(3, 14)):
            kind = rng.choice(("one", "one", "one", "two", "two", "write", "off"))
            table = TWO if kind == "two" else ONE
            self.steps.append((kind, int(rng.integers(len(table))), int(rng.integers(8)), int(rng.integers(8)),
                               int(rng.integers(5)), float(rng.normal())))  # fmt: skip
        self.kept = int(rng.integers(1, 4))

    def __call__(self, *given):
        values, written = list(given), []
        for kind, op, i, j, how, c in self.steps:
            a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
            try:
                if kind == "one":
                    values.append(ONE[op](a))
                elif kind == "two":
                    values.append(TWO[op](a, b))
                elif kind == "off":
                    with fg.no_grad():
                        values.append(ONE[op](a))
                else:
                    y = a.copy()
                    self.write(y, b, how, c)
                    written.append(y)
                    values.append(y)
            except (ValueError, IndexError, TypeError, ZeroDivisionError):
                continue
            if values[-1].size > 20000:
                values.pop()
        return values[-self.kept :]

    def write(self, y, b, how, c):
        if how == 0:
            y += c
        elif how == 1:
            y *= b
        elif how == 2:
            y[1:] = c
        elif how == 3:
            y[::2] *= c
        else:
            y[...] = b * c


def _total(values):
    return sum((fg.sum(v * v) * 0.1 for v in values[1:]), fg.sum(fg.sin(values[0])))


def drawn_program(seed):
    """A random function of arrays, or a derivative of it."""
    rng = np.random.default_rng(seed)
    f = Drawn(rng)
    shapes = [SHAPES[rng.integers(len(SHAPES))] for _ in range(2)]
    dtypes = [np.dtype(rng.choice(("f8", "f8", "f4"))) for _ in range(2)]
    loss = lambda *given: _total(f(*given))
    how = rng.choice(("values", "grad", "value_and_grad", "backward", "hvp", "jvp", "branch"))

    def backward(x, y):
        x = x.copy()
        x.requires_grad = True
        value = loss(x, y)
        value.backward()
        return value.detach(), x.grad

    def branch(x, y):
        value = loss(x, y)
        if fg.sum(x) > 0:
            value = value * 2.0
        return fg.sin(value), value.detach()

    made = {
        "values": lambda: lambda x, y: f(x, y),
        "grad": lambda: fg.grad(loss, argnums=(0, 1)),
        "value_and_grad": lambda: fg.value_and_grad(loss),
        "backward": lambda: backward,
        "hvp": lambda: lambda x, y: fg.hvp(lambda z: loss(z, y), (x,), (fg.ones_like(x),)),
        "jvp": lambda: lambda x, y: fg.jvp(lambda z: loss(z, y), (x,), (fg.sin(x),)),
        "branch": lambda: branch,
    }[str(how)]

    def arguments(rng):
        return tuple(np.asarray(rng.normal(size=s)).astype(t) for s, t in zip(shapes, dtypes))

    return made, arguments


def compare(seed, compile=fg.compile):
    """Return what differs between a function and its program; None if nothing does; REFUSED."""
    made, arguments = drawn_program(seed)
    f, rng = made(), np.random.default_rng(seed + 1)
    eager = lambda *given: plain(f(*map(fg.asarray, given)))
    program = compile(made())
    for call in range(CALLS):
        given = arguments(rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = outcome(eager, *(a.copy() for a in given))
            got = outcome(program, *(a.copy() for a in given))
        if isinstance(got, CompileError):
            return f"{REFUSED}: {got}"
        if isinstance(wanted, Exception) or isinstance(got, Exception):
            if type(wanted) is not type(got):
                return f"call {call}: {got!r} instead of {wanted!r}"
        elif not same(plain(got), wanted):
            return f"call {call}: {got} instead of {wanted}"
    return None


def outcome(f, *given):
    """Return the result of a call, or its error."""
    try:
        return f(*given)
    except (ValueError, TypeError, IndexError, MutationError, fg.errors.FastgradError) as error:
        return error


def main(first, last):
    refused, reasons, wrong = 0, {}, 0
    for seed in range(first, last):
        said = compare(seed)
        if said is not None and said.startswith(REFUSED):
            refused += 1
            reasons.setdefault(said[:160], []).append(seed)
        elif said is not None:
            wrong += 1
            print(f"seed {seed}: {said[:400]}", flush=True)
    print(f"{last - first} programs: {wrong} differ, {refused} are refused")
    for reason, seeds in sorted(reasons.items(), key=lambda item: -len(item[1])):
        print(f"{len(seeds):6d} {seeds[:3]} {reason}")
    return wrong


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])) > 0)
