"""Tables that are filled column by column from their own columns: every transform, against lists of columns."""

import numpy as np
import pytest

import fastgrad as fg

A = np.array([0.3, 0.6, 0.9])
STEPS = {
    "with a kernel": np.sin,
    "of itself": lambda v: v * v,
    "without a kernel": np.i0,
    "that reads its result": fg.softmax,
    "a scan": lambda v: np.cumsum(v) * v,
    "cumprod": np.cumprod,
    "products": lambda v: np.outer(v, v) @ v / 3,
    "a selection": lambda v: np.sort(v) * v,
    "broadcast": lambda v: v[:1] / (1 + v),
}
TRANSFORMS = {
    "grad": fg.grad,
    "jvp": lambda f: lambda x: fg.jvp(f, (x,), (x[::-1].copy(),))[1],
    "hvp": lambda f: lambda x: fg.hvp(f, (x,), (x[::-1].copy(),)),
    "hessian": fg.hessian,
    "grad of grad": lambda f: fg.grad(lambda x: (fg.grad(f)(x) ** 2).sum()),
    "vmap of grad": lambda f: lambda x: fg.vmap(fg.grad(f))(np.stack([x, x + 0.1])),
}


def in_a_table(step):
    def f(x):
        table = fg.zeros_like(fg.stack([x, x, x, x], axis=1))
        table[:, 0] = x
        for t in range(1, 4):
            table[:, t] = step(table[:, t - 1]) * x
        return (table * table).sum()

    return f


def in_a_list(step):
    def f(x):
        columns = [x]
        for _ in range(1, 4):
            columns.append(step(columns[-1]) * x)
        return sum((c * c).sum() for c in columns)

    return f


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_a_table_is_differentiated_as_a_list(step, transform):
    found, expected = (transform(f(step))(A) for f in (in_a_table, in_a_list))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_a_write_to_what_was_read_is_noticed_in_forward_mode():
    def f(x):
        y = np.exp(x)
        z = y * y
        with fg.no_grad():
            y[0] = 0.0
        return z.sum()

    for transform in TRANSFORMS["jvp"], TRANSFORMS["grad"], TRANSFORMS["hvp"]:
        with pytest.raises(fg.errors.MutationError):
            transform(f)(A)
