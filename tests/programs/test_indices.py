"""Programs whose arguments are indices, class numbers and orders: another call takes other elements."""

import numpy as np
import pytest

import fastgrad as fg

F = fg.nn.functional
FUNCTIONS = {
    "x[i]": lambda x, i, j: x[i],
    "x[:, j]": lambda x, i, j: x[:, j],
    "x[i, j]": lambda x, i, j: x[i, j],
    "x[i[:, None], j]": lambda x, i, j: x[i[:, None], j],
    "x[i, 0]": lambda x, i, j: x[i, 0],
    "take": lambda x, i, j: fg.take(x, i, axis=0),
    "take, wrapped": lambda x, i, j: fg.take(x, i + 7, axis=1, mode="wrap"),
    "take_along_axis": lambda x, i, j: fg.take_along_axis(x, j[:, None], axis=1),
    "embedding": lambda x, i, j: F.embedding(i, x),
    "one_hot": lambda x, i, j: x * F.one_hot(j, 4)[0],
    "sort": lambda x, i, j: fg.sort(x, axis=0, descending=True) * x,
    "argsort": lambda x, i, j: x[0][fg.argsort(x[1])],
    "argmax": lambda x, i, j: x[0][fg.argmax(x, axis=1)],
    "clip": lambda x, i, j: fg.clip(x, x[0] - 0.5, 0.5),
    "hypot": lambda x, i, j: fg.hypot(x, x * 0.0),
    "power": lambda x, i, j: abs(x) ** x,
    "cumprod": lambda x, i, j: fg.cumprod(x, axis=1),
}


def third(f, *rest):
    return lambda z: (f(z, *rest) ** 3).sum()


DERIVATIVES = {
    "value": lambda f: f,
    "gradient": lambda f: lambda x, *rest: fg.grad(third(f, *rest))(x),
    "jvp": lambda f: lambda x, *rest: fg.jvp(lambda z: f(z, *rest), (x,), (fg.sin(x),)),
    "hvp": lambda f: lambda x, *rest: fg.hvp(third(f, *rest), (x,), (fg.cos(x),)),
    "twice": lambda f: lambda x, *rest: fg.grad(lambda z: (fg.grad(third(f, *rest))(z) ** 2).sum())(x),
}


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
@pytest.mark.parametrize("derivative", DERIVATIVES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_other_indices_take_other_elements(name, derivative, dtype):
    f = DERIVATIVES[derivative](FUNCTIONS[name])
    program, rng = fg.compile(f), np.random.default_rng(3)
    for _ in range(4):
        given = rng.normal(size=(3, 4)), rng.integers(0, 3, 3).astype(dtype), rng.integers(0, 3, 3).astype(dtype)
        wanted, found = f(*map(fg.asarray, given)), program(*given)
        pairs = zip(wanted, found) if isinstance(wanted, tuple) else ((wanted, found),)
        for right, value in pairs:
            np.testing.assert_array_equal(value, right.detach().numpy())


@pytest.mark.parametrize("name", ["x[i]", "take", "embedding"])
def test_indices_out_of_range_raise_at_every_call(name):
    program = fg.compile(FUNCTIONS[name])
    x, good, bad = np.ones((3, 4)), np.array([0, 1, 2]), np.array([0, 1, 7])
    program(x, good, good.copy())
    with pytest.raises(IndexError):
        program(x, bad, good)
    np.testing.assert_array_equal(program(x, good, good.copy()), np.ones((3, 4)))


def test_indices_of_floats_raise_as_without_a_program():
    f = lambda x, i: x[i]
    for call in (fg.compile(f), lambda x, i: f(fg.asarray(x), fg.asarray(i))):
        with pytest.raises(IndexError, match=r"must be of integer .* got float64"):
            call(np.arange(5.0), np.array([1.0, 0.0]))
