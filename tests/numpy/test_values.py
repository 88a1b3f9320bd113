"""`fastgrad.numpy` on arrays, lists and numbers: NumPy's result, of NumPy's type."""

import warnings

import numpy
import pytest

import fastgrad.numpy as fnp

A = numpy.array([[0.3, 0.8, 0.5], [0.7, 0.2, 0.9]])
V = numpy.array([0.5, 1.5, 2.5])
N = numpy.array([[3, 1], [2, 4]])
S = numpy.array([[2.0, 0.5], [0.3, 3.0]])
M = numpy.ma.array(V, mask=[0, 1, 0])
UNARY = """
    abs absolute exp log sin cos tan tanh sqrt square negative floor ceil sign isnan isfinite round sum mean
    prod max min std var cumsum cumprod argmax argmin sort argsort ravel transpose flip unique shape ndim size
    copy real imag conj angle nonzero count_nonzero diff median ptp any all squeeze atleast_1d atleast_2d
    trace diagonal tril triu fliplr flipud rot90 nan_to_num zeros_like ones_like empty_like array asarray
    ascontiguousarray linalg.norm fft.fft fft.ifft fft.rfft fft.fftshift cov corrcoef gradient nansum nanmean
"""
CALLS = {
    "axis": lambda np: [np.sum(A, 0), np.mean(A, axis=1), np.max(A, axis=0, keepdims=True), np.std(A, 0, ddof=1)],
    "binary": lambda np: [np.add(A, 1), np.power(V, 2), np.maximum(A, 0.5), np.hypot(V, V), np.arctan2(A, A)],
    "numbers": lambda np: [np.tanh(1.0), np.exp(1), np.sum(3), np.add(1, 2), np.abs(-1), np.sqrt(2.0 + 1j)],
    "lists": lambda np: [
        np.sum([1, 2]),
        np.concatenate([[1, 2], [3]]),
        np.mean([[1, 2], [3, 4]]),
        np.array([1, [2, 3][0]]),
    ],
    "tuples": lambda np: [
        np.stack((V, V)),
        np.vstack((V, V)),
        np.hstack([V, V]),
        np.column_stack((V, V)),
        np.dstack([V, V]),
    ],
    "products": lambda np: [
        np.dot(A, A.T),
        np.matmul(S, S),
        np.outer(V, V),
        np.einsum("ij,kj", A, A),
        np.tensordot(A, A.T, 1),
    ],
    "more products": lambda np: [np.vdot(V, V), np.inner(V, V), np.kron(S, S), np.cross(V, V[::-1]), np.trace(S)],
    "shapes": lambda np: [np.reshape(A, (3, 2), order="F"), np.expand_dims(V, 0), np.moveaxis(A, 0, 1), np.tile(V, 2)],
    "splits": lambda np: [*np.split(A, 3, axis=1), *np.array_split(V, 2), *np.hsplit(A, 3), *np.meshgrid(V, V)],
    "indices": lambda np: [
        np.take(V, [0, 2]),
        np.where(A > 0.5),
        np.where(A > 0.5, A, 0),
        np.choose([0, 1], [V[:2], V[1:]]),
    ],
    "creation": lambda np: [
        np.zeros(3),
        np.full(2, 1),
        np.full((2,), 1.5, dtype=np.float32),
        np.arange(3),
        np.linspace(0, 1, 5),
    ],
    "arrays": lambda np: [
        np.array(V, dtype=int),
        np.array([1, 2], ndmin=2),
        np.asarray((1, 2.0)),
        np.eye(2),
        np.diag(V),
    ],
    "constants": lambda np: [
        np.pi,
        np.float32(1),
        np.int64(3),
        np.dtype("f4"),
        np.inf,
        np.newaxis,
        np.result_type(V, 1),
    ],
    "linalg": lambda np: [
        np.linalg.inv(S),
        np.linalg.det(S),
        *np.linalg.eigh(S),
        *np.linalg.slogdet(S),
        np.linalg.solve(S, V[:2]),
    ],
    "more linalg": lambda np: [
        *np.linalg.svd(A),
        *np.linalg.qr(S),
        np.linalg.matrix_rank(S),
        np.linalg.norm(A, 1, axis=0),
    ],
    "fft": lambda np: [
        np.fft.fft(V, 4),
        np.fft.irfft(np.fft.rfft(V), 3),
        np.fft.fft2(A, norm="ortho"),
        np.fft.fftfreq(4),
    ],
    "ufunc methods": lambda np: [
        np.add.reduce(A),
        np.multiply.accumulate(A, 1),
        np.subtract.outer(V, V),
        np.maximum.reduce(V),
    ],
    "two results": lambda np: [*np.divmod(V, 2), *np.modf(V), *np.frexp(V)],
    "r_": lambda np: [np.r_[V, 0, 1:3], np.c_[V, V], np.r_["0,2", V, V], np.r_[0:1:5j], np.s_[1:2], np.mgrid[0:2, 0:2]],
    "out": lambda np: [np.add(V, 1, out=np.zeros(3)), np.sum(A, 0, out=np.zeros(3)), np.exp(V, np.zeros(3))],
    "where": lambda np: [
        np.sum(A, where=A > 0.5),
        np.add(V, 1, where=V > 1, out=np.zeros(3)),
        np.max(A, where=A > 0.5, initial=0),
    ],
    "masked": lambda np: [np.tanh(M), np.sum(M), np.add(M, V), np.concatenate([M, M])],
    "matrices": lambda np: [np.matrix(S) * np.matrix(S), np.sum(np.matrix(S), axis=0), np.asmatrix(S).T],
    "dates": lambda np: [np.datetime64("2026-01-01") + np.arange(2), np.busday_count("2026-01", "2026-02")],
    "objects": lambda np: [np.add(np.array([1, "a"][:1], dtype=object), 1), np.array([None])],
    "text": lambda np: [np.array_str(V), np.array2string(A), np.format_float_positional(1.5), np.char.upper(["a"])],
    "polynomials": lambda np: [np.polyval([1, 2], 3.0), np.polyfit(V, V, 1).round(6), np.roots([1, -3, 2])],
    "interpolation": lambda np: [
        np.interp(0.5, [0, 1], [2, 4]),
        np.convolve(V, V),
        np.trapezoid(V),
        np.histogram(V, 2)[0],
    ],
    "vectorize": lambda np: [np.vectorize(lambda a, b: a + b)(V, 1), np.apply_along_axis(np.sum, 0, A)],
    "random": lambda np: [np.random.RandomState(0).rand(3), np.random.default_rng(0).normal(size=2)],
    "selection": lambda np: [
        np.select([V > 1, V < 1], [V, -V], 9.0),
        np.piecewise(V, [V > 1], [1, lambda v: v]),
        np.clip(V, 1, 2),
    ],
    "sets": lambda np: [np.unique(N), *np.unique(N, return_counts=True), np.isin(V, [0.5]), np.union1d(V, [9.0])],
    "statistics": lambda np: [
        np.percentile(A, 30),
        np.quantile(A, [0.2, 0.5], axis=1),
        np.average(V, weights=V),
        np.bincount([0, 1, 1]),
    ],
}

