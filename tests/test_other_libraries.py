"""Tensors in libraries that take arrays, where they are installed: they record, or they say what to do."""

import numpy as np
import pytest

import fastgrad as fg

A = np.random.default_rng(0).normal(size=(3, 4))


@pytest.fixture
def x():
    return fg.tensor(A, requires_grad=True)


def test_array_api_compat_finds_the_namespace(x):
    compat = pytest.importorskip("array_api_compat")
    assert compat.array_namespace(x, x.detach()) is fg and compat.is_array_api_obj(x)
    assert compat.device(x) == "cpu" and compat.to_device(x, "cpu") is x and compat.size(x) == 12


# --- DLPack ---


def test_pytorch_shares_memory_both_ways(x):
    torch = pytest.importorskip("torch")
    theirs = torch.arange(4.0)
    ours = fg.from_dlpack(theirs)
    theirs[0] = 5
    assert ours.tolist() == [5, 1, 2, 3] and ours.dtype == np.float32
    source = fg.tensor(A)
    torch.from_dlpack(source.T)[0, 1] = 7
    assert source[1, 0] == 7
    for dtype in (fg.bool, fg.uint8, fg.int32, fg.int64, fg.float32, fg.float64, fg.complex64, fg.complex128):
        there = torch.from_dlpack(fg.ones((2, 0, 3), dtype=dtype))
        back = fg.from_dlpack(there, copy=True)
        assert (back.shape, back.dtype) == ((2, 0, 3), dtype) and there.shape == (2, 0, 3)
    with pytest.raises(fg.NotDifferentiableError, match=r"x\.detach\(\)"):
        torch.from_dlpack(x)
    with pytest.raises(Exception, match=r"tensor\.detach\(\)"):
        fg.from_dlpack(torch.ones(2, requires_grad=True))


# --- xarray ---

