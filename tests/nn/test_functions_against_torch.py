"""Losses and other functions of `nn.functional` against PyTorch's: values and gradients, in both dtypes."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.errors import GradientWarning
from tests.support.against_torch import as_array, compare, in_dtype

torch = pytest.importorskip("torch")

rng = np.random.default_rng(8)
A, B = rng.normal(size=(2, 4, 3)) * 2
P, Q = rng.uniform(0.05, 0.95, (2, 4, 3))
LABELS, IGNORED = np.array([0, 2, 1, 1]), np.array([0, -100, 1, -100])
SIGNS = np.array([1, -1, 1, -1])
FACTORS = np.array([0.5, 2.0, 1.5])
VOLUME = rng.normal(size=(2, 3, 4))  # three classes as the second axis
CLASSES = rng.integers(0, 3, (2, 4))
LOGS = np.log(P / P.sum(1, keepdims=True))
PROBABILITIES = Q / Q.sum(1, keepdims=True)


def constant(lib, array, like):
    """A tensor without gradient, in the dtype of `like` if it has floats."""
    array = in_dtype(array, as_array(like).dtype)
    return fg.asarray(array) if lib is fg else lib.as_tensor(array)


def f(name, *arguments, **options):
    """A call of F.name; arrays among the options become tensors."""

    def call(lib, *tensors):
        given = {k: constant(lib, v, tensors[0]) if isinstance(v, np.ndarray) else v for k, v in options.items()}
        return getattr(lib.nn.functional, name)(*tensors, *arguments, **given)

    return call


REDUCTIONS = ("mean", "sum", "none")
LOSSES = {
    "mse": (f("mse_loss"), [A, B]), "mse weight": (f("mse_loss", weight=P), [A, B]),
    "l1": (f("l1_loss"), [A, B]), "smooth l1": (f("smooth_l1_loss"), [A, B]),
    "smooth l1 beta": (f("smooth_l1_loss", beta=0.3), [A, B]), "smooth l1 0": (f("smooth_l1_loss", beta=0.0), [A, B]),
    "huber": (f("huber_loss"), [A, B]), "huber delta": (f("huber_loss", delta=0.4), [A, B]),
    "huber weight": (f("huber_loss", weight=P), [A, B]),
    "bce": (f("binary_cross_entropy"), [P, Q]), "bce weight": (f("binary_cross_entropy", weight=FACTORS), [P, Q]),
    "bce logits": (f("binary_cross_entropy_with_logits"), [A, Q]),
    "bce logits pos_weight": (f("binary_cross_entropy_with_logits", pos_weight=FACTORS), [A, Q]),
    "bce logits weight": (f("binary_cross_entropy_with_logits", weight=FACTORS, pos_weight=FACTORS), [A, Q]),
    "kl": (f("kl_div"), [LOGS, PROBABILITIES]), "kl log": (f("kl_div", log_target=True), [LOGS, LOGS - 0.1]),
    "gaussian": (f("gaussian_nll_loss"), [A, B, P]), "gaussian full": (f("gaussian_nll_loss", full=True), [A, B, P]),
    "soft margin": (f("soft_margin_loss"), [A, np.sign(B).astype(int)]),
    "nll": (f("nll_loss"), [LOGS, LABELS]), "nll weight": (f("nll_loss", weight=FACTORS), [LOGS, LABELS]),
    "nll ignore": (f("nll_loss"), [LOGS, IGNORED]), "nll ignore 1": (f("nll_loss", ignore_index=1), [LOGS, LABELS]),
    "nll volume": (f("nll_loss"), [VOLUME, CLASSES]),
    "ce": (f("cross_entropy"), [A, LABELS]), "ce weight": (f("cross_entropy", weight=FACTORS), [A, LABELS]),
    "ce ignore": (f("cross_entropy"), [A, IGNORED]),
    "ce ignore 1": (f("cross_entropy", ignore_index=1, weight=FACTORS), [A, LABELS]),
    "ce smooth": (f("cross_entropy", label_smoothing=0.2), [A, LABELS]),
    "ce all": (f("cross_entropy", label_smoothing=0.2, weight=FACTORS), [A, IGNORED]),
    "ce probabilities": (f("cross_entropy"), [A, PROBABILITIES]),
    "ce probabilities all": (f("cross_entropy", weight=FACTORS, label_smoothing=0.1), [A, PROBABILITIES]),
    "ce volume": (f("cross_entropy"), [VOLUME, CLASSES]),
    "ce volume all": (f("cross_entropy", weight=FACTORS, label_smoothing=0.1, ignore_index=0), [VOLUME, CLASSES]),
    "ce one row": (f("cross_entropy"), [A[0], np.array(2)]),
    "ce one row of probabilities": (f("cross_entropy"), [A[0], PROBABILITIES[0]]),
    "cosine embedding": (f("cosine_embedding_loss", margin=0.2), [A, B, SIGNS]),
    "ranking": (f("margin_ranking_loss", margin=0.1), [A[:, 0], B[:, 0], SIGNS]),
    "triplet": (f("triplet_margin_loss"), [A, B, P]), "triplet swap": (f("triplet_margin_loss", swap=True), [A, B, Q]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_pytorchs(name, dtype):
    call, arrays = LOSSES[name]
    for reduction in REDUCTIONS:
        compare(torch, lambda lib, *t: call_with(call, lib, t, reduction), arrays, dtype)  # noqa: B023


def call_with(call, lib, tensors, reduction):
    """`call` with a reduction: through a functional namespace that adds the keyword."""

    class Reduced:
        def __getattr__(self, name):
            found = getattr(lib.nn.functional, name)
            return lambda *args, **kwargs: found(*args, **kwargs, reduction=reduction)

    class Library:
        class nn:
            functional = Reduced()

        as_tensor = staticmethod(lib.as_tensor if lib is not fg else fg.asarray)

    return call(Library, *tensors)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_divergence_of_a_batch(dtype):
    compare(torch, f("kl_div", reduction="batchmean"), [LOGS, PROBABILITIES], dtype)
    zeros = np.where(PROBABILITIES < 0.3, 0, PROBABILITIES)
    compare(torch, lambda lib, x: f("kl_div", reduction="sum")(lib, x, constant(lib, zeros, x)), [LOGS], dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_probabilities_of_0_and_1_have_finite_losses_and_gradients(dtype):
    p, q = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])
    call = lambda lib, x: f("binary_cross_entropy", reduction="none")(lib, x, constant(lib, q, x))
    compare(torch, call, [p], dtype, tolerance=1e-6)  # PyTorch's smallest denominator is 1e-12 in float32


@pytest.mark.parametrize("old", [
    {"size_average": False}, {"size_average": True}, {"reduce": False}, {"size_average": False, "reduce": True},
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:size_average and reduce")
def test_the_older_spellings_of_reduction(old):
    compare(torch, f("mse_loss", **old), [A, B], np.float64)
    compare(torch, f("cross_entropy", **old), [A, LABELS], np.float64)
    compare(torch, f("binary_cross_entropy", **old), [P, Q], np.float64)


def test_classes_on_two_possible_axes_are_those_of_the_last_one_with_a_warning():
    scores, labels = rng.normal(size=(2, 3, 3)), rng.integers(0, 3, (2, 3))
    with pytest.warns(GradientWarning, match=r"fit with the classes as last axis.*fg.moveaxis\(scores, 1, -1\)"):
        got = fg.nn.functional.cross_entropy(scores, labels)
    want = torch.nn.functional.cross_entropy(torch.tensor(scores.reshape(6, 3)), torch.tensor(labels.reshape(6)))
    assert got.item() == pytest.approx(want.item())
    with pytest.warns(GradientWarning, match="as second axis, as in PyTorch"):
        fg.nn.functional.cross_entropy(scores, np.full((2, 3, 3), 1 / 3))


FUNCTIONS = {
    "normalize": (f("normalize"), [A]), "normalize p dim": (f("normalize", p=1, dim=0), [A]),
    "normalize zeros": (f("normalize", dim=-1), [np.zeros((2, 3))]),
    "cosine": (f("cosine_similarity"), [A, B]), "cosine dim": (f("cosine_similarity", dim=0), [A, B]),
    "cosine broadcast": (f("cosine_similarity", dim=-1), [A[:, None], B[None]]),
    "distance": (f("pairwise_distance"), [A, B]), "distance p": (f("pairwise_distance", p=1, keepdim=True), [A, B]),
    "hardtanh": (f("hardtanh"), [A]), "hardtanh ends": (f("hardtanh", -0.5, 2.0), [A]), "relu6": (f("relu6"), [5 * A]),
    "hardsigmoid": (f("hardsigmoid"), [3 * A]), "hardswish": (f("hardswish"), [3 * A]),
    "selu": (f("selu"), [A]), "celu": (f("celu"), [A]), "celu alpha": (f("celu", alpha=0.5), [A]),
    "elu": (f("elu", alpha=0.7), [A]), "leaky": (f("leaky_relu", 0.2), [A]), "silu": (f("silu"), [A]),
    "mish": (f("mish"), [A]), "gelu": (f("gelu"), [A]), "gelu tanh": (f("gelu", approximate="tanh"), [A]),
    "softplus": (f("softplus"), [A]), "softplus beta": (f("softplus", beta=2.0), [A]),
    "threshold": (f("threshold", 0.5, -1.0), [A]), "tanhshrink": (f("tanhshrink"), [A]),
    "softsign": (f("softsign"), [A]), "softshrink": (f("softshrink", 0.7), [A]), "softmin": (f("softmin", dim=0), [A]),
    "glu": (f("glu"), [rng.normal(size=(3, 6))]), "glu dim": (f("glu", dim=0), [A]),
    "prelu": (f("prelu"), [A, np.array([0.2])]), "prelu channels": (f("prelu"), [VOLUME, np.array([0.2, -0.3, 0.5])]),
    "bilinear": (f("bilinear"), [A, B[:, :2], rng.normal(size=(5, 3, 2)), rng.normal(size=5)]),
    "group norm": (f("group_norm", 2), [rng.normal(size=(2, 4, 3, 2))]),
    "group norm affine": (f("group_norm", 3), [rng.normal(size=(4, 6)), rng.normal(size=6), rng.normal(size=6)]),
    "instance norm": (f("instance_norm"), [rng.normal(size=(2, 4, 5))]),
}  # fmt: skip


def test_the_order_of_parameters_of_group_norm():
    call = lambda lib, x, w, b: lib.nn.functional.group_norm(x, 3, w, b)
    compare(torch, call, FUNCTIONS["group norm affine"][1], np.float64)


FUNCTIONS["group norm affine"] = (
    lambda lib, x, w, b: lib.nn.functional.group_norm(x, 3, weight=w, bias=b, eps=1e-3),
    FUNCTIONS["group norm affine"][1],
)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_pytorchs(name, dtype):
    # PyTorch computes hardsigmoid with 1 / 6 in float32
    compare(torch, *FUNCTIONS[name], dtype, tolerance=1e-6 if name == "hardsigmoid" else None)


IMAGE, LINE = rng.normal(size=(2, 3, 5, 7)), rng.normal(size=(2, 3, 7))
RESIZED = {
    "avg1 1": (f("adaptive_avg_pool1d", 1), [LINE]), "avg1 3": (f("adaptive_avg_pool1d", 3), [LINE]),
    "avg2 1": (f("adaptive_avg_pool2d", 1), [IMAGE]), "avg2 2x3": (f("adaptive_avg_pool2d", (2, 3)), [IMAGE]),
    "avg2 None": (f("adaptive_avg_pool2d", (None, 7)), [IMAGE]),
    "avg2 5x2": (f("adaptive_avg_pool2d", (5, 2)), [IMAGE]),
    "avg2 larger": (f("adaptive_avg_pool2d", (8, 9)), [IMAGE]), "avg2 image": (f("adaptive_avg_pool2d", 2), [IMAGE[0]]),
    "max1 3": (f("adaptive_max_pool1d", 3), [LINE]), "max2 1": (f("adaptive_max_pool2d", 1), [IMAGE]),
    "max2 2x3": (f("adaptive_max_pool2d", (2, 3)), [IMAGE]),
    "max2 ties": (f("adaptive_max_pool2d", 3), [np.ones((1, 2, 4, 4))]),
    "nearest 2": (f("interpolate", scale_factor=2), [IMAGE]), "nearest size": (f("interpolate", size=(7, 3)), [IMAGE]),
    "nearest 1d": (f("interpolate", scale_factor=1.5), [LINE]),
    "nearest pair": (f("interpolate", scale_factor=(2, 0.5)), [IMAGE]),
    "linear": (f("interpolate", size=11, mode="linear"), [LINE]),
    "linear corners": (f("interpolate", size=11, mode="linear", align_corners=True), [LINE]),
    "bilinear": (f("interpolate", scale_factor=2, mode="bilinear"), [IMAGE]),
    "bilinear corners": (f("interpolate", size=(3, 9), mode="bilinear", align_corners=True), [IMAGE]),
    "bilinear factor": (f("interpolate", scale_factor=1.3, mode="bilinear"), [IMAGE]),
    "bilinear again": (f("interpolate", scale_factor=1.3, mode="bilinear", recompute_scale_factor=True), [IMAGE]),
    "pad": (f("pad", (1, 2)), [LINE]), "pad value": (f("pad", (1, 2, 0, 3), value=-1.5), [IMAGE]),
    "pad less": (f("pad", (-1, 2, 1, -2)), [IMAGE]), "pad reflect": (f("pad", (2, 1, 3, 0), mode="reflect"), [IMAGE]),
    "pad replicate": (f("pad", (2, 1, 3, 0), mode="replicate"), [IMAGE]),
    "pad circular": (f("pad", (2, 1), mode="circular"), [LINE]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", RESIZED)
def test_resizing_is_pytorchs(name, dtype):
    compare(torch, *RESIZED[name], dtype)


TRANSPOSED = {
    "1d": (f("conv_transpose1d"), [LINE, rng.normal(size=(3, 4, 3)), rng.normal(size=4)]),
    "1d all": (
        f("conv_transpose1d", None, 3, 1, 2, 1, 2), [LINE, rng.normal(size=(3, 2, 4))],
    ),
    "2d": (f("conv_transpose2d"), [IMAGE, rng.normal(size=(3, 2, 3, 2))]),
    "2d stride": (
        f("conv_transpose2d", stride=2, padding=1, output_padding=1),
        [IMAGE, rng.normal(size=(3, 2, 4, 4)), rng.normal(size=2)],
    ),
    "2d groups": (
        f("conv_transpose2d", None, (2, 1), (0, 2), (1, 0), 3, (1, 2)), [IMAGE, rng.normal(size=(3, 2, 2, 3))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_convolution_is_pytorchs(name, dtype):
    compare(torch, *TRANSPOSED[name], dtype, tolerance=None if dtype is np.float64 else 1e-3)


Q4, K4, V4 = rng.normal(size=(2, 2, 3, 4)), rng.normal(size=(2, 2, 5, 4)), rng.normal(size=(2, 2, 5, 6))
MASK = rng.random((3, 5)) < 0.7
MASK[:, 0] = True
ATTENTION = {
    "plain": (f("scaled_dot_product_attention"), [Q4, K4, V4]),
    "scale": (f("scaled_dot_product_attention", scale=0.3), [Q4, K4, V4]),
    "causal": (f("scaled_dot_product_attention", is_causal=True), [Q4, Q4 + 1, V4[:, :, :3]]),
    "booleans": (f("scaled_dot_product_attention", attn_mask=MASK), [Q4, K4, V4]),
    "numbers": (f("scaled_dot_product_attention"), [Q4, K4, V4, rng.normal(size=(3, 5))]),
    "heads": (f("scaled_dot_product_attention", enable_gqa=True), [Q4, K4[:, :1], V4[:, :1]]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ATTENTION)
def test_attention_is_pytorchs(name, dtype):
    compare(torch, *ATTENTION[name], dtype)


def test_one_hot():
    for labels in (LABELS, CLASSES, np.array(1)):
        for given in ((), (5,)):
            got = fg.nn.functional.one_hot(labels, *given)
            want = torch.nn.functional.one_hot(torch.as_tensor(labels), *given)
            np.testing.assert_array_equal(got.numpy(), want.numpy())
            assert got.dtype == np.int64


@pytest.mark.parametrize("options", [
    {}, {"padding_idx": 2}, {"max_norm": 1.0}, {"max_norm": 1.5, "norm_type": 1.0}, {"scale_grad_by_freq": True},
    {"scale_grad_by_freq": True, "padding_idx": 0},
], ids=" ".join)  # fmt: skip
def test_embedding_has_pytorchs_options(options):
    weight, indices = rng.normal(size=(6, 3)), np.array([[1, 2, 2], [0, 5, 2]])
    if "scale_grad_by_freq" in options or "max_norm" in options:
        mine, theirs = fg.tensor(weight, requires_grad=True), torch.tensor(weight, requires_grad=True)
        if "max_norm" in options:  # PyTorch writes to a parameter in place
            mine, theirs = fg.nn.Parameter(weight), torch.nn.Parameter(torch.tensor(weight))
        got = fg.nn.functional.embedding(indices, mine, **options)
        want = torch.nn.functional.embedding(torch.as_tensor(indices), theirs, **options)
        g = rng.normal(size=got.shape)
        got.backward(fg.asarray(g)), want.backward(torch.tensor(g))
        np.testing.assert_allclose(as_array(got), as_array(want), rtol=1e-12)
        np.testing.assert_allclose(as_array(mine), as_array(theirs), rtol=1e-12)
        np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-12)
    else:
        call = lambda lib, w: lib.nn.functional.embedding(constant(lib, indices, w), w, **options)
        compare(torch, call, [weight], np.float64)
