"""Layers with PyTorch's weights, which load by name: outputs, gradients and buffers against PyTorch's."""

import copy

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn
from tests.support.against_torch import as_array, compare_modules, with_torch_weights

torch = pytest.importorskip("torch")

rng = np.random.default_rng(4)
BATCH, LINE, IMAGE = rng.normal(size=(4, 6)), rng.normal(size=(2, 4, 9)), rng.normal(size=(2, 4, 6, 5))
one = lambda module, *inputs: module(*inputs)

LAYERS = {
    "Bilinear": (lambda n: n.Bilinear(6, 3, 5), [BATCH, BATCH[:, :3]]),
    "PReLU": (lambda n: n.PReLU(), [BATCH]), "PReLU channels": (lambda n: n.PReLU(4, 0.1), [IMAGE]),
    "GroupNorm": (lambda n: n.GroupNorm(2, 4), [IMAGE]),
    "GroupNorm plain": (lambda n: n.GroupNorm(4, 4, affine=False), [LINE]),
    "InstanceNorm1d": (lambda n: n.InstanceNorm1d(4, affine=True), [LINE]),
    "InstanceNorm2d": (lambda n: n.InstanceNorm2d(4, affine=True, track_running_stats=True), [IMAGE]),
    "InstanceNorm1d single": (lambda n: n.InstanceNorm1d(4), [LINE[0]]),
    "ConvTranspose1d": (lambda n: n.ConvTranspose1d(4, 3, 3, stride=2, padding=1, output_padding=1), [LINE]),
    "ConvTranspose2d": (lambda n: n.ConvTranspose2d(4, 6, 4, 2, 1, groups=2), [IMAGE]),
    "ConvTranspose2d dilated": (lambda n: n.ConvTranspose2d(4, 2, (2, 3), dilation=2, bias=False), [IMAGE]),
    "RNNCell": (lambda n: n.RNNCell(6, 5), [BATCH, rng.normal(size=(4, 5))]),
    "RNNCell relu": (lambda n: n.RNNCell(6, 5, bias=False, nonlinearity="relu"), [BATCH]),
    "RNNCell single": (lambda n: n.RNNCell(6, 5), [BATCH[0]]),
    "GRUCell": (lambda n: n.GRUCell(6, 5), [BATCH, rng.normal(size=(4, 5))]),
    "GRUCell first": (lambda n: n.GRUCell(6, 5, bias=False), [BATCH]),
    "LSTMCell first": (lambda n: n.LSTMCell(6, 5), [BATCH]),
    "AdaptiveAvgPool1d": (lambda n: n.AdaptiveAvgPool1d(4), [LINE]),
    "AdaptiveAvgPool2d": (lambda n: n.AdaptiveAvgPool2d((3, None)), [IMAGE]),
    "AdaptiveMaxPool1d": (lambda n: n.AdaptiveMaxPool1d(4), [LINE]),
    "AdaptiveMaxPool2d": (lambda n: n.AdaptiveMaxPool2d(2), [IMAGE]),
    "Upsample": (lambda n: n.Upsample(scale_factor=2), [IMAGE]),
    "Upsample bilinear": (lambda n: n.Upsample(size=(9, 4), mode="bilinear", align_corners=True), [IMAGE]),
    "ZeroPad1d": (lambda n: n.ZeroPad1d((1, 2)), [LINE]), "ZeroPad2d": (lambda n: n.ZeroPad2d(1), [IMAGE]),
    "ConstantPad1d": (lambda n: n.ConstantPad1d(2, 3.5), [LINE]),
    "ConstantPad2d": (lambda n: n.ConstantPad2d((1, 0, 2, 3), -1.0), [IMAGE]),
    "ReflectionPad1d": (lambda n: n.ReflectionPad1d(2), [LINE]),
    "ReflectionPad2d": (lambda n: n.ReflectionPad2d((1, 2, 0, 3)), [IMAGE]),
    "ReplicationPad1d": (lambda n: n.ReplicationPad1d(3), [LINE]),
    "ReplicationPad2d": (lambda n: n.ReplicationPad2d(1), [IMAGE]),
    "Unflatten": (lambda n: n.Unflatten(1, (2, 3)), [BATCH]),
    "Unflatten -1": (lambda n: n.Unflatten(-1, (3, -1)), [BATCH]),
    "CosineSimilarity": (lambda n: n.CosineSimilarity(dim=0), [BATCH, BATCH[::-1]]),
    "PairwiseDistance": (lambda n: n.PairwiseDistance(keepdim=True), [BATCH, BATCH[::-1]]),
    "GLU": (lambda n: n.GLU(1), [IMAGE]), "Softmin": (lambda n: n.Softmin(1), [BATCH]),
    "Softshrink": (lambda n: n.Softshrink(0.2), [BATCH]), "Threshold": (lambda n: n.Threshold(0.3, 2.0), [BATCH]),
    "activations": (
        lambda n: n.Sequential(
            n.SELU(), n.CELU(0.7), n.Mish(), n.Hardtanh(-2, 2), n.ReLU6(), n.Tanhshrink(), n.Softsign(), n.GELU("tanh"),
            n.Softplus(2.0), n.Hardswish(), n.Softmax(dim=-1), n.LogSoftmax(dim=-1), n.LogSigmoid(),
        ), [BATCH],
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_pytorchs(name, dtype):
    make, arrays = LAYERS[name]
    compare_modules(
        torch, make(nn), make(torch.nn), one, arrays, dtype, tolerance=None if dtype is np.float64 else 1e-3
    )


def test_an_instance_norm_that_tracks_uses_its_statistics_in_evaluation_mode():
    make = lambda n: n.InstanceNorm2d(4, affine=True, track_running_stats=True)
    mine, theirs = make(nn), make(torch.nn)
    with_torch_weights(mine, theirs, np.float64)
    mine(fg.asarray(IMAGE)), theirs(torch.tensor(IMAGE))
    compare_modules(torch, mine.eval(), theirs.eval(), one, [IMAGE], np.float64)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(4, 6), (6,)])
