"""Wrong calls that newcomers from PyTorch make, and what the warning or the error says."""

import warnings

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.errors import BadSetting, DTypeError, IndexingError, PyTorchSpellingWarning, StateError
from fastgrad.utils import data

X = fg.tensor([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]])


# --- max, min and sort return one tensor ---


def first_and_second_function():
    _, index = fg.max(X, 1)
    return index


def first_and_second_method():
    _, index = fg.softmax(X, 1).max(1)
    return index


def over_lines():
    values, index = X.min(
        -1,
    )
    return values, index


def of_sort():
    _, order = fg.sort(X, 1)
    return order


@pytest.mark.parametrize(("call", "text"), [
    (first_and_second_function, "max.. returns the values only.*use dim= for both, or fg.argmax for the indices"),
    (first_and_second_method, "max.. returns the values only"),
    (over_lines, "min.. returns the values only.*fg.argmin"),
    (of_sort, "sort.. returns the values only.*use fg.argsort"),
])  # fmt: skip
def test_unpacking_values_as_a_pair_warns(call, text):
    for _ in range(2):
        with pytest.warns(PyTorchSpellingWarning, match=text) as caught:
            call()
        assert caught[0].filename == __file__


def test_unpacking_three_values_as_a_pair_warns_before_the_error():
    with (
        pytest.raises(ValueError, match="too many values to unpack"),
        pytest.warns(PyTorchSpellingWarning, match="max.. returns the values only"),
    ):
        _, _ = fg.max(X.T, 1)


def test_other_unpacking_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a, b = X
        low, high = X.max(axis=1)
        assert (low.item(), high.item()) == (3, 6)
        both = X.max(1)
        low, high = both
        low, high = fg.relu(X.max(1))
        values, indices = X.max(dim=1)
        assert indices.tolist() == [0, 1] and values.tolist() == [3, 6]
        a, b = X.sum(1)
        a, b, c = X.max(0)
        assert (a.item(), b.item(), c.item()) == (4, 6, 5)
        assert [v.item() for v in X.max(1)] == [3, 6]


# --- softmax without an axis ---


@pytest.mark.parametrize("Layer", [nn.Softmax, nn.LogSoftmax, nn.Softmin])
def test_softmax_without_an_axis_warns_where_pytorch_takes_another_one(Layer):
    for shape, axis in (((2, 3, 4), 0), ((2, 3, 4, 5), 1)):
        x = fg.ones(shape)
        text = rf"{Layer.__name__}\(\).*the last one; PyTorch takes axis {axis}"
        with pytest.warns(PyTorchSpellingWarning, match=text):
            y = Layer()(x)
        np.testing.assert_array_equal(y.numpy(), Layer(dim=-1)(x).numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for x in (X, X[0]):
            np.testing.assert_array_equal(Layer()(x).numpy(), Layer(-1)(x).numpy())


# --- names that are elsewhere ---


@pytest.mark.parametrize(("read", "text"), [
    (lambda: fg.relu6, "'fastgrad' has no attribute 'relu6': use fg.nn.functional.relu6"),
    (lambda: fg.Linear, "use fg.nn.Linear"),
    (lambda: fg.Adam, "use fg.optim.Adam"),
    (lambda: fg.xavier_uniform_, "use fg.nn.init.xavier_uniform_"),
    (lambda: fg.DataLoader, "use fg.utils.data.DataLoader"),
    (lambda: nn.mse_loss, "'fastgrad.nn' has no attribute 'mse_loss': use fg.nn.functional.mse_loss"),
    (lambda: nn.clip_grad_norm_, "use fg.optim.clip_grad_norm_"),
    (lambda: nn.tensor, "use fg.tensor"),
    (lambda: nn.functional.Linear, "'fastgrad.nn.functional' has no attribute 'Linear': use fg.nn.Linear"),
    (lambda: nn.functional.ctc_loss, "'ctc_loss': there is no rule"),
    (lambda: nn.functional.no_such_name, "has no attribute 'no_such_name'$"),
    (lambda: fg.optim.StepLr, "has no attribute 'StepLr'$"),
])  # fmt: skip
def test_a_name_that_is_elsewhere(read, text):
    with pytest.raises(AttributeError, match=text):
        read()


# --- data loaders and files ---


def test_a_loader_with_workers_warns_and_gives_the_same_batches():
    rows = data.TensorDataset(fg.arange(6))
    with pytest.warns(UserWarning, match="num_workers=2 and persistent_workers=True have no effect: batches are made"):
        loader = data.DataLoader(rows, 4, num_workers=2, persistent_workers=True)
    with pytest.warns(UserWarning, match="timeout=3 has no effect"):
        data.DataLoader(rows, timeout=3)
    assert [x.tolist() for (x,) in loader] == [[0, 1, 2, 3], [4, 5]] and loader.num_workers == 2
    for bad in (-1, 1.5, "2"):
        with pytest.raises(BadSetting, match="num_workers must be an int of at least 0"):
            data.DataLoader(rows, num_workers=bad)


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "model.CKPT"])
def test_files_of_pytorch(name, tmp_path):
    for call in (lambda: fg.load(tmp_path / name), lambda: fg.save(nn.Linear(2, 1), tmp_path / name)):
        with pytest.raises(StateError, match=r"PyTorch's files are pickles.*\.npz or \.safetensors.*numpy.savez"):
            call()
    assert not list(tmp_path.iterdir())


