"""Functions of NumPy and fastgrad inside vmap: equal to a loop over the elements, on both engines."""

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.numpy as fnp

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))
M = RNG.normal(size=(4, 3, 3)) + 3 * np.eye(3)


def filled(x, value):
    y = np.full_like(x, value)
    y[0] = x[1]
    y[1:] *= x[:1]
    return y


OF_VECTORS = {
    "shape": lambda x: x * np.shape(x)[0],
    "ndim": lambda x: x * np.ndim(x),
    "size": lambda x: x * np.size(x),
    "isnan": lambda x: np.isnan(x),
    "fgisnan": lambda x: fg.isnan(x),
    "argmax": lambda x: np.argmax(x),
    "argmax_m": lambda x: x.argmax(),
    "argmin ax": lambda x: np.argmin(np.stack([x, x]), axis=1),
    "argsort": lambda x: np.argsort(x),
    "any": lambda x: np.any(x > 0),
    "all": lambda x: (x > 0).all(),
    "count": lambda x: np.count_nonzero(x > 0),
    "logical": lambda x: np.logical_and(x > 0, x < 1),
    "invert": lambda x: ~(x > 0),
    "and": lambda x: (x > 0) & (x < 1),
    "isclose": lambda x: np.isclose(x, 0.0),
    "allclose": lambda x: fg.asarray(np.allclose(x, x)),
    "take": lambda x: np.take(x, np.array([0, 2])),
    "take_along": lambda x: np.take_along_axis(x, np.argsort(x), axis=0),
    "sort": lambda x: np.sort(x),
    "x[argsort]": lambda x: x[np.argsort(x)],
    "x[argmax]": lambda x: x[np.argmax(x)],
    "zeros_like": lambda x: np.zeros_like(x) + x,
    "ones_like": lambda x: fg.ones_like(x) + x,
    "full_like": lambda x: np.full_like(x, 2.0) * x,
    "full_like_written": lambda x: filled(x, 2.0),
    "full_like_of_its_own": lambda x: filled(x, x.sum()),
    "empty_like": lambda x: np.empty_like(x) * 0,
    "fgzeros": lambda x: fg.zeros(x.shape) + x,
    "full": lambda x: fg.full((2,), x[0]),
    "ravel": lambda x: np.ravel(np.outer(x, x)),
    "ravelF": lambda x: np.ravel(np.outer(x, 2 * x), order="F"),
    "flatten": lambda x: np.outer(x, x).flatten(),
    "squeeze": lambda x: np.squeeze(x[None]),
    "expand": lambda x: np.expand_dims(x, 0),
    "atleast2d": lambda x: np.atleast_2d(x),
    "hstack": lambda x: np.hstack([x, x]),
    "vstack": lambda x: np.vstack([x, x]),
    "column_stack": lambda x: np.column_stack([x, x]),
    "array": lambda x: fnp.array([x[0], x[1]]),
    "split": lambda x: np.split(x, 3)[1],
    "meshgrid": lambda x: np.meshgrid(x, x)[0],
    "einsum": lambda x: np.einsum("i,j->ij", x, x),
    "tensordot": lambda x: np.tensordot(x, x, 1),
    "kron": lambda x: np.kron(x, x),
    "vdot": lambda x: np.vdot(x, x),
    "inner": lambda x: np.inner(x, x),
    "cross": lambda x: np.cross(x, x * 2 + 1),
    "diff": lambda x: np.diff(x),
    "gradient": lambda x: np.gradient(x),
    "trapezoid": lambda x: np.trapezoid(x),
    "interp": lambda x: np.interp(x, np.arange(3.0), np.arange(3.0) ** 2),
    "clip": lambda x: np.clip(x, -0.5, 0.5),
    "average": lambda x: np.average(x, weights=np.array([1.0, 2, 3])),
    "cov": lambda x: np.cov(np.stack([x, x**2])),
    "corrcoef": lambda x: np.corrcoef(np.stack([x, x**2])),
    "ptp": lambda x: np.ptp(x),
    "median": lambda x: np.median(x),
    "percentile": lambda x: np.percentile(x, 30),
    "norm2": lambda x: np.linalg.norm(x),
    "norm1": lambda x: np.linalg.norm(x, 1),
    "select": lambda x: np.select([x > 0, x < -1], [x, 2 * x], 0.0),
    "piecewise": lambda x: np.piecewise(x, [x > 0], [lambda t: t, lambda t: -t]),
    "where1": lambda x: np.where(x > 0, x, -x),
    "maximum": lambda x: np.maximum(x, 0),
    "nan_to_num": lambda x: np.nan_to_num(x),
    "polyval": lambda x: np.polyval(np.array([1.0, 2, 3]), x),
    "fft": lambda x: np.abs(np.fft.fft(x)),
    "fftn": lambda x: np.abs(np.fft.fft2(np.outer(x, x))),
    "fftshift": lambda x: np.fft.fftshift(x),
    "roll": lambda x: np.roll(x, 1),
    "flip": lambda x: np.flip(x),
    "rot90": lambda x: np.rot90(np.outer(x, 2 * x + 1)),
    "tril": lambda x: np.tril(np.outer(x, x)),
    "diag": lambda x: np.diag(x),
    "diag2": lambda x: np.diag(np.outer(x, x)),
    "trace": lambda x: np.trace(np.outer(x, x)),
    "repeat": lambda x: np.repeat(x, 2),
    "tile": lambda x: np.tile(x, 2),
    "pad": lambda x: np.pad(x, 1),
    "append": lambda x: np.append(x, x),
    "delete": lambda x: np.delete(x, 1),
    "insert": lambda x: np.insert(x, 1, 0.0),
    "cumsum": lambda x: np.cumsum(x),
    "unwrap": lambda x: np.unwrap(x),
    "searchsorted": lambda x: np.searchsorted(np.arange(3.0), x),
    "digitize": lambda x: np.digitize(x, np.arange(3.0)),
    "apply_along": lambda x: np.apply_along_axis(lambda t: t.sum(), 0, x),
    "logsumexp": lambda x: fg.logsumexp(x),
    "topk": lambda x: fg.topk(x, 2)[0],
    "gather": lambda x: x.gather(0, fg.asarray([0, 1])),
    "unsqueeze": lambda x: x.unsqueeze(0),
    "view": lambda x: x.view(3, 1),
    "astype": lambda x: x.astype(np.float32),
    "iter": lambda x: sum(v for v in x),
    "len": lambda x: x * len(x),
    "round": lambda x: round(x, 1),
    "divmod": lambda x: divmod(x, 2.0)[1],
    "nnsoftmax": lambda x: fg.nn.functional.softmax(x, axis=-1),
    "nnrelu": lambda x: fg.nn.functional.relu(x),
    "mse": lambda x: fg.nn.functional.mse_loss(x, x * 2),
    "ce": lambda x: fg.nn.functional.cross_entropy(x, fg.asarray(1)),
    "hinge": lambda x: fg.nn.functional.multiclass_hinge_loss(x[None], np.array([1])),
    "dropout": lambda x: fg.nn.functional.layer_norm(x, (3,)),
    "sinc": lambda x: np.sinc(x),
    "i0": lambda x: np.i0(x),
    "hypot": lambda x: np.hypot(x, 1.0),
    "frexp": lambda x: np.frexp(x)[0],
    "modf": lambda x: np.modf(x)[0],
    "sign": lambda x: np.sign(x),
    "fmod": lambda x: np.fmod(x, 1.0),
    "nansum": lambda x: np.nansum(x),
    "real": lambda x: np.real(x),
    "iscomplexobj": lambda x: x * np.iscomplexobj(x),
    "result_type": lambda x: x.astype(np.result_type(x, np.float32)),
    "isfinite all": lambda x: np.isfinite(x).all(),
    "add.reduce": lambda x: np.add.reduce(x),
    "mult.outer": lambda x: np.multiply.outer(x, x),
    "maximum.accumulate": lambda x: np.add.accumulate(x),
    "full2": lambda x: np.linspace(x[0], x[1], 4),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, x[:, None])[0],
    "block": lambda x: np.block([x, x]),
    "swap": lambda x: np.swapaxes(np.outer(x, x + 1), 0, 1),
    "moveaxis": lambda x: np.moveaxis(np.outer(x, x + 1), 0, 1),
    "histogram": lambda x: np.histogram(x, bins=np.array([-3.0, 0, 3]))[0],
    "vander": lambda x: np.vander(x),
    "heaviside": lambda x: np.heaviside(x, 0.5),
    "choose": lambda x: np.choose(np.array([0, 1, 0]), [x, 2 * x]),
}
OF_MATRICES = {
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "slogdet": lambda m: np.linalg.slogdet(m)[1],
    "solve": lambda m: np.linalg.solve(m, np.ones(3)),
    "solve2": lambda m: np.linalg.solve(np.eye(3) * 2, m),
    "eigh": lambda m: np.linalg.eigh(m + m.T)[0],
    "eigvalsh": lambda m: np.linalg.eigvalsh(m @ m.T),
    "svd": lambda m: np.linalg.svd(m)[1],
    "qr": lambda m: np.linalg.qr(m)[1],
    "cholesky": lambda m: np.linalg.cholesky(m @ m.T),
    "pinv": np.linalg.pinv,
    "matrix_power": lambda m: np.linalg.matrix_power(m, 3),
    "cond": lambda m: np.linalg.cond(m),
    "norm fro": lambda m: np.linalg.norm(m),
    "norm nuc": lambda m: np.linalg.norm(m, "nuc"),
    "norm 2": lambda m: np.linalg.norm(m, 2),
    "multi_dot": lambda m: np.linalg.multi_dot([m, m, m]),
    "expm": lambda m: fg.linalg.expm(m),
    "eig": lambda m: np.linalg.eigvals(m @ m.T + np.diag([1.0, 5, 9])).real.sum(),
    "matrix_rank": lambda m: np.linalg.matrix_rank(m),
    "lstsq": lambda m: np.linalg.lstsq(m, np.ones(3))[0],
    "trace": np.trace,
    "dot": lambda m: np.dot(m, m),
    "triu": np.triu,
    "mT": lambda m: m.mT,
    "diagonal": np.diagonal,
}


def check(function, batch):
    y = np.asarray(fg.vmap(function)(batch))
    expected = np.stack([np.asarray(function(fg.asarray(x))) for x in batch])
    np.testing.assert_allclose(y, expected, rtol=1e-7, atol=1e-10)
    assert y.dtype == expected.dtype


@pytest.mark.parametrize("name", OF_VECTORS)
def test_a_function_of_vectors(name):
    check(OF_VECTORS[name], X)


@pytest.mark.parametrize("name", OF_MATRICES)
def test_a_function_of_matrices(name):
    check(OF_MATRICES[name], M)


@pytest.mark.parametrize("name", OF_VECTORS)
def test_a_function_of_vectors_without_recording(name):
    with fg.no_grad():
        check(OF_VECTORS[name], X)
