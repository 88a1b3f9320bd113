"""Random programs of NumPy's functions: values against NumPy, derivatives against differences."""

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.numpy as fnp

SHAPES = ((3,), (2, 3), (3, 3), (2, 2, 3), (3, 1), (4,), (1, 3), ())


def positive(m, x):
    """Return a positive definite matrix of `x` with eigenvalues that differ."""
    x = m.atleast_2d(x)
    return x @ m.swapaxes(x, -1, -2) + np.diag(2.0 + np.arange(x.shape[-2]))


def parts(m, z):
    return m.real(z) + 0.7 * m.imag(z)


def written(m, x, o):
    y = x * 1.5
    y[..., :1] = m.ravel(o)[0]
    y *= m.cos(x)
    return y


# Functions of a namespace, the last result of a program and an earlier one. Those that fail in NumPy are left out.
STEPS = (
    lambda m, x, o: m.std(x, axis=-1, keepdims=True) + x,
    lambda m, x, o: m.var(x, axis=0, ddof=-1),
    lambda m, x, o: m.nanstd(x, axis=(0, 1)),
    lambda m, x, o: m.median(x, axis=0),
    lambda m, x, o: m.quantile(x, [0.3, 0.8], axis=-1, method="hazen"),
    lambda m, x, o: m.linalg.norm(x, axis=0),
    lambda m, x, o: m.linalg.vector_norm(x, ord=3),
    lambda m, x, o: m.linalg.inv(positive(m, x)),
    lambda m, x, o: m.linalg.solve(positive(m, x), m.atleast_2d(x)),
    lambda m, x, o: m.linalg.cholesky(positive(m, x)),
    lambda m, x, o: m.linalg.eigvalsh(positive(m, x)),
    lambda m, x, o: m.linalg.svd(positive(m, x), compute_uv=False),
    lambda m, x, o: m.linalg.slogdet(positive(m, x))[1],
    lambda m, x, o: m.linalg.qr(positive(m, x))[1],
    lambda m, x, o: parts(m, m.fft.rfft(x, norm="ortho")),
    lambda m, x, o: parts(m, m.fft.ifftn(x)),
    lambda m, x, o: m.fft.irfft(x + 1j * m.sin(x), n=4),
    lambda m, x, o: m.sort(x, axis=0),
    lambda m, x, o: m.tril(x, -1) + m.triu(x),
    lambda m, x, o: m.einsum("...i,...i->...", x, o),
    lambda m, x, o: m.einsum("ij,kj,il->kl", x, x, o),
    lambda m, x, o: m.tensordot(x, o, ([-1], [-1])),
    lambda m, x, o: m.matmul(x, m.swapaxes(o, -1, -2)),
    lambda m, x, o: m.dot(x, o),
    lambda m, x, o: m.kron(x, o),
    lambda m, x, o: m.interp(x, np.array([-2.1, -1, 0.3, 2.2]), m.resize(o, 4)),
    lambda m, x, o: m.convolve(m.ravel(x), m.ravel(o), "same"),
    lambda m, x, o: m.polyval(m.ravel(x), o),
    lambda m, x, o: m.vander(m.ravel(x), 3),
    lambda m, x, o: m.gradient(x, axis=0),
    lambda m, x, o: m.trapezoid(x),
    lambda m, x, o: m.cumprod(x, axis=-1),
    lambda m, x, o: m.cumsum(x),
    lambda m, x, o: m.diff(x, axis=0),
    lambda m, x, o: m.repeat(x, 2, axis=0),
    lambda m, x, o: m.roll(x, 1),
    lambda m, x, o: m.pad(x, 1, mode="reflect"),
    lambda m, x, o: m.delete(x, 0, axis=-1),
    lambda m, x, o: m.insert(x, 1, m.ravel(o)[0]),
    lambda m, x, o: m.take(x, [0, -1, 0], axis=0),
    lambda m, x, o: m.block([[x, o], [o, x]]),
    lambda m, x, o: m.column_stack([x, m.sin(x)]),
    lambda m, x, o: m.fmax(x, o),
    lambda m, x, o: m.logaddexp2(x, o),
    lambda m, x, o: m.float_power(m.square(x) + 0.5, o),
    lambda m, x, o: m.sinc(x) * m.i0(o),
    lambda m, x, o: m.sum(x, axis=0, where=np.arange(x.shape[-1]) > 0, initial=0.5),
    lambda m, x, o: m.cov(x),
    lambda m, x, o: x[..., ::-1] * m.flip(x, axis=0),
    written,
)


def draw(rng):
    """Return leaves, and the steps of a program: a function, which results it takes, and a factor for its result."""
    leaves = [rng.normal(size=SHAPES[rng.integers(len(SHAPES))]) for _ in range(2)]
    values, steps = list(leaves), []
    while len(steps) < 4:
        f, i, j = STEPS[rng.integers(len(STEPS))], rng.integers(-2, 0), rng.integers(len(values))
        try:
            y = np.asarray(f(np, values[i], values[j]))
        except (ValueError, IndexError, TypeError, np.linalg.LinAlgError):
            continue
        if 0 < y.size < 60 and y.dtype == float and np.isfinite(y).all():
            factor = 1.7 / max(np.abs(y).max(), 1.7)
            steps.append((f, i, j, factor))
            values.append(y * factor)
    return leaves, steps


def run(m, leaves, steps):
    values = list(leaves)
    for f, i, j, factor in steps:
        values.append(f(m, values[i], values[j]) * factor)
    return values[2:]


@pytest.mark.parametrize(("m", "order"), [(fnp, 2), (np, 1)], ids=["fastgrad.numpy", "numpy"])
@pytest.mark.parametrize("seed", range(50))
@pytest.mark.filterwarnings("ignore")
def test_a_program_has_numpys_values_and_right_derivatives(seed, m, order):
    leaves, steps = draw(np.random.default_rng(seed))
    got = run(m, [fg.tensor(a, requires_grad=True) for a in leaves], steps)
    for y, wanted in zip(got, run(np, leaves, steps), strict=True):
        assert y.shape == wanted.shape and y.dtype == wanted.dtype
        np.testing.assert_allclose(y.detach().numpy(), wanted, rtol=1e-10, atol=1e-12)

    def total(*xs):
        return sum(fg.sum(y * np.cos(np.arange(y.size)).reshape(y.shape)) for y in run(m, xs, steps))

    fg.testing.check_grads(total, tuple(leaves), order=order)
