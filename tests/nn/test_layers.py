"""Layers and initializers: values against formulas written by hand, gradients, and errors."""

import math

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.errors import DTypeError, ShapeError
from fastgrad.nn import functional as F
from fastgrad.nn import init

rng = np.random.default_rng(3)
X = rng.normal(size=(6, 4))


def normalized(x, axis, eps=1e-5):
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + eps)


def test_linear():
    layer = nn.Linear(4, 3, rng=1)
    w, b = (p.detach().numpy() for p in layer.parameters())
    np.testing.assert_allclose(layer(X).numpy(), X @ w.T + b)
    assert np.abs(w).max() <= 0.5 and np.abs(b).max() <= 0.5 and w.std() > 0.1
    layer(X).sum().backward()
    np.testing.assert_allclose(layer.weight.grad.numpy(), np.tile(X.sum(0), (3, 1)))
    assert F.linear(np.ones((2, 5, 4)), layer.weight, layer.bias).shape == (2, 5, 3)
    with pytest.raises(ShapeError, match="do not fit"):
        layer(np.ones((2, 5)))


def test_layer_norm():
    layer = nn.LayerNorm(4)
    nn.init.normal_(layer.weight, rng=0)
    nn.init.normal_(layer.bias, rng=1)
    w, b = (p.detach().numpy() for p in layer.parameters())
    np.testing.assert_allclose(layer(X).numpy(), normalized(X, 1) * w + b, rtol=1e-12)
    x = rng.normal(size=(2, 3, 4))
    np.testing.assert_allclose(nn.LayerNorm((3, 4))(x).numpy(), normalized(x, (1, 2)), rtol=1e-12)
    assert not list(nn.LayerNorm(4, elementwise_affine=False).parameters())
    assert [n for n, _ in nn.LayerNorm(4, bias=False).named_parameters()] == ["weight"]
    with pytest.raises(ShapeError, match=r"the shape \(2, 5\) does not end with normalized_shape=\(4,\)"):
        layer(fg.asarray(np.ones((2, 5))))
    with pytest.raises(ShapeError, match=r"weight has shape \(3,\), but normalized_shape=\(4,\)"):
        F.layer_norm(X, 4, np.ones(3))
    fg.testing.check_grads(lambda x, w, b: F.layer_norm(x, 4, w, b), (X, w, b))


def test_layer_norm_of_one_tensor_in_three_places():
    """One leaf is x, weight and bias, and the three parts of its gradient are added."""
    values = rng.normal(size=7)
    x, w, b = (fg.tensor(values, requires_grad=True) for _ in range(3))
    parts = fg.gradients(F.layer_norm(x, 7, w, b), (x, w, b), values)
    one = fg.tensor(values, requires_grad=True)
    (whole,) = fg.gradients(F.layer_norm(one, 7, one, one), one, values)
    np.testing.assert_allclose(whole.numpy(), sum(g.numpy() for g in parts), rtol=1e-13)


@pytest.mark.parametrize("n", [1, 5, 8, 31, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layer_norm_of_rows_of_any_length(n, dtype):
    x, g = rng.normal(3, 2, (2, 4, n)).astype(dtype)
    w, b = rng.normal(size=(2, n)).astype(dtype)
    leaves = [fg.tensor(a, requires_grad=True) for a in (x, w, b)]
    y = F.layer_norm(leaves[0], n, leaves[1], leaves[2])
    exact = [fg.tensor(a.astype(float), requires_grad=True) for a in (x, w, b)]
    z = (exact[0] - exact[0].mean(-1, keepdims=True)) / (exact[0].var(-1, keepdims=True) + 1e-5).sqrt()
    z = z * exact[1] + exact[2]
    rtol = 1e-10 if dtype is np.float64 else 2e-4
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=rtol, atol=rtol)
    for got, want in zip(fg.gradients(y, leaves, g), fg.gradients(z, exact, g.astype(float))):
        assert got.dtype == dtype
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=rtol, atol=20 * rtol)