# --- a loop that collects results in a tensor ---


def test_cat_leaves_out_empty_vectors():
    collected = fg.FloatTensor()
    for k in range(3):
        collected = fg.cat((collected, X * k), 0)
    assert collected.shape == (6, 3) and collected.dtype == X.dtype
    np.testing.assert_array_equal(collected.numpy(), fg.concat([X * 0, X, X * 2]).numpy())
    assert fg.cat([X, X], dim=1).shape == fg.cat([X, X], axis=-1).shape == (2, 6)
    assert fg.cat([fg.zeros(0), fg.zeros(0)]).shape == (0,)
    with pytest.raises(fg.ShapeError):
        fg.cat([fg.zeros((0, 2)), X])
    w = fg.tensor([1.0, 2.0], requires_grad=True)
    fg.cat([fg.zeros(0), w * 3]).sum().backward()
    assert w.grad.tolist() == [3, 3]


# --- errors that were those of the machinery below ---


@pytest.mark.parametrize(("call", "kind", "text"), [
    (lambda: nn.init.uniform_(3), DTypeError, "uniform_ fills a Tensor, such as layer.weight, got int"),
    (lambda: nn.init.xavier_uniform_([1.0]), DTypeError, "xavier_uniform_ fills a Tensor.*got list"),
    (lambda: nn.init.zeros_(nn.Linear(2, 1)), DTypeError, "zeros_ fills a Tensor.*got Linear"),
    (lambda: nn.init.ones_(None), DTypeError, "ones_ fills a Tensor"),
    (lambda: nn.init.constant_(2, 1), DTypeError, "constant_ fills a Tensor"),
    (lambda: nn.init.orthogonal_(3), DTypeError, "orthogonal_ fills a Tensor"),
    (lambda: nn.init.trunc_normal_(3), DTypeError, "trunc_normal_ fills a Tensor"),
    (lambda: fg.arange(1, 2, 0), BadSetting, "arange: step must not be 0"),
    (lambda: fg.topk(X, 4), IndexingError, "topk: k must be from 0 to 3, the length of axis 1, got 4"),
    (lambda: fg.chunk(X, 0), BadSetting, "chunk: chunks must be at least 1, got 0"),
    (lambda: X.split(0), BadSetting, "split: split_size must be at least 1, got 0"),
    (lambda: fg.tensor("abc"), DTypeError, "cannot hold str, only"),
    (lambda: fg.tensor(None), DTypeError, "cannot hold objects, such as None"),
    (lambda: fg.cat(X, X), DTypeError, r"takes a sequence of tensors and an axis, got two tensors: use fg.cat\(\(x, y"),
    (lambda: fg.cat([]), fg.ShapeError, "at least one"),
    (lambda: fg.concat(X, X), DTypeError, "an index, an axis or a count"),
    (lambda: nn.ReLU(X), DTypeError, r"nn.ReLU takes options, got a Tensor: make the module first.*nn.ReLU\(\)\(x\)"),
    (lambda: nn.MSELoss(X, X), DTypeError, "nn.MSELoss takes options, got a Tensor"),
    (lambda: nn.CrossEntropyLoss(X, X), DTypeError, "nn.CrossEntropyLoss takes options"),
    (lambda: nn.Softmax(X), DTypeError, "nn.Softmax takes options"),
    (lambda: nn.functional.pad(X, 3), fg.ShapeError, "pad must be pairs"),
    (lambda: X.to("float16"), DTypeError, "cannot hold float16"),
    (lambda: nn.Linear(2, 1).to("gpu"), fg.devices.DeviceError, "computes on the CPU, got device 'gpu'"),
])  # fmt: skip
def test_errors_say_what_was_wanted(call, kind, text):
    with pytest.raises(kind, match=text):
        call()
