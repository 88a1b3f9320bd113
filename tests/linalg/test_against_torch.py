"""Values and gradients of `fastgrad.linalg` and `fastgrad.fft` against PyTorch, complex matrices included."""

import numpy as np
import pytest

import fastgrad as fg

torch = pytest.importorskip("torch")

SQUARE = {
    "inv": lambda m, x: m.inv(x), "det": lambda m, x: m.det(x), "slogdet": lambda m, x: m.slogdet(x)[1],
    "sign": lambda m, x: m.slogdet(x * (1 + 0j))[0], "solve": lambda m, x: m.solve(x, x[..., :1]),
    "power": lambda m, x: m.matrix_power(x, 5), "power -2": lambda m, x: m.matrix_power(x, -2),
    "expm": lambda m, x: (m.matrix_exp if hasattr(m, "matrix_exp") else m.expm)(x), "cond": lambda m, x: m.cond(x),
    "eigvalsh": lambda m, x: m.eigvalsh(x),
    "eigh": lambda m, x: abs(m.eigh(x)[1]), "eigvals": lambda m, x: abs(m.eigvals(x)) ** 2,
    "eig": lambda m, x: abs(m.eig(x)[1]),
    "cholesky": lambda m, x: m.cholesky(x @ x.mT.conj()), "pinv": lambda m, x: m.pinv(x, rtol=1e-15),
    "eigh rebuilt": lambda m, x: rebuilt(*m.eigh(x)),
    "multi_dot": lambda m, x: m.multi_dot([x, x, x, x]) if x.ndim == 2 else x,
}  # fmt: skip
OBLONG = {
    "svdvals": lambda m, x: m.svdvals(x), "svd": lambda m, x: abs(m.svd(x, full_matrices=False)[0]),
    "svd Vh": lambda m, x: abs(m.svd(x, full_matrices=False)[2]), "qr": lambda m, x: m.qr(x)[0],
    "qr R": lambda m, x: m.qr(x)[1],
    "pinv": lambda m, x: m.pinv(x, rtol=1e-15), "nuc": lambda m, x: m.matrix_norm(x, ord="nuc"),
    "spectral": lambda m, x: m.matrix_norm(x, ord=2), "smallest": lambda m, x: m.matrix_norm(x, ord=-2),
    "inf": lambda m, x: m.matrix_norm(x, ord=float("inf")), "fro": lambda m, x: m.matrix_norm(x),
    "vector": lambda m, x: m.vector_norm(x, ord=3), "vecdot": lambda m, x: m.vecdot(x, x[..., :1, :]),
    "lstsq": lambda m, x: m.lstsq(x, x[:, :1] * 2)[0] if x.ndim == 2 and x.shape[0] > x.shape[1] else x,
}  # fmt: skip
FROM_REAL = ("rfft", "ihfft", "rfft2", "rfftn")
FOURIER = (
    *FROM_REAL, "fft", "ifft", "irfft", "hfft", "fft2", "ifft2", "irfft2", "fftn", "ifftn", "irfftn",
)  # fmt: skip


def rebuilt(w, v):
    """A function of a matrix through its decomposition."""
    return (v * (w**2)[..., None, :]) @ v.mT.conj()


def drawn(shape, kind, rng):
    x = rng.normal(size=shape) + 2 * np.eye(*shape[-2:])
    return x + 1j * rng.normal(size=shape) if kind == "complex" else x


def compare(call, x, module, other):
    """Compare values and the gradients of a random combination of them."""
    mine, theirs = fg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = call(module, mine), call(other, theirs)
    np.testing.assert_allclose(y.detach().numpy(), z.detach().resolve_conj().numpy(), rtol=1e-10, atol=1e-10)
    rng = np.random.default_rng(8)
    v = rng.normal(size=y.shape) + (1j * rng.normal(size=y.shape) if y.dtype.kind == "c" else 0)
    y.backward(fg.tensor(v))
    z.backward(torch.tensor(v))
    wanted = theirs.grad.resolve_conj().numpy()
    np.testing.assert_allclose(mine.grad.numpy(), wanted, rtol=1e-9, atol=1e-9 * max(1, np.abs(wanted).max()))


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("name", SQUARE)
def test_square_matrices(name, kind, rng):
    for shape in ((3, 3), (2, 4, 4), (1, 1)):
        x = drawn(shape, kind, rng)
        if "eigh" in name or "eigv" in name:
            x = x + np.conj(np.swapaxes(x, -1, -2))
        compare(SQUARE[name], x, fg.linalg, torch.linalg)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("name", OBLONG)
def test_matrices(name, kind, rng):
    for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 2)):
        compare(OBLONG[name], drawn(shape, kind, rng), fg.linalg, torch.linalg)


@pytest.mark.parametrize("name", FOURIER)
def test_transforms(name, rng):
    for shape in ((3, 4), (2, 5, 3)):
        for norm in ("backward", "ortho", "forward"):
            call = lambda m, x, norm=norm: getattr(m, name)(x.real if name in FROM_REAL else x, norm=norm)
            compare(call, drawn(shape, "complex", rng), fg.fft, torch.fft)
