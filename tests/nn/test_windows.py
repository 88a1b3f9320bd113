"""Convolution and pooling: kernels against rules with several tiles, ties and NaN, layers, errors."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.errors import DTypeError, ShapeError
from fastgrad.nn import functional as F
from fastgrad.rules import RULES
from tests.support.against_rules import COMPILED, DTYPES, TOLERANCE, kernels, without_rule
from tests.support.references_networks import conv

CASES = [
    ((9, 4, 40, 44), (6, 4, 3, 3), {"padding": 1}),  # several tiles of several samples
    ((2, 12, 90, 85), (4, 12, 5, 5), {"padding": (2, 0)}),  # several tiles in a sample
    ((2, 12, 90, 85), (4, 6, 5, 5), {"stride": (2, 3), "groups": 2, "padding": "valid"}),
    ((1, 3, 64, 70), (5, 3, 7, 3), {"dilation": (3, 2), "padding": "same"}),
    ((64, 16, 4, 4), (32, 16, 3, 3), {"padding": 1}),
    ((3, 8, 9, 70), (8, 1, 3, 3), {"groups": 8, "padding": ((0, 2), (3, 1))}),
]


@kernels
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("x_shape", "w_shape", "params"), CASES)
def test_tiles_make_no_difference(x_shape, w_shape, params, dtype):
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=s).astype(dtype) for s in (x_shape, w_shape, w_shape[:1])]
    rule = RULES["conv2d"]
    operands, full = rule.bind(arrays, params)
    wanted = rule.forward(*operands, **full)
    xs = [fg.tensor(a, requires_grad=True) for a in arrays]
    with without_rule("conv2d", "conv_input", "conv_weight"):
        y = F.conv2d(*xs, **params)
    tolerance = 10 * TOLERANCE[dtype] * np.abs(wanted).max()
    np.testing.assert_allclose(y.detach().numpy(), wanted, atol=tolerance, rtol=0)
    g = rng.normal(size=wanted.shape).astype(dtype)
    gx = RULES["conv_input"].forward(g, arrays[1], x_shape[2:], **full)
    gw = RULES["conv_weight"].forward(arrays[0], g, w_shape[2:], **full)
    with without_rule("conv2d", "conv_input", "conv_weight"):
        found = fg.gradients(y, xs, g, retain_graph=True)
        alone = [fg.gradients(y, [x], g, retain_graph=True)[0] for x in xs]
    for got, single, right in zip(found, alone, (gx, gw, g.sum((0, 2, 3))), strict=True):
        scale = np.abs(right).max()
        np.testing.assert_allclose(got.numpy(), right, atol=20 * TOLERANCE[dtype] * scale, rtol=0)
        np.testing.assert_array_equal(got.numpy(), single.numpy())


def test_gradients_add_up_where_an_operand_is_used_twice():
    rng = np.random.default_rng(2)
    x, w = (fg.tensor(rng.normal(size=s), requires_grad=True) for s in ((2, 2, 5, 5), (2, 2, 3, 3)))
    once = lambda: F.conv2d(x, w, padding=1)
    y, z = once(), F.max_pool2d(x, 2) + F.avg_pool2d(x, 2)
    a, b = rng.normal(size=y.shape), rng.normal(size=z.shape)
    parts = [*fg.gradients(y, [x, w], a), *fg.gradients(z, [x], b)]
    ((once() * a).sum() + (once() * a).sum() + ((F.max_pool2d(x, 2) + F.avg_pool2d(x, 2)) * b).sum()).backward()
    np.testing.assert_allclose(w.grad.numpy(), 2 * parts[1].numpy(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(x.grad.numpy(), 2 * parts[0].numpy() + parts[2].numpy(), rtol=1e-12, atol=1e-13)


def test_a_convolution_is_differentiable_to_the_third_order():
    rng = np.random.default_rng(3)
    w, x = rng.normal(size=(2, 1, 2, 2)) / 2, rng.normal(size=(1, 2, 3, 3)) / 2
    fg.testing.check_grads(lambda x, w: (F.conv2d(x, w, groups=2) ** 3).sum(), (x, w), order=3)


@pytest.mark.parametrize("size", [(4, 4), (6, 40), (5, 7)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_of_a_tie_the_first_element_gets_the_gradient_and_nan_wins(size, dtype):
    rng = np.random.default_rng(4)
    x = rng.integers(0, 2, size=(3, *size)).astype(dtype)  # nothing but ties
    x[1, 0, 1] = x[1, 1, 0] = x[1, 3, 3] = np.nan
    leaf = fg.tensor(x, requires_grad=True)
    y = F.max_pool2d(leaf, 2)
    g = rng.normal(size=y.shape).astype(dtype)
    (gx,) = fg.gradients(y, [leaf], g)
    h, w = y.shape[1:]
    four = x[:, : 2 * h, : 2 * w].reshape(3, h, 2, w, 2).transpose(0, 1, 3, 2, 4).reshape(3, h, w, 4)
    np.testing.assert_array_equal(y.detach().numpy(), four.max(-1))
    wanted = np.zeros_like(x)
    for p in np.ndindex(*y.shape):
        k = int(np.argmax(four[p]))  # NumPy's too is the first NaN, or the first of the largest
        wanted[p[0], 2 * p[1] + k // 2, 2 * p[2] + k % 2] = g[p]
    np.testing.assert_array_equal(gx.numpy(), wanted)
    y = F.max_pool2d(leaf, 2)
    (by_rule,) = fg.gradients(y, [leaf], g, create_graph=True)
    np.testing.assert_array_equal(by_rule.detach().numpy(), wanted)


def test_minus_infinity_is_an_element_and_padding_is_none():
    x = fg.tensor(np.full((1, 2, 2), -np.inf), requires_grad=True)
    y = F.max_pool2d(x, 2, padding=1)
    assert y.tolist() == [[[-np.inf] * 2] * 2]
    for create_graph in (False, True):
        (gx,) = fg.gradients(y, [x], np.ones((1, 2, 2)), retain_graph=True, create_graph=create_graph)
        assert gx.tolist() == [[[1.0, 1.0], [1.0, 1.0]]]


def test_pooling_of_one_axis_is_that_of_two():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(2, 3, 11))
    wanted = np.stack([x[..., 2 * k : 2 * k + 3].max(-1) for k in range(5)], -1)
    np.testing.assert_array_equal(F.max_pool1d(x, 3, 2).numpy(), wanted)
    wanted = np.stack([x[..., 3 * k : 3 * k + 3].mean(-1) for k in range(3)], -1)
    np.testing.assert_allclose(F.avg_pool1d(x, 3).numpy(), wanted, rtol=1e-14)
    assert F.avg_pool1d(x, 3, 1, padding=1, count_include_pad=False).numpy()[0, 0, 0] == x[0, 0, :2].mean()
    assert F.max_pool1d(x, 3, 1, padding=1, dilation=2).shape == (2, 3, 9)


def test_integers_and_mixed_dtypes_go_through_the_rule():
    x, w = np.arange(16).reshape(1, 1, 4, 4), np.ones((1, 1, 2, 2), int)
    np.testing.assert_array_equal(F.conv2d(x, w).numpy(), conv(x, w))
    assert F.max_pool2d(x, 2, padding=1).tolist() == [[[[0, 2, 3], [8, 10, 11], [12, 14, 15]]]]
    assert F.avg_pool2d(x, 2).tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]
    wide = fg.tensor(w, dtype=float, requires_grad=True)
    y = F.conv2d(x.astype(np.float32), wide)
    y.sum().backward()
    assert y.dtype == wide.grad.dtype == np.float64


def test_layers_compute_what_their_functions_do():
    x = np.random.default_rng(6).normal(size=(2, 4, 9, 8))
    layer = nn.Conv2d(4, 6, (3, 2), stride=2, padding=(1, 0), groups=2, rng=1)
    np.testing.assert_array_equal(
        layer(x).detach().numpy(), F.conv2d(x, layer.weight, layer.bias, 2, (1, 0), groups=2).detach().numpy()
    )
    assert [(n, p.shape) for n, p in layer.named_parameters()] == [("weight", (6, 2, 3, 2)), ("bias", (6,))]
    assert repr(layer) == "Conv2d(4, 6, kernel_size=(3, 2), stride=(2, 2), padding=(1, 0), groups=2)"
    assert abs(layer.weight.detach().numpy()).max() <= 1 / np.sqrt(12)
    line = nn.Conv1d(8, 2, 3, padding="same", bias=False, dtype=np.float32)
    assert line.bias is None
    assert line(x[:, 0].astype(np.float32).swapaxes(1, 2)).dtype == np.float32
    assert repr(line) == "Conv1d(8, 2, kernel_size=(3,), stride=(1,), padding=same, bias=False)"
    for pool, function in (nn.MaxPool2d(3, 2, 1), F.max_pool2d), (nn.AvgPool2d(3, 2, 1), F.avg_pool2d):
        np.testing.assert_array_equal(pool(x).numpy(), function(x, 3, 2, 1).numpy())
    for pool, function in (nn.MaxPool1d(3, 2, 1), F.max_pool1d), (nn.AvgPool1d(3, 2, 1), F.avg_pool1d):
        np.testing.assert_array_equal(pool(x).numpy(), function(x, 3, 2, 1).numpy())
    assert repr(nn.MaxPool2d(2)) == "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1)"


X, W = np.ones((2, 4, 5, 5)), np.ones((6, 4, 3, 3))
REFUSED = [
    (
        lambda: F.conv2d(X[0], W),
        r"\(4, 5, 5\) and \(6, 4, 3, 3\), but the input must be \(batch, channels, height, width\)",
    ),
    (lambda: F.conv1d(X, W), r"but the input must be \(batch, channels, length\).*use x\[None\]"),
    (lambda: F.conv2d(X, W[:, :3]), r"an input of 4 channels, a weight of shape \(6, 3, 3, 3\) and groups=1"),
    (lambda: F.conv2d(X, W, groups=3), "groups=3: groups must divide the channels"),
    (lambda: F.conv2d(X, W, groups=0), "groups must be an int of at least 1, got 0"),
    (lambda: F.conv2d(X, W, np.ones(5)), r"a bias of shape \(5,\), but a weight of shape \(6, 4, 3, 3\) needs shape"),
    (lambda: F.conv2d(X, W, stride=0), "stride must be an int of at least 1, or a tuple of 2 of them, got 0"),
    (lambda: F.conv2d(X, W, stride=(1, 2, 3)), r"stride must .*, got \(1, 2, 3\)"),
    (lambda: F.conv2d(X, W, padding=-1), "padding must be an int of at least 0.*same.*got -1"),
    (lambda: F.conv2d(X, W, padding="some"), "padding must .*, got 'some'"),
    (lambda: F.conv2d(X, W, padding="same", stride=2), r'padding="same" needs stride=1, got stride=\(2, 2\)'),
    (
        lambda: F.conv2d(X, W, dilation=3),
        r"a kernel of \(3, 3\) with dilation \(3, 3\) does not fit into an",
    ),
    (lambda: F.conv2d(X, W, dilation=0.5), "dilation must .*, got 0.5"),
    (lambda: F.max_pool2d(X, 6), r"a kernel of \(6, 6\).*does not fit.*\(5, 5\) with padding"),
    (lambda: F.max_pool2d(X, 2, padding=2), r"is more than half of the kernel \(2, 2\).*or fg.pad"),
    (lambda: F.max_pool2d(X, 2, padding="same"), "padding='same' is more than half"),
    (lambda: F.avg_pool2d(X, 0), "kernel_size must be an int of at least 1.*got 0"),
    (lambda: F.avg_pool2d(X[0, 0, 0], 2), r"avg_pool2d: got shape \(5,\), but the input must be"),
    (lambda: F.max_pool2d(np.ones((1, 1)), (2, 1), padding=(1, 0), dilation=(2, 1)), "would contain padding only"),
    (lambda: F.max_pool1d(X, 2, stride=0), "max_pool1d: stride must be"),
    (lambda: F.max_pool1d(np.ones(()), 2), r"max_pool1d: got shape \(\).*length"),
    (lambda: nn.Conv2d(4, 6, 3, groups=4), "groups=4: it must divide in_channels=4 and out_channels=6"),
    (lambda: nn.Conv1d(4, 6, 0), "Conv1d: kernel_size must be"),
]


@pytest.mark.parametrize(("call", "words"), REFUSED)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ShapeError, match=words):
        call()


@pytest.mark.parametrize("huge", [2**31, 2**62])
def test_huge_parameters_are_computed_or_refused(huge):
    x, w = np.ones((1, 1, 4, 4)), np.ones((1, 1, 2, 2))
    assert F.conv2d(x, w, stride=huge).tolist() == F.max_pool2d(4 * x, 2, stride=huge).tolist() == [[[[4.0]]]]
    for call in (
        lambda: F.conv2d(x, w, padding=huge, stride=huge),
        lambda: F.conv2d(x, w, dilation=huge),
        lambda: F.avg_pool2d(x, huge),
    ):
        with pytest.raises((ValueError, MemoryError, OverflowError)):
            call()


def test_the_largest_complex_number_is_refused():
    with pytest.raises(DTypeError, match="max_pool2d takes real numbers"):
        F.max_pool2d(X * 1j, 2)


def test_an_op_that_is_read_later_comes_back_from_a_pickle():
    code = f"import pickle; f = pickle.loads({pickle.dumps(F.conv2d)!r}); print(f.__name__)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "conv2d\n"


@pytest.mark.skipif(not COMPILED, reason="of the compiled engine")
def test_a_conv_net_runs_on_kernels_alone():
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d(2), nn.Flatten())
    names = [name for name in RULES if name != "max_pool2d"]
    with without_rule(*names, "max_pool2d"):
        net(np.ones((3, 1, 8, 8))).sum().backward()
    assert net[0].weight.grad is not None