XARRAY = {
    "a + 1": lambda a, xr: a + 1,
    "1 - a": lambda a, xr: 1 - a,
    "a * array": lambda a, xr: xr.DataArray(A[:, 0], dims="t") * a,
    "a @ b": lambda a, xr: a @ (2 * a).T,
    "np.exp": lambda a, xr: np.exp(a),
    "apply_ufunc": lambda a, xr: xr.apply_ufunc(fg.tanh, a),
    "sum": lambda a, xr: a.sum(),
    "sum over one": lambda a, xr: a.sum("t"),
    "mean": lambda a, xr: a.mean("s", skipna=False),
    "var": lambda a, xr: a.var("t", skipna=False),
    "max": lambda a, xr: a.max("t", skipna=False),
    "cumsum": lambda a, xr: a.cumsum("t", skipna=False),
    "isel": lambda a, xr: a.isel(t=[0, 2], s=slice(1, 3)),
    "sel": lambda a, xr: a.sel(t=20),
    "where": lambda a, xr: a.where(a > 0, 0),
    "fillna": lambda a, xr: a.fillna(0),
    "stack": lambda a, xr: a.stack(z=("t", "s")),
    "transpose": lambda a, xr: a.transpose("s", "t"),
    "concat": lambda a, xr: xr.concat([a, a], "t"),
    "shift": lambda a, xr: a.shift(t=1, fill_value=0),
    "roll": lambda a, xr: a.roll(t=1),
    "diff": lambda a, xr: a.diff("t"),
    "pad": lambda a, xr: a.pad(t=1, constant_values=1),
    "clip": lambda a, xr: a.clip(-0.5, 0.5),
    "integrate": lambda a, xr: a.integrate("t"),
    "weighted": lambda a, xr: a.weighted(xr.DataArray([1.0, 2, 3], dims="t")).mean("t"),
    "rolling": lambda a, xr: a.rolling(s=2).construct("w", fill_value=0).sum("w", skipna=False),
    "dataset": lambda a, xr: xr.Dataset({"a": a, "b": 2 * a}).sum()["b"],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", XARRAY)
def test_xarray_computes_with_tensors(name, x):
    xr = pytest.importorskip("xarray")

    def array(data):
        return xr.DataArray(data, dims=("t", "s"), coords={"t": [10, 20, 30]})

    wanted, got = XARRAY[name](array(A), xr), XARRAY[name](array(x), xr)
    assert isinstance(got.data, fg.Tensor) and got.data.requires_grad and got.dims == wanted.dims
    np.testing.assert_allclose(got.data.detach().numpy(), wanted.values, rtol=1e-14)
    fg.testing.check_grads(lambda t: XARRAY[name](array(t), xr).data, (A,), order=1)


def test_xarray_says_how_to_get_values(x):
    xr = pytest.importorskip("xarray")
    with pytest.raises(fg.NotDifferentiableError, match=r"x\.detach\(\)"):
        _ = xr.DataArray(x).values
    assert xr.DataArray(x.detach()).values.tolist() == A.tolist()
    assert "tensor" in repr(xr.DataArray(x))


# --- libraries that convert to arrays ---


def accept(x, *calls):
    """Check that each call accepts a constant as it does an array, and raises for a Tensor that is recorded."""
    for call in calls:
        call(A)
        call(x.detach())
        with pytest.raises(fg.NotDifferentiableError, match=r"x\.detach\(\)"):
            call(x)


def test_pandas(x):
    pd = pytest.importorskip("pandas")
    accept(
        x, pd.DataFrame, lambda x: pd.DataFrame(x, columns=list("abcd")), lambda x: pd.DataFrame({"a": x[0]}),
        lambda x: pd.Series(x[0]), lambda x: pd.Index(x[0]), lambda x: pd.Series(A[0]) * x[0], lambda x: pd.isna(x),
        lambda x: pd.DataFrame({"a": [1, 2, 3, 4]}).assign(b=x[0]), lambda x: pd.cut(x[0], 3),
    )  # fmt: skip
    frame = pd.DataFrame(A)
    assert fg.asarray(frame).tolist() == fg.tensor(frame).tolist() == A.tolist()
    assert x[frame[0] > 0].requires_grad and fg.asarray(frame[1], dtype=fg.float32).dtype == np.float32


@pytest.mark.filterwarnings("ignore")
def test_matplotlib(x):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    accept(
        x, axes.plot, lambda x: axes.plot(x[0], x[1], "o"), lambda x: axes.scatter(x[0], x[1], c=x[2]),
        axes.imshow, lambda x: axes.hist(x[0]), lambda x: axes.bar(x[0], x[1]), axes.contour, axes.pcolormesh,
        lambda x: axes.errorbar(x[0], x[1], yerr=abs(x[2])), lambda x: axes.fill_between(x[0], x[1], x[2]),
        axes.boxplot, lambda x: axes.step(x[0], x[1]), lambda x: plt.cm.viridis(x), lambda x: axes.axhline(x[0, 1]),
    )  # fmt: skip
    figure.canvas.draw()
    plt.close(figure)


@pytest.mark.filterwarnings("ignore")
def test_scikit_learn(x):
    pytest.importorskip("sklearn")
    from sklearn import cluster, decomposition, linear_model, metrics, model_selection, preprocessing

    y = [0, 1, 1]
    accept(
        x, lambda x: linear_model.LinearRegression().fit(x, x[:, 0]).predict(x),
        lambda x: linear_model.LogisticRegression().fit(x, y).predict_proba(x),
        lambda x: cluster.KMeans(2, n_init=1).fit_predict(x), lambda x: decomposition.PCA(2).fit_transform(x),
        lambda x: preprocessing.StandardScaler().fit_transform(x), lambda x: metrics.mean_squared_error(x, 2 * x),
        lambda x: metrics.r2_score(x[:, 0], x[:, 1]),
    )  # fmt: skip
    train, _ = model_selection.train_test_split(x, test_size=1)
    assert isinstance(train, fg.Tensor) and train.requires_grad and metrics.accuracy_score(fg.tensor(y), y) == 1