OPERANDS = [V, S, N, [0.5, 1.5], 2.0, V.astype(numpy.float32), S + 1j, numpy.float64(0.5), V[:0]]


def same(got, wanted):
    assert type(got) is type(wanted)
    if isinstance(wanted, (tuple, list)):
        assert len(got) == len(wanted)
        for a, b in zip(got, wanted, strict=True):
            same(a, b)
    elif isinstance(wanted, (numpy.ndarray, numpy.generic)):
        assert (got.dtype, got.shape, getattr(got, "strides", None)) == (
            wanted.dtype, wanted.shape, getattr(wanted, "strides", None))  # fmt: skip
        numpy.testing.assert_array_equal(got, wanted)
    else:
        assert got == wanted


@pytest.mark.parametrize("name", UNARY.split())
@pytest.mark.parametrize(
    "x", [V, S, N, [0.5, 1.5], 2.0, V.astype(numpy.float32), S + 1j, numpy.float64(0.5), V[:0]], ids=repr
)
def test_functions_of_one_array(name, x):
    ours, theirs = fnp, numpy
    for part in name.split("."):
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wanted = theirs(x)
        except Exception as error:
            with pytest.raises(type(error)) as caught:
                ours(x)
            assert str(caught.value) == str(error)
            return
        got = ours(x)
    if name == "empty_like":
        assert type(got) is type(wanted) and got.shape == wanted.shape and got.dtype == wanted.dtype
    else:
        same(got, wanted)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_calls_without_tensors_return_what_numpy_returns(name):
    for got, wanted in zip(CALLS[name](fnp), CALLS[name](numpy), strict=True):
        same(got, wanted)


def test_views_stay_views():
    assert fnp.reshape(A, -1).base is A and fnp.asarray(A) is A and fnp.transpose(A).base is A
    out = numpy.zeros(3)
    assert fnp.add(V, 1, out=out) is out