@pytest.mark.parametrize(
    ("layer", "shape"), [(nn.BatchNorm1d, (6, 3)), (nn.BatchNorm1d, (2, 3, 4)), (nn.BatchNorm2d, (2, 3, 4, 5))]
)
def test_batch_norm(layer, shape):
    layer = layer(3)
    init.normal_(layer.weight, rng=0)
    init.normal_(layer.bias, rng=1)
    axes = (0, *range(2, len(shape)))
    across = (3,) + (1,) * (len(shape) - 2)
    w, b = (p.detach().numpy().reshape(across) for p in layer.parameters())
    mean, var = np.zeros(3), np.ones(3)
    for _ in range(3):
        x = rng.normal(2, 3, shape)
        y = layer(fg.asarray(x))
        np.testing.assert_allclose(y.numpy(), normalized(x, axes) * w + b, rtol=1e-11, atol=1e-12)
        mean, var = 0.9 * mean + 0.1 * x.mean(axes), 0.9 * var + 0.1 * x.var(axes, ddof=1)
    np.testing.assert_allclose(layer.running_mean.numpy(), mean)
    np.testing.assert_allclose(layer.running_var.numpy(), var)
    assert layer.num_batches_tracked.item() == 3
    layer.eval()
    wanted = (x - mean.reshape(across)) / np.sqrt(var.reshape(across) + 1e-5) * w + b
    np.testing.assert_allclose(layer(fg.asarray(x)).numpy(), wanted, rtol=1e-11, atol=1e-12)
    assert layer.num_batches_tracked.item() == 3
    for training in (True, False):
        fg.testing.check_grads(
            lambda x, w, b: F.batch_norm(x, layer.running_mean.numpy(), layer.running_var.numpy(), w, b, training)  # noqa: B023
            if not training else F.batch_norm(x, None, None, w, b, True),  # noqa: B023
            (x, w.ravel(), b.ravel()),
            order=1,
        )  # fmt: skip


@pytest.mark.parametrize("shape", [(2, 1), (9, 5), (300, 4), (3, 2, 7), (2, 3, 4, 4), (2, 2, 33)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_norm_of_batches_of_any_shape(shape, dtype):
    x, g = rng.normal(3, 2, (2, *shape)).astype(dtype)
    w, b = rng.normal(size=(2, shape[1])).astype(dtype)
    axes, across = (0, *range(2, len(shape))), (shape[1],) + (1,) * (len(shape) - 2)
    leaves = [fg.tensor(a, requires_grad=True) for a in (x, w, b)]
    mean, var = fg.asarray(np.zeros(shape[1], dtype)), fg.asarray(np.ones(shape[1], dtype))
    y = F.batch_norm(leaves[0], mean, var, leaves[1], leaves[2], True, 1.0)
    exact = [fg.tensor(a.astype(float), requires_grad=True) for a in (x, w, b)]
    z = exact[0] - exact[0].mean(axes, keepdims=True)
    z = z / ((z * z).mean(axes, keepdims=True) + 1e-5).sqrt()
    z = z * exact[1].reshape(across) + exact[2].reshape(across)
    rtol = 1e-9 if dtype is np.float64 else 1e-3
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(mean.numpy(), x.mean(axes), rtol=rtol)
    np.testing.assert_allclose(var.numpy(), x.var(axes, ddof=1), rtol=rtol)
    for got, want in zip(fg.gradients(y, leaves, g), fg.gradients(z, exact, g.astype(float))):
        assert got.dtype == dtype
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=rtol, atol=20 * rtol)
    again = fg.asarray(np.zeros(shape[1], dtype))
    with fg.no_grad():  # nothing is recorded, so nothing was kept
        F.batch_norm(x, again, None, training=True, momentum=1.0)
    np.testing.assert_allclose(again.numpy(), mean.numpy(), rtol=rtol)


def test_batch_norm_of_one_tensor_in_two_places():
    values = rng.normal(size=(3, 3))
    one = fg.tensor(values[0], requires_grad=True)
    parts = [fg.tensor(values[0], requires_grad=True) for _ in range(2)]
    made = lambda w, b: F.batch_norm(values, None, None, w, b, True)
    (whole,) = fg.gradients(made(one, one), one, values)
    np.testing.assert_allclose(
        whole.numpy(), sum(g.numpy() for g in fg.gradients(made(*parts), parts, values)), rtol=1e-13
    )


def test_batch_norm_without_momentum_averages_all_batches():
    layer = nn.BatchNorm1d(2, momentum=None)
    batches = rng.normal(size=(4, 5, 2))
    for x in batches:
        layer(fg.asarray(x))
    np.testing.assert_allclose(layer.running_mean.numpy(), batches.mean((0, 1)))
    untracked = nn.BatchNorm1d(2, track_running_stats=False, affine=False).eval()
    np.testing.assert_allclose(untracked(fg.asarray(x)).numpy(), normalized(x, 0))
    assert not untracked.state_dict()


def test_batch_norm_refuses_what_it_cannot_normalize():
    layer = nn.BatchNorm1d(3)
    with pytest.raises(
        ShapeError, match=r"BatchNorm1d\(3, .*takes shape \(batch, 3\) or \(batch, 3, ...\), got \(2, 4\)"
    ):
        layer(fg.asarray(np.ones((2, 4))))
    with pytest.raises(ShapeError, match=r"\(1, 3\) has 1 value\(s\) per channel, training needs two"):
        layer(fg.asarray(np.ones((1, 3))))
    with pytest.raises(ValueError, match="training=False needs running_mean and running_var"):
        F.batch_norm(X)
    with pytest.raises(ShapeError, match=r"bias has shape \(3,\), but there are 4 channels"):
        F.batch_norm(X, bias=np.ones(3), training=True)


def test_dropout_keeps_the_mean_and_its_seed():
    x = fg.tensor(np.ones(10_000), requires_grad=True)
    y = F.dropout(x, 0.3, rng=7)
    values = np.unique(y.detach().numpy())
    np.testing.assert_allclose(values, [0, 1 / 0.7])
    assert abs(y.detach().numpy().mean() - 1) < 0.03
    np.testing.assert_array_equal(F.dropout(x, 0.3, rng=7).detach().numpy(), y.detach().numpy())
    np.testing.assert_array_equal(fg.gradients(y.sum(), x)[0].numpy(), y.detach().numpy())
    layer = nn.Dropout(0.3, rng=7)
    assert (layer(x).detach().numpy() == y.detach().numpy()).all() and (
        layer(x).detach().numpy() != y.detach().numpy()
    ).any()
    assert layer.eval()(x) is x
    assert not F.dropout(x, 1.0).detach().numpy().any()
    assert F.dropout(np.ones(4, np.float32)).dtype == np.float32
    for wrong in (1.1, -0.1, math.nan):
        with pytest.raises(ValueError, match="must be a probability"):
            nn.Dropout(wrong)
        with pytest.raises(ValueError, match="must be a probability"):
            F.dropout(x, wrong)
    nn.seed(4)
    first = nn.Dropout()(x).detach().numpy()
    nn.seed(4)
    assert (nn.Dropout()(x).detach().numpy() == first).all()


def test_embedding():
    layer = nn.Embedding(5, 3, padding_idx=-1)
    assert repr(layer) == "Embedding(5, 3, padding_idx=4)" and not layer.weight.detach().numpy()[4].any()
    indices = np.array([[0, 4], [2, 0]], np.int32)
    y = layer(indices)
    np.testing.assert_array_equal(y.detach().numpy(), layer.weight.detach().numpy()[indices])
    y.sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy(), np.array([2, 0, 1, 0, 0])[:, None] * np.ones(3))
    assert layer(fg.asarray([1, 2])).shape == (2, 3)
    for wrong in ([5], [-1]):
        with pytest.raises(IndexError, match=f"index {wrong[0]} is out of range for 5 rows"):
            layer(wrong)
    with pytest.raises(DTypeError, match=r"indices must be integers, got float64: use indices.astype\(int\)"):
        layer([0.0])
    with pytest.raises(ValueError, match="padding_idx=9 is out of range for 5 rows"):
        nn.Embedding(5, 3, padding_idx=9)