def test_an_lstm_cell_takes_a_pair_of_states(shape, dtype):
    states = [rng.normal(size=(*shape[:-1], 5)) for _ in range(2)]
    call = lambda module, x, h, c: module(x, (h, c))
    make = lambda n: n.LSTMCell(6, 5)
    compare_modules(torch, make(nn), make(torch.nn), call, [rng.normal(size=shape), *states], dtype)


SEQUENCE, MEMORY = rng.normal(size=(5, 3, 8)), rng.normal(size=(4, 3, 8))
PADDED = np.zeros((3, 5), bool)
PADDED[1, 3:] = PADDED[2, 1:] = True
CAUSAL = np.triu(np.ones((5, 5), bool), 1)


def masks(library, **given):
    return {name: fg.asarray(m) if library is nn else torch.as_tensor(m) for name, m in given.items()}


def library_of(module):
    return nn if isinstance(module, nn.Module) else torch.nn


ATTENTION = {
    "self": (lambda n: n.MultiheadAttention(8, 2), lambda m, x: m(x, x, x), [SEQUENCE]),
    "cross": (lambda n: n.MultiheadAttention(8, 4, bias=False), lambda m, x, y: m(x, y, y), [SEQUENCE, MEMORY]),
    "batch_first": (lambda n: n.MultiheadAttention(8, 2, batch_first=True), lambda m, x: m(x, x, x), [SEQUENCE]),
    "single": (lambda n: n.MultiheadAttention(8, 2), lambda m, x, y: m(x, y, y), [SEQUENCE[:, 0], MEMORY[:, 0]]),
    "widths": (
        lambda n: n.MultiheadAttention(8, 2, kdim=6, vdim=7),
        lambda m, x, k, v: m(x, k, v, average_attn_weights=False),
        [SEQUENCE, MEMORY[..., :6], MEMORY[..., :7]],
    ),
    "masks": (
        lambda n: n.MultiheadAttention(8, 2),
        lambda m, x: m(x, x, x, **masks(library_of(m), key_padding_mask=PADDED, attn_mask=CAUSAL)),
        [SEQUENCE],
    ),
    "mask per head": (
        lambda n: n.MultiheadAttention(8, 2),
        lambda m, x: m(x, x, x, **masks(library_of(m), attn_mask=np.stack([CAUSAL] * 6)), need_weights=False),
        [SEQUENCE],
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ATTENTION)
def test_multi_head_attention_is_pytorchs(name, dtype):
    make, call, arrays = ATTENTION[name]
    compare_modules(torch, make(nn), make(torch.nn), call, arrays, dtype)


def encoder_layer(n, **options):
    return n.TransformerEncoderLayer(8, 2, dim_feedforward=12, dropout=0.0, **options)


TRANSFORMERS = {
    "layer": lambda n: encoder_layer(n),
    "norm first": lambda n: encoder_layer(n, norm_first=True, activation="gelu"),
    "no bias": lambda n: encoder_layer(n, bias=False),
    "encoder": lambda n: n.TransformerEncoder(encoder_layer(n), 2, norm=n.LayerNorm(8), enable_nested_tensor=False),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_transformer_layers_are_pytorchs(name, dtype):
    def call(module, x):
        inside = isinstance(module, (nn.TransformerEncoderLayer, torch.nn.TransformerEncoderLayer))
        causal = masks(library_of(module), **{"src_mask" if inside else "mask": CAUSAL})
        return module(x, **causal)

    make = TRANSFORMERS[name]
    compare_modules(torch, make(nn), make(torch.nn), call, [SEQUENCE], dtype, 1e-9 if dtype is np.float64 else 1e-3)


class Mixed:
    """Containers of parameters and modules, in both libraries."""

    @staticmethod
    def make(n):
        class Net(n.Module):
            def __init__(self):
                super().__init__()
                self.steps = n.ModuleDict({"first": n.Linear(6, 4), "second": n.ReLU()})
                self.steps["third"] = n.Linear(4, 2)
                one = n.Parameter(fg.ones(4)) if n is nn else n.Parameter(torch.ones(4))
                self.gains = n.ParameterList([one])
                self.gains.append(n.Parameter(fg.zeros(4)) if n is nn else n.Parameter(torch.zeros(4)))
                self.named = n.ParameterDict(
                    {"shift": n.Parameter(fg.ones(2)) if n is nn else n.Parameter(torch.ones(2))}
                )

            def forward(self, x):
                x = self.steps["second"](self.steps["first"](x)) * self.gains[0] + self.gains[1]
                return self.steps["third"](x) + self.named["shift"]

        return Net()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_containers_name_their_entries_as_pytorch(dtype):
    compare_modules(torch, Mixed.make(nn), Mixed.make(torch.nn), one, [BATCH], dtype)


def inplace_network(n):
    return n.Sequential(
        n.Conv2d(4, 3, 3, padding=1), n.BatchNorm2d(3), n.ReLU(inplace=True), n.Conv2d(3, 3, 3), n.LeakyReLU(0.2, True),
        n.Flatten(), n.Linear(36, 4), n.ELU(inplace=True), n.Linear(4, 4), n.ReLU6(inplace=True), n.Linear(4, 3),
        n.SELU(True), n.Linear(3, 3), n.SiLU(True), n.Linear(3, 3), n.Hardtanh(inplace=True), n.Linear(3, 3),
        n.Mish(True),
        n.Linear(3, 3), n.Threshold(0.1, 0.2, inplace=True), n.Linear(3, 3), n.CELU(0.5, True), n.Linear(3, 3),
        n.Hardswish(True), n.Linear(3, 3), n.Hardsigmoid(True),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_activations_in_place_have_pytorchs_gradients(dtype):
    mine, theirs = inplace_network(nn), inplace_network(torch.nn)
    compare_modules(torch, mine, theirs, one, [IMAGE], dtype, 1e-8 if dtype is np.float64 else 1e-3)


def test_layers_with_options_are_printed_as_pytorch_prints_them():
    def made(n):
        return n.Sequential(
            n.ReLU(inplace=True), n.LeakyReLU(0.2, inplace=True), n.ELU(0.5, True), n.Dropout(0.2, inplace=True),
            n.Dropout2d(0.1), n.ReLU6(), n.Hardtanh(), n.PReLU(), n.GELU(), n.Softplus(), n.SiLU(),
            n.GroupNorm(2, 4), n.InstanceNorm2d(3), n.ConvTranspose2d(3, 4, 2, stride=2, padding=1, bias=False),
            n.AdaptiveAvgPool2d((1, None)), n.Upsample(scale_factor=2), n.ZeroPad2d(1), n.Unflatten(1, (2, 3)),
            n.RNNCell(2, 3), n.LSTMCell(2, 3, bias=False), n.Bilinear(2, 3, 4), n.Softmax(dim=1), n.Softshrink(),
            n.ConstantPad2d(1, 2.0), n.Threshold(0.1, 2.0), n.GLU(),
        )  # fmt: skip

    mine, theirs = (repr(made(n)).replace(", bias=True", "").replace("1.0", "1") for n in (nn, torch.nn))
    assert mine == theirs.replace(", inplace=False", "")


def test_a_transformer_layer_is_copied_and_its_copies_are_independent():
    layer = nn.TransformerEncoderLayer(4, 2, 8)
    encoder = nn.TransformerEncoder(layer, 2)
    first, second = encoder.layers
    np.testing.assert_array_equal(as_array(first.linear1.weight), as_array(second.linear1.weight))
    assert first.linear1.weight is not second.linear1.weight
    assert copy.deepcopy(encoder).layers[0].norm1.weight is not first.norm1.weight
