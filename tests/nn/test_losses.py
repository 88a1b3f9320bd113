"""The losses of `nn.functional`: values against formulas written by hand, gradients, and errors for invalid labels."""

import math

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from fastgrad.errors import DTypeError, FastgradError, ShapeError
from fastgrad.nn import functional as F

rng = np.random.default_rng(0)
SCORES = rng.normal(size=(5, 3))
LABELS = np.array([0, 2, 1, 1, 0])
ROWS = np.arange(5)


def gradient(f, x):
    x = fg.tensor(x, requires_grad=True)
    return fg.gradients(f(x), x)[0].numpy()


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def one_hot(labels, n):
    return np.eye(n)[labels]


def test_cross_entropy_is_minus_the_mean_log_probability_of_the_label():
    rows = -np.log(softmax(SCORES))[ROWS, LABELS]
    np.testing.assert_allclose(F.cross_entropy(SCORES, LABELS).item(), rows.mean(), rtol=1e-14)
    np.testing.assert_allclose(F.cross_entropy(SCORES, LABELS, reduction="sum").item(), rows.sum(), rtol=1e-14)
    np.testing.assert_allclose(F.cross_entropy(SCORES, LABELS, reduction="none").numpy(), rows, rtol=1e-14)
    np.testing.assert_allclose(
        gradient(lambda x: F.cross_entropy(x, LABELS), SCORES), (softmax(SCORES) - one_hot(LABELS, 3)) / 5, rtol=1e-13
    )


def test_cross_entropy_takes_labels_of_any_integer_dtype_and_kind():
    wanted = F.cross_entropy(SCORES, LABELS).item()
    for labels in (LABELS.astype(np.uint8), LABELS.astype(np.int32), fg.tensor(LABELS), LABELS.tolist()):
        assert F.cross_entropy(SCORES, labels).item() == wanted
        assert F.cross_entropy(fg.tensor(SCORES, requires_grad=True), labels).requires_grad


def test_cross_entropy_of_one_row_and_of_a_stack_of_batches():
    assert F.cross_entropy(SCORES[0], 0).item() == F.cross_entropy(SCORES[:1], LABELS[:1]).item()
    np.testing.assert_allclose(gradient(lambda x: F.cross_entropy(x, 0), SCORES[0]), softmax(SCORES[0]) - [1, 0, 0])
    stack, labels = SCORES.reshape(5, 1, 3), LABELS.reshape(5, 1)
    assert F.cross_entropy(stack, labels).item() == F.cross_entropy(SCORES, LABELS).item()


def test_cross_entropy_of_extreme_scores_stays_finite():
    assert F.cross_entropy([[1e4, 0.0]], [1]).item() == 1e4
    np.testing.assert_array_equal(gradient(lambda x: F.cross_entropy(x, [1]), [[1e4, 0.0]]), [[1, -1]])


@pytest.mark.parametrize(
    ("labels", "error", "text"),
    [
        ([0.0, 1.0], DTypeError, r"labels must be integers, class numbers, got float64: use labels.astype\(int\)"),
        ([0, 3], IndexError, r"label 3 is not a class: scores of shape \(2, 3\) have classes 0 to 2"),
        ([-1, 0], IndexError, r"label -1 is not a class"),
        ([0, 1, 2], ShapeError, r"need labels of shape \(2,\), one class number per row; got \(3,\)"),
        ([[0], [1]], ShapeError, r"got \(2, 1\)"),
    ],
)
@pytest.mark.parametrize("loss", [F.cross_entropy, F.multiclass_hinge_loss])
def test_bad_labels_are_refused_by_name(loss, labels, error, text):
    with pytest.raises(error, match=text) as caught:
        loss(np.zeros((2, 3)), np.array(labels))
    assert isinstance(caught.value, FastgradError)


@pytest.mark.parametrize("loss", [F.cross_entropy, F.multiclass_hinge_loss])
def test_scores_without_classes_are_refused(loss):
    with pytest.raises(ShapeError, match="no axis of classes"):
        loss(np.float64(1.0), np.array(0))


@pytest.mark.parametrize("call", [
    lambda r: F.cross_entropy(SCORES, LABELS, reduction=r),
    lambda r: F.mse_loss(SCORES, SCORES, reduction=r),
    lambda r: F.hinge_loss(SCORES, np.sign(SCORES), reduction=r),
    lambda r: F.multiclass_hinge_loss(SCORES, LABELS, reduction=r),
    lambda r: F.binary_cross_entropy_with_logits(SCORES, SCORES > 0, reduction=r),
])  # fmt: skip
def test_every_loss_has_the_same_reductions(call):
    rows = call("none")
    assert rows.shape in ((5,), (5, 3))
    assert call("sum").item() == pytest.approx(rows.numpy().sum(), rel=1e-14)
    assert call("mean").item() == pytest.approx(rows.numpy().mean(), rel=1e-14)
    with pytest.raises(ValueError, match='reduction must be "mean", "sum" or "none", got'):
        call("avg")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("call", [
    lambda x, r: F.cross_entropy(x, np.zeros(0, int), reduction=r),
    lambda x, r: F.multiclass_hinge_loss(x, np.zeros(0, int), reduction=r),
    lambda x, r: F.mse_loss(x, np.zeros((0, 3), x.dtype), reduction=r),
    lambda x, r: F.hinge_loss(x, np.zeros((0, 3), x.dtype), reduction=r),
    lambda x, r: F.binary_cross_entropy_with_logits(x, np.zeros((0, 3), x.dtype), reduction=r),
], ids=["cross_entropy", "multiclass_hinge", "mse", "hinge", "bce"])  # fmt: skip
def test_the_mean_over_an_empty_batch_is_nan(call, dtype):
    """As in PyTorch: without a warning, with gradients that are zero."""
    layer = nn.Linear(2, 3, dtype=dtype)
    for reduction, wanted in (("sum", 0.0), ("mean", math.nan)):
        layer.zero_grad()
        loss = call(layer(np.zeros((0, 2), dtype)), reduction)
        assert (loss.shape, loss.dtype) == ((), dtype)
        np.testing.assert_equal(loss.item(), wanted)
        loss.backward()
        np.testing.assert_array_equal(layer.weight.grad.numpy(), np.zeros((3, 2)))
        assert call(np.zeros((0, 3), dtype), "none").shape[0] == 0