def test_flatten():
    x = np.ones((2, 3, 4, 5))
    assert nn.Flatten()(x).shape == (2, 60)
    assert (
        F.flatten(x, 0).shape == (120,)
        and F.flatten(x, 1, 2).shape == (2, 12, 5)
        and F.flatten(x, -2).shape == (2, 3, 20)
    )
    with pytest.raises(ShapeError, match="axis 4 is out of bounds"):
        F.flatten(x, 4)
    with pytest.raises(ShapeError, match="start_dim=2 is after end_dim=1"):
        F.flatten(x, 2, 1)


@pytest.mark.parametrize(("module", "function"), [
    (nn.ReLU(), F.relu), (nn.Tanh(), F.tanh), (nn.Sigmoid(), F.sigmoid), (nn.GELU(), F.gelu), (nn.SiLU(), F.silu),
    (nn.LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2)), (nn.ELU(0.5), lambda x: F.elu(x, 0.5)),
    (nn.Softplus(), F.softplus), (nn.Softmax(0), lambda x: F.softmax(x, 0)), (nn.LogSoftmax(-1), F.log_softmax),
    (nn.LogSigmoid(), F.logsigmoid),
])  # fmt: skip
def test_activations_are_their_functions(module, function):
    x = fg.asarray(X)
    np.testing.assert_array_equal(module(x).numpy(), function(x).numpy())


