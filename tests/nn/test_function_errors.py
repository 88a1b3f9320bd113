"""Arguments that `nn.functional` and the layers refuse, and what their errors say."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.errors import BadSetting, DTypeError, FastgradError, IndexingError, MutationError, ShapeError
from fastgrad.nn import functional as F

X, LINE, IMAGE = np.ones((4, 3)), np.ones((2, 3, 5)), np.ones((2, 3, 5, 4))
LABELS = np.array([0, 1, 2, 0])

REFUSED = [
    (lambda: F.smooth_l1_loss(X, X, beta=-1.0), BadSetting, "smooth_l1_loss: beta must be at least 0, got -1.0"),
    (lambda: F.huber_loss(X, X, delta=0), BadSetting, "huber_loss: delta must be greater than 0, got 0"),
    (lambda: F.mse_loss(X, X, weight=X[0]), ShapeError, r"weight has shape \(3,\), but the losses have shape \(4, 3\)"),
    (lambda: F.binary_cross_entropy(X * 1.5, X), BadSetting, "must be probabilities from 0 to 1, got 1.5: for scores"),
    (lambda: F.binary_cross_entropy(X * np.nan, X), BadSetting, "must be probabilities from 0 to 1, got nan"),
    (lambda: F.gaussian_nll_loss(X, X, -X), BadSetting, "gaussian_nll_loss: var must be at least 0"),
    (lambda: F.cross_entropy(X, LABELS, weight=[1.0, 2.0]), ShapeError, r"weight must have shape \(3,\), one factor"),
    (lambda: F.cross_entropy(X, LABELS, label_smoothing=2), BadSetting, "label_smoothing must be from 0 to 1, got 2"),
    (lambda: F.cross_entropy(X, LABELS + 1, ignore_index=0), IndexError, "cross_entropy: label 3 is not a class"),
    (lambda: F.nll_loss(X, LABELS * 1.0), DTypeError, "nll_loss: labels must be integers, class numbers, got float64"),
    (lambda: F.nll_loss(X, LABELS[:3]), ShapeError, r"nll_loss: scores of shape \(4, 3\) need labels of shape \(4,\)"),
    (lambda: F.cosine_embedding_loss(X, X, LABELS[:2]), ShapeError, r"need a target of shape \(4,\), got \(2,\)"),
    (lambda: F.one_hot(X), DTypeError, "one_hot: class numbers must be integers, got float64"),
    (lambda: F.one_hot(LABELS, 2), IndexingError, "one_hot: 2 is not a class number from 0 to 1"),
    (lambda: F.one_hot(-LABELS), IndexingError, "one_hot: -2 is not a class number from 0 to 0"),
    (lambda: F.one_hot(LABELS[:0]), BadSetting, "an empty array does not tell the number of classes"),
    (lambda: F.gelu(X, "erf"), BadSetting, 'gelu: approximate must be "none" or "tanh", got \'erf\''),
    (lambda: F.hardtanh(X, 2.0, 1.0), BadSetting, "hardtanh: min_val=2.0 is greater than max_val=1.0"),
    (lambda: F.prelu(X, [0.1, 0.2]), ShapeError, r"prelu: weight must have shape \(1,\) or \(3,\), got \(2,\)"),
    (lambda: F.glu(X), ShapeError, "glu: axis -1 has length 3, but it must be even"),
    (lambda: F.glu(X, 2), IndexError, "axis 2"),
    (lambda: F.relu(X, inplace=True), DTypeError, "inplace=True needs a Tensor to overwrite, got ndarray"),
    (lambda: F.dropout2d(X), ShapeError, r"dropout2d: x must have 3 or 4 axes, got shape \(4, 3\)"),
    (lambda: F.dropout1d(LINE, 2.0), ValueError, "dropout1d: p must be a probability"),
    (lambda: F.embedding(LABELS, fg.ones((3, 2)), sparse=True), BadSetting, "embedding: sparse=True is not supported"),
    (lambda: F.group_norm(X[0], 1), ShapeError, r"group_norm: x must have at least two axes"),
    (lambda: F.group_norm(X, 2), ShapeError, "group_norm: num_groups=2 must divide the 3 channels"),
    (lambda: F.group_norm(X, 3, weight=fg.ones(2)), ShapeError, r"weight has shape \(2,\), but there are 3 channels"),
    (lambda: F.instance_norm(X), ShapeError, "instance_norm: x must have three axes or more"),
    (lambda: F.instance_norm(LINE[..., :1]), ShapeError, r"has 1 value\(s\) per channel, it needs two"),
    (lambda: F.pad(X, (1,)), ShapeError, r"pad must be pairs \(before, after\) for at most 2 axes, got \(1,\)"),
    (lambda: F.pad(X, (1, 1), "mirror"), BadSetting, "pad: mode must be one of 'constant', 'reflect'.*got 'mirror'"),
    (lambda: F.pad(X, (-2, -2)), ShapeError, r"pad: \(-2, -2\) removes more elements than shape \(4, 3\) has"),
    (
        lambda: F.pad(X, (3, 0), "reflect"),
        ShapeError,
        r"\(3, 0\) is too much for mode 'reflect' and an axis of length 3",
    ),
    (lambda: F.adaptive_avg_pool2d(X, 1), ShapeError, "adaptive_avg_pool2d: x must have at least 3 axes"),
    (lambda: F.adaptive_max_pool1d(LINE, 0), ShapeError, r"cannot divide lengths \(5,\) into \(0,\) parts"),
    (lambda: F.adaptive_avg_pool2d(IMAGE, (1, 2, 3)), ShapeError, "output_size must be one number, or 2 of them"),
    (lambda: F.interpolate(IMAGE, 3, mode="cubic"), BadSetting, "interpolate: mode must be one of 'nearest', 'linear'"),
    (lambda: F.interpolate(IMAGE, 3, mode="linear"), ShapeError, "mode 'linear' does not take an input of shape"),
    (lambda: F.interpolate(IMAGE), BadSetting, "interpolate: pass either size or scale_factor"),
    (lambda: F.interpolate(IMAGE, scale_factor=0.1), ShapeError, r"cannot resize lengths \(5, 4\) to \(0, 0\)"),
    (lambda: F.conv_transpose1d(X, X), ShapeError, "conv_transpose1d: got shapes"),
    (
        lambda: F.conv_transpose1d(LINE, np.ones((2, 3, 1))),
        ShapeError,
        "the first axis of the weight must have the len",
    ),
    (lambda: F.conv_transpose1d(LINE, np.ones((3, 1, 2)), output_padding=1), ShapeError, "must be less than stride"),
    (lambda: F.conv_transpose1d(LINE, np.ones((3, 1, 2)), padding=4), ShapeError, "which must be at least 1: use less"),
    (lambda: F.scaled_dot_product_attention(X[0], X, X), ShapeError, "query, key and value need at least two axes"),
    (lambda: F.scaled_dot_product_attention(X, X.T, X), ShapeError, "must have the same number of features"),
    (lambda: F.scaled_dot_product_attention(X, X, X, X @ X.T, is_causal=True), BadSetting, "pass either attn_mask or"),
    (
        lambda: F.scaled_dot_product_attention(X, X, X, np.ones((4, 4), int)),
        DTypeError,
        "masks must be booleans or flo",
    ),
    (lambda: F.scaled_dot_product_attention(X, X, X, dropout_p=2), ValueError, "dropout_p must be a probability"),
    (lambda: F.scaled_dot_product_attention(LINE[[0, 0, 0]], LINE, LINE, enable_gqa=True), ShapeError, "do not divide"),
    (lambda: nn.GroupNorm(2, 3), ShapeError, "GroupNorm: num_groups=2 must divide num_channels=3"),
    (lambda: nn.GroupNorm(1, 3)(np.ones((2, 4))), ShapeError, r"takes shape \(batch, 3, ...\), got \(2, 4\)"),
    (lambda: nn.InstanceNorm1d(3)(np.ones((2, 4, 5))), ShapeError, r"takes shape \(batch, 3, ...\), got \(2, 4, 5\)"),
    (lambda: nn.Embedding(3, 2, sparse=True), BadSetting, "Embedding: sparse=True is not supported"),
    (lambda: nn.Embedding.from_pretrained(np.ones(3)), ShapeError, "embeddings must have two axes"),
    (lambda: nn.Unflatten(2, (1, 3))(fg.asarray(X)), IndexError, "axis 2"),
    (lambda: nn.AdaptiveMaxPool2d(2, return_indices=True), BadSetting, "return_indices=True is not supported"),
    (
        lambda: nn.ConvTranspose1d(3, 4, 2, groups=2),
        ShapeError,
        "ConvTranspose1d: groups=2: it must divide in_channels",
    ),
    (lambda: nn.RNNCell(0, 2), ShapeError, "RNNCell: input_size=0: it must be an int of at least 1"),
    (lambda: nn.RNNCell(2, 2, nonlinearity="elu"), ValueError, 'RNNCell: nonlinearity must be "tanh" or "relu"'),
    (lambda: nn.GRUCell(2, 2)(X), ShapeError, r"got an input of shape \(4, 3\), but it must be \(batch, 2\) or \(2,\)"),
    (lambda: nn.GRUCell(3, 2)(X, np.ones((4, 3))), ShapeError, r"GRUCell: got an initial state of shape \(4, 3\)"),
    (lambda: nn.LSTMCell(3, 2)(X, X), ShapeError, r"LSTMCell: hx=ndarray: it must be a pair \(h, c\)"),
    (lambda: nn.MultiheadAttention(4, 3), ShapeError, "num_heads=3 must divide embed_dim=4"),
    (lambda: nn.MultiheadAttention(4, 2, add_bias_kv=True), BadSetting, "add_bias_kv and add_zero_attn are not suppo"),
    (lambda: nn.MultiheadAttention(4, 2, dropout=3), ValueError, "MultiheadAttention: dropout must be a probability"),
    (lambda: nn.MultiheadAttention(3, 1)(X, X, X, is_causal=True), BadSetting, "is_causal=True is only a hint"),
    (lambda: nn.MultiheadAttention(4, 2)(X, X, X), ShapeError, r"sequences must have the shape \(..., 4\)"),
    (lambda: nn.MultiheadAttention(3, 1)(X, X, X[1:]), ShapeError, "key and value the same number of steps"),
    (lambda: nn.MultiheadAttention(3, 1)(X, X, X, attn_mask=X), ShapeError, r"attn_mask must have shape \(4, 4\) or"),
    (lambda: nn.MultiheadAttention(3, 1)(X, X, X, X), ShapeError, r"key_padding_mask must have shape \(1, 4\)"),
    (lambda: nn.TransformerEncoderLayer(4, 2, activation="elu"), BadSetting, 'must be "relu", "gelu" or a function'),
    (lambda: nn.utils.parameters_to_vector([]), ShapeError, "parameters_to_vector: got no parameters"),
    (lambda: nn.utils.vector_to_parameters(X, []), DTypeError, "takes a Tensor, got ndarray"),
    (
        lambda: nn.utils.vector_to_parameters(fg.ones(2), [fg.ones(3)]),
        ShapeError,
        r"must have shape \(3,\), got \(2,\)",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED, ids=[text[:40] for _, _, text in REFUSED])
def test_arguments_that_do_not_fit_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "silu", "hardtanh", "relu6", "selu", "mish", "dropout"])
def test_a_value_that_is_needed_is_not_overwritten_silently(name):
    gradients = []
    for inplace in True, False:
        x = fg.tensor([-1.0, 0.5, 2.0], requires_grad=True)
        h = x.exp()  # whose gradient needs its result
        fg.manual_seed(3)
        y = getattr(F, name)(h, inplace=inplace)
        assert (y is h) == inplace
        y.sum().backward()
        gradients.append(x.grad.numpy())
    np.testing.assert_allclose(*gradients, rtol=1e-15)
    h = x.exp()
    with fg.no_grad():
        getattr(F, name)(h, inplace=True)
    with pytest.raises(MutationError, match="overwritten in place"):
        h.sum().backward()
    with pytest.raises(FastgradError, match="leaf"):
        getattr(F, name)(x, inplace=True)


def test_dropout_in_place_does_nothing_in_evaluation_mode():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    assert nn.Dropout(inplace=True).eval()(x) is x


def test_dropout_of_channels():
    for layer, shape in ((nn.Dropout1d(0.4, rng=1), (50, 40, 3)), (nn.Dropout2d(0.4, rng=1), (50, 40, 3, 2))):
        y = layer(fg.ones(shape)).numpy().reshape(2000, -1)
        assert np.all(y == y[:, :1]) and set(np.unique(y)) == {0.0, 1 / 0.6}
        assert np.mean(y[:, 0] == 0) == pytest.approx(0.4, abs=0.05)
        np.testing.assert_array_equal(layer.eval()(fg.ones(shape)).numpy(), 1)


def test_attention_weights_are_dropped():
    x = fg.ones((200, 4))
    y = F.scaled_dot_product_attention(x, x, x, dropout_p=0.5, rng=2)
    assert y.numpy().std() > 0 and y.numpy().mean() == pytest.approx(1, abs=0.02)
    layer = nn.MultiheadAttention(4, 2, dropout=0.5)
    nn.seed(0)
    first, second = (layer(x, x, x)[0].detach().numpy() for _ in range(2))
    assert np.abs(first - second).max() > 0
    layer.eval()
    np.testing.assert_array_equal(*(layer(x, x, x)[0].detach().numpy() for _ in range(2)))


def test_parameters_as_a_vector():
    layer = nn.Linear(3, 2)
    vector = nn.utils.parameters_to_vector(layer.parameters())
    np.testing.assert_array_equal(vector.detach().numpy()[:6].reshape(2, 3), layer.weight.detach().numpy())
    (vector * vector).sum().backward()
    np.testing.assert_allclose(layer.bias.grad.numpy(), 2 * layer.bias.detach().numpy())
    nn.utils.vector_to_parameters(fg.arange(8.0), layer.parameters())
    assert layer.bias.tolist() == [6.0, 7.0] and layer.weight.requires_grad


def test_a_pretrained_table():
    table = nn.Embedding.from_pretrained(X * 2)
    assert not table.weight.requires_grad and table([1]).tolist() == [[2.0, 2.0, 2.0]]
    assert nn.Embedding.from_pretrained(X, freeze=False).weight.requires_grad
    assert list(table.state_dict()) == ["weight"]


def test_identity_takes_the_arguments_of_any_layer():
    assert nn.Identity(54, unused=0.1)(X) is X
