"""Random programs of views and writes agree with the same programs without writes, to second order, or are refused.

The reference has no memory: a block is a flat Tensor, and a view the positions of its elements in it. A write makes a
new Tensor from the old one and the value, by two constant matrices.
"""

import numpy as np
import pytest

import fastgrad as fg

VIEWS = (
    lambda a, k: a[k % 2 :] if a.ndim else a[None],
    lambda a, k: a[::-1] if a.ndim else a,
    lambda a, k: a[..., :: 1 + k % 2] if a.ndim else a,
    lambda a, k: a.T,
    lambda a, k: a.reshape(-1),
    lambda a, k: a.reshape(2, -1) if a.size and a.size % 2 == 0 else a,
    lambda a, k: a[k % a.shape[0]] if a.ndim > 1 and a.shape[0] else a,
    lambda a, k: a[..., k % a.shape[-1], None] if a.ndim and a.shape[-1] else a,
    lambda a, k: np.diagonal(a) if a.ndim == 2 else a,
    lambda a, k: a[None],
)
UNARY = (fg.sin, fg.tanh, lambda x: x * 1.5, lambda x: x + 1.0, lambda x: x * x * 0.3, lambda x: x.sum() * x * 0.1)
UPDATES = (
    ("__iadd__", lambda x, v: x + v),
    ("__isub__", lambda x, v: x - v),
    ("__imul__", lambda x, v: x * v),
    ("__itruediv__", lambda x, v: x / v),
)


def keys_of(shape, k):
    """Return a key of an array of this shape."""
    if not shape:
        return ...
    n = shape[0]
    keys = (slice(k % 2, None), slice(None, None, -1), ..., (..., slice(0, 1)), np.arange(n) % 2 == k % 2)
    return (*keys, k % n, np.array([k % n]))[k % 7] if n else ...


class Real:
    """Runs a program with writes."""

    def __init__(self, x):
        self.x = x
        self.pool = [x * 1.0, fg.exp(x * 0.1), fg.zeros((2, 3)), x.reshape(3, 2) * 0.5, fg.ones(6)]

    def view(self, i, view, k):
        self.pool.append(view(self.pool[i], k))

    def apply(self, i, op):
        self.pool.append(op(self.pool[i]))

    def update(self, i, method, _, value):
        getattr(self.pool[i], method)(value)

    def update_by(self, i, j, method, _):
        getattr(self.pool[i], method)(self.pool[j] * 0.1 + 1.0)

    def update_directly(self, i, j, method, _):
        getattr(self.pool[i], method)(self.pool[j])

    def assign(self, i, key, j):
        self.pool[i][key] = self.pool[j].sum() * 0.1

    def assign_elements(self, i, key, j):
        self.pool[i][key] = self.pool[j][key] * 0.5

    def scale_item(self, i, key, c):
        self.pool[i][key] *= c

    def shift(self, i):
        x = self.pool[i]
        if x.size:
            x -= np.max(x)

    def add_at(self, i, key, j):
        np.add.at(self.pool[i], key, self.pool[j].sum() * 0.1)

    def shapes(self):
        return [x.shape for x in self.pool]

    def values(self):
        return self.pool