def test_multiclass_hinge_loss_sums_the_margins_that_are_missed():
    for delta in (1.0, 0.3):
        margins = np.maximum(0, SCORES - SCORES[ROWS, LABELS][:, None] + delta)
        margins[ROWS, LABELS] = 0
        got = F.multiclass_hinge_loss(SCORES, LABELS, delta)
        np.testing.assert_allclose(got.item(), margins.sum() / 5, rtol=1e-14)
        missed = (margins > 0).astype(float)
        missed[ROWS, LABELS] = -missed.sum(axis=1)
        np.testing.assert_allclose(gradient(lambda x: F.multiclass_hinge_loss(x, LABELS, delta), SCORES), missed / 5)  # noqa: B023


def test_multiclass_hinge_loss_at_the_margin_has_gradient_zero():
    assert F.multiclass_hinge_loss([[2.0, 1.0]], [0]).item() == 0
    np.testing.assert_array_equal(gradient(lambda x: F.multiclass_hinge_loss(x, [0]), [[2.0, 1.0]]), [[0, 0]])


def test_hinge_loss():
    scores, labels = np.array([2.0, 0.5, -1.0, 0.25]), np.array([1, 1, 1, -1])
    assert F.hinge_loss(scores, labels).item() == (0 + 0.5 + 2 + 1.25) / 4
    np.testing.assert_array_equal(gradient(lambda x: F.hinge_loss(x, labels), scores), np.array([0, -1, -1, 1]) / 4)
    with pytest.raises(ValueError, match=r"labels must be 1 or -1, got 0.*pass 2 \* labels - 1"):
        F.hinge_loss(scores, [0, 1, 1, 0])


def test_mse_loss():
    a, b = rng.normal(size=(2, 3, 2))
    np.testing.assert_allclose(F.mse_loss(a, b).item(), ((a - b) ** 2).mean(), rtol=1e-14)
    np.testing.assert_allclose(gradient(lambda x: F.mse_loss(x, b), a), (a - b) / 3, rtol=1e-14)
    np.testing.assert_allclose(gradient(lambda x: F.mse_loss(a, x), b), (b - a) / 3, rtol=1e-14)


@pytest.mark.parametrize("loss", [F.mse_loss, F.hinge_loss, F.binary_cross_entropy_with_logits])
def test_losses_of_pairs_do_not_broadcast(loss):
    with pytest.raises(ShapeError, match=r"shapes \(4,\) and \(4, 1\) differ: reshape or broadcast one of them"):
        loss(np.ones(4), np.ones((4, 1)))


def test_binary_cross_entropy_with_logits_keeps_its_digits():
    x, t = np.array([-50.0, -1.0, 0.0, 2.0, 50.0, 800.0]), np.array([0.0, 0.3, 0.5, 1.0, 1.0, 0.0])
    got = F.binary_cross_entropy_with_logits(x, t, reduction="none").numpy()
    by_hand = [
        np.exp(-50),
        0.3 * np.log1p(np.e) + 0.7 * np.log1p(1 / np.e),
        np.log(2),
        np.log1p(np.exp(-2)),
        np.exp(-50),
        800,
    ]
    np.testing.assert_allclose(got, by_hand, rtol=1e-14)
    slopes = gradient(lambda z: F.binary_cross_entropy_with_logits(z, t, reduction="sum"), x)
    sigmoid = 1 / (1 + np.exp(-x[1]))
    np.testing.assert_allclose(
        slopes, [np.exp(-50), sigmoid - 0.3, 0, -1 / (1 + np.exp(2)), -np.exp(-50), 1], rtol=1e-13
    )


@pytest.mark.parametrize("loss", [
    lambda x: F.cross_entropy(x, LABELS), lambda x: F.multiclass_hinge_loss(x, LABELS),
    lambda x: F.mse_loss(x, SCORES.astype(np.float32)), lambda x: F.hinge_loss(x, np.sign(SCORES).astype(int)),
    lambda x: F.binary_cross_entropy_with_logits(x, (SCORES > 0).astype(np.float32)),
])  # fmt: skip
def test_float32_stays_float32(loss):
    x = fg.tensor(SCORES * 1.1, dtype=np.float32, requires_grad=True)
    y = loss(x)
    assert y.dtype == fg.gradients(y, x)[0].dtype == np.float32


def test_a_layer_of_the_lecture_notes():
    """softmax classifier: dscores = (p - 1{y}) / N, dW = X^T dscores."""
    x, w = rng.normal(size=(5, 4)), rng.normal(size=(4, 3))
    dscores = (softmax(x @ w) - one_hot(LABELS, 3)) / 5
    np.testing.assert_allclose(gradient(lambda w: F.cross_entropy(x @ w, LABELS), w), x.T @ dscores, rtol=1e-13)
