"""Random programs of ops, views and in-place writes: the gradient agrees with the values, or is refused."""

import numpy as np
import pytest

import fastgrad as fg

KEYS = (
    slice(0, 2),
    slice(1, 3),
    slice(None, None, -1),
    slice(None),
    0,
    2,
    -1,
    [0, 0, 2],
    np.array([True, False, True]),
)


def scale(pool, a, b, key, c):
    pool.append(a * c)


def grow(pool, a, b, key, c):
    pool.append((a * 0.3).exp())


def squash(pool, a, b, key, c):
    pool.append(a.tanh())


def multiply(pool, a, b, key, c):
    if a.shape == b.shape:
        pool.append(a * b)


def join(pool, a, b, key, c):
    if a.shape == b.shape == (3,):
        pool.append(fg.concat([a, b])[1:4])


def choose(pool, a, b, key, c):
    if a.shape == b.shape == (3,):
        pool.append(fg.where(np.array([True, False, True]), a, b))


def look(pool, a, b, key, c):
    pool.append(a[key] if a.shape == (3,) else a.reshape(-1))


def turn(pool, a, b, key, c):
    pool.append(a.T)


def scale_in_place(pool, a, b, key, c):
    a *= c


def shift_in_place(pool, a, b, key, c):
    a += c


def multiply_in_place(pool, a, b, key, c):
    if a.shape == b.shape:
        a *= b


def add_in_place(pool, a, b, key, c):
    if a.shape == b.shape:
        a += b


def assign(pool, a, b, key, c):
    if a.shape == (3,):
        a[key] = b if b.ndim == 0 or b.shape == np.empty(3)[key].shape else c


def assign_behind_the_graph(pool, a, b, key, c):
    if a.shape == (3,):
        a.detach()[key] = c


def fold(pool, a, b, key, c):
    pool.append(a[::-1].reshape(3, 1).T if a.shape == (3,) else a.reshape(1, -1))


STEPS = (scale, grow, squash, multiply, join, choose, look, turn, scale_in_place, shift_in_place, multiply_in_place,
         add_in_place, assign, assign, assign_behind_the_graph, fold)  # fmt: skip


def draw(rng):
    return [
        (STEPS[rng.integers(len(STEPS))], *rng.integers(0, 1000, 2), KEYS[rng.integers(len(KEYS))], rng.normal())
        for _ in range(rng.integers(2, 9))
    ]


def run(program, x, constant):
    pool = [x * 1.0, x * x, fg.tensor(constant)]
    for step, i, j, key, c in program:
        step(pool, pool[i % len(pool)], pool[j % len(pool)], key, float(c))
    return sum(((t * (0.5 + 0.1 * n)).sum() for n, t in enumerate(pool)), start=0.0)


@pytest.mark.parametrize("seed", range(8))
def test_the_gradient_is_that_of_the_values_or_refused(seed):
    rng = np.random.default_rng(seed)
    right = 0
    for _ in range(60):
        program, at, constant = draw(rng), rng.normal(size=3), rng.normal(size=3)
        x = fg.tensor(at, requires_grad=True)
        try:
            run(program, x, constant).backward()
        except fg.MutationError:
            continue
        with fg.no_grad():
            h = 1e-6 * np.eye(3)
            up, down = ([run(program, fg.tensor(at + s * d), constant).item() for d in h] for s in (1, -1))
        wanted = (np.array(up) - np.array(down)) / 2e-6
        names = [f"{step.__name__} {i} {j} {key}" for step, i, j, key, c in program]
        tolerance = 1e-6 * (1 + np.abs(up).max())  # the rounding of the values over the step, 1e-16 / 1e-6, and h**2
        np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-5, atol=tolerance, err_msg=str(names))
        right += 1
    assert right > 15