class Pure(Real):
    """Runs the same program on pairs: a list whose one item is the block, and the positions of the elements in it.

    The array of positions has the strides of the Tensor, so that the same reshapes are copies.
    """

    def __init__(self, x):
        super().__init__(x)
        self.pool = [self.fresh(t) for t in self.pool]

    @staticmethod
    def fresh(x):
        return [x.reshape(-1)], np.arange(x.size).reshape(x.shape)

    @staticmethod
    def read(pair):
        block, at = pair
        return block[0][at.reshape(-1)].reshape(at.shape)

    @staticmethod
    def write(pair, value, at=None):
        block, at = pair[0], pair[1] if at is None else at
        n = block[0].size
        to = np.zeros((n, at.size))
        to[at.reshape(-1), np.arange(at.size)] = 1
        block[0] = (1 - to.sum(1)) * block[0] + to @ fg.broadcast_to(value, at.shape).reshape(-1)

    def view(self, i, view, k):
        block, at = self.pool[i]
        part = view(at, k)
        is_view = np.shares_memory(part, at) or not part.size
        self.pool.append((block, part) if is_view else self.fresh(view(self.read(self.pool[i]), k)))

    def apply(self, i, op):
        self.pool.append(self.fresh(op(self.read(self.pool[i]))))

    def update(self, i, _, op, value):
        self.write(self.pool[i], op(self.read(self.pool[i]), value))

    def update_by(self, i, j, _, op):
        self.write(self.pool[i], op(self.read(self.pool[i]), self.read(self.pool[j]) * 0.1 + 1.0))

    def update_directly(self, i, j, _, op):
        self.write(self.pool[i], op(self.read(self.pool[i]), self.read(self.pool[j])))

    def assign(self, i, key, j):
        self.write(self.pool[i], self.read(self.pool[j]).sum() * 0.1, self.pool[i][1][key])

    def assign_elements(self, i, key, j):
        self.write(self.pool[i], self.read(self.pool[j])[key] * 0.5, self.pool[i][1][key])

    def scale_item(self, i, key, c):
        self.write(self.pool[i], self.read(self.pool[i])[key] * c, self.pool[i][1][key])

    def shift(self, i):
        x = self.read(self.pool[i])
        if x.size:
            self.write(self.pool[i], x - fg.max(x))

    def add_at(self, i, key, j):
        at = self.pool[i][1][key]
        self.write(self.pool[i], self.read(self.pool[i])[key] + self.read(self.pool[j]).sum() * 0.1, at)

    def values(self):
        return [self.read(pair) for pair in self.pool]


def draw(rng, real):
    """Run one random step and return it, as the name of a method and its arguments."""
    shapes = real.shapes()
    i, j = (int(n) for n in rng.integers(0, len(shapes), 2))
    k = int(rng.integers(0, 1000))
    key = keys_of(shapes[i], k)
    method, op = UPDATES[k % len(UPDATES)]
    kind = int(rng.integers(0, 13))
    if kind < 4:
        return "view", i, VIEWS[k % len(VIEWS)], k
    if kind < 6:
        return "apply", i, UNARY[k % len(UNARY)]
    if kind == 6:
        return "update", i, method, op, 1.25
    if kind == 7 and shapes[i] == shapes[j]:
        return "update_by", i, j, method, op
    if kind == 12 and shapes[i] == shapes[j] and method != "__itruediv__":  # often of the same memory
        return "update_directly", i, j, method, op
    if kind == 8:
        return "assign", i, key, j
    if kind == 9 and shapes[i] == shapes[j]:
        return "assign_elements", i, key, j
    if kind == 10:
        return ("scale_item", i, key, 1.5) if k % 3 else ("shift", i)
    return "add_at", i, key, j


def derivatives(values, x):
    """Return the gradient of a function of all values, and the gradient of a function of that."""
    total = sum(((t * (0.5 + 0.1 * n)).sum() for n, t in enumerate(values)), start=0.0)
    (g,) = fg.gradients(total, x, create_graph=True)
    second = fg.gradients((g * np.arange(1.0, 7.0)).sum(), x, allow_unused=True)[0] if g.requires_grad else None
    return total.item(), g.detach().numpy(), np.zeros(6) if second is None else second.numpy()


def compare(seed):
    """Return whether the program of this seed is refused, after comparing it with the reference."""
    rng = np.random.default_rng(seed)
    at = rng.normal(size=6)
    x, z = (fg.tensor(at, requires_grad=True) for _ in range(2))
    real, pure, program = Real(x), Pure(z), []
    try:
        for _ in range(int(rng.integers(2, 14))):
            name, *arguments = draw(rng, real)
            program.append((name, arguments))
            getattr(real, name)(*arguments)
        got = derivatives(real.values(), x)
    except fg.MutationError:
        return True
    except fg.FastgradError as error:
        assert "several of its elements share memory" in str(error) or "read-only" in str(error), (program, error)
        return False
    for name, arguments in program:
        getattr(pure, name)(*arguments)
    for a, b in zip(got, derivatives(pure.values(), z), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8 * (1 + np.abs(b).max()), err_msg=f"{seed}: {program}")
    return False


@pytest.mark.parametrize("block", range(4))
def test_programs_of_views_and_writes(block):
    refused = sum(compare(1000 * block + k) for k in range(60))
    assert refused < 15  # values that were read and then partly overwritten