def test_losses_are_their_functions():
    labels = np.array([0, 1, 2, 3, 0, 1])
    signs = np.sign(X)
    for reduction in ("mean", "sum", "none"):
        for loss, function, target in [
            (nn.CrossEntropyLoss, F.cross_entropy, labels), (nn.MSELoss, F.mse_loss, X + 1),
            (nn.BCEWithLogitsLoss, F.binary_cross_entropy_with_logits, (X > 0) * 1.0),
        ]:  # fmt: skip
            np.testing.assert_array_equal(
                loss(reduction=reduction)(X, target).numpy(), function(X, target, reduction=reduction).numpy()
            )
    assert nn.HingeLoss(0.5)(X, signs).item() == F.hinge_loss(X, signs, 0.5).item()
    assert nn.MulticlassHingeLoss()(X, labels).item() == F.multiclass_hinge_loss(X, labels).item()


# --- initializers


def drawn(f, shape=(200, 300), **keywords):
    x = fg.tensor(np.zeros(shape), requires_grad=True)
    assert f(x, rng=0, **keywords) is x
    return x.detach().numpy()


def test_initializers_have_the_spread_they_promise():
    a = math.sqrt(6 / 500)
    values = drawn(init.xavier_uniform_)
    assert a * 0.999 < np.abs(values).max() <= a
    assert drawn(init.xavier_normal_, gain=2.0).std() == pytest.approx(2 * math.sqrt(2 / 500), rel=0.02)
    bound = math.sqrt(2) * math.sqrt(3 / 300)
    assert bound * 0.999 < np.abs(drawn(init.kaiming_uniform_)).max() <= bound
    std = math.sqrt(2 / 1800)
    assert drawn(init.kaiming_normal_, (200, 50, 3, 3), mode="fan_out", nonlinearity="relu").std() == pytest.approx(
        std, rel=0.02
    )
    assert drawn(init.normal_, mean=3.0, std=2.0).mean() == pytest.approx(3, abs=0.05)
    values = drawn(init.uniform_, a=2.0, b=3.0)
    assert 2 <= values.min() < 2.01 and 2.99 < values.max() <= 3
    values = drawn(init.trunc_normal_, std=2.0)
    assert np.abs(values).max() <= 2 and values.std() == pytest.approx(2 * 0.5396, rel=0.02)
    x = fg.tensor(np.zeros((2, 2), np.float32), requires_grad=True)
    assert init.ones_(x).tolist() == [[1, 1], [1, 1]] and init.zeros_(x).tolist() == [[0, 0], [0, 0]]
    assert init.constant_(x, 0.5).tolist() == [[0.5, 0.5], [0.5, 0.5]] and x.requires_grad and x.is_leaf


@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (4, 4), (5, 2, 3)])
def test_orthogonal(shape):
    q = drawn(init.orthogonal_, shape, gain=2.0).reshape(shape[0], -1)
    q = q if q.shape[0] <= q.shape[1] else q.T
    np.testing.assert_allclose(q @ q.T, 4 * np.eye(len(q)), atol=1e-12)


def test_gains():
    gains = {"linear": 1, "conv2d": 1, "sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75}
    assert {name: init.calculate_gain(name) for name in gains} == gains
    assert init.calculate_gain("leaky_relu", 0.2) == math.sqrt(2 / 1.04)
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / 1.0001)
    with pytest.raises(ValueError, match=r"nonlinearity must be 'linear'.*got 'gelu'"):
        init.calculate_gain("gelu")


def test_initializers_say_what_they_cannot_do():
    with pytest.raises(ShapeError, match=r"xavier_uniform_ needs a weight of at least two axes.*got shape \(3,\)"):
        drawn(init.xavier_uniform_, (3,))
    with pytest.raises(ShapeError, match="orthogonal_ needs"):
        drawn(init.orthogonal_, (3,))
    with pytest.raises(ValueError, match="mode must be 'fan_in' or 'fan_out', got 'fan'"):
        drawn(init.kaiming_normal_, mode="fan")
    with pytest.raises(ValueError, match=r"trunc_normal_: \[20, 21\] contains"):
        drawn(init.trunc_normal_, a=20, b=21)


def test_a_seed_gives_the_same_network_again():
    nn.seed(3)
    first = nn.Linear(3, 3).weight.tolist()
    assert nn.Linear(3, 3).weight.tolist() != first
    nn.seed(3)
    assert nn.Linear(3, 3).weight.tolist() == first
    assert (
        nn.Linear(3, 3, rng=np.random.default_rng(3)).weight.tolist() == first == nn.Linear(3, 3, rng=3).weight.tolist()
    )
