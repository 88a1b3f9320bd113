"""Convolution, pooling and recurrence against PyTorch's modules, if installed: state dicts, outputs, gradients."""

import numpy as np
import pytest

import fastgrad as fg
from fastgrad import nn

torch = pytest.importorskip("torch")

CONVOLUTIONS = [
    ("Conv2d", (4, 6, 3), {"stride": 2, "padding": (1, 2), "dilation": (2, 1), "groups": 2}, (2, 4, 9, 8)),
    ("Conv2d", (4, 6, (3, 5)), {"padding": "same", "bias": False}, (2, 4, 9, 8)),
    ("Conv2d", (3, 5, 3), {"padding": 1}, (2, 3, 70, 75)),
    ("Conv1d", (4, 6, 3), {"padding": 2}, (2, 4, 9)),
    ("Conv1d", (4, 4, 3), {"padding": "valid", "stride": 3, "groups": 4}, (2, 4, 90)),
]
POOLS = [
    ("MaxPool2d", (3, 2, 1), {}, (2, 4, 9, 8)),
    ("MaxPool2d", (2,), {"dilation": 2, "stride": 1}, (2, 4, 9, 8)),
    ("MaxPool2d", (2,), {}, (2, 4, 9, 8)),
    ("MaxPool1d", (3, 1), {}, (2, 4, 9)),
    ("AvgPool2d", (3, 2, 1), {}, (2, 4, 9, 8)),
    ("AvgPool2d", (3, 2, 1), {"count_include_pad": False}, (2, 4, 9, 8)),
    ("AvgPool1d", (2,), {}, (2, 4, 9)),
]
OPTIONS = [{}, {"num_layers": 2}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True, "bias": False}]
RECURRENT = [
    (name, (3, 5), options, shape)
    for name in ("RNN", "LSTM", "GRU")
    for options in OPTIONS
    for shape in ((7, 2, 3), (7, 3))
]
RECURRENT.append(("RNN", (3, 5), {"nonlinearity": "relu"}, (7, 2, 3)))


def flat(result):
    return [part for each in result for part in flat(each)] if isinstance(result, tuple) else [result]


@pytest.mark.parametrize(("name", "sizes", "options", "shape"), [*CONVOLUTIONS, *POOLS, *RECURRENT])
def test_a_state_dict_of_pytorch_gives_the_same_outputs_and_gradients(name, sizes, options, shape):
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    mine, theirs = getattr(nn, name)(*sizes, **options), getattr(torch.nn, name)(*sizes, **options).double()
    assert list(mine.state_dict()) == list(theirs.state_dict())
    mine.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    x = rng.normal(size=shape)
    a, b = fg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    ours, others = flat(mine(a)), flat(theirs(b))
    assert [y.shape for y in ours] == [tuple(y.shape) for y in others]
    total, other = 0, 0
    for y, z in zip(ours, others, strict=True):
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-11, atol=1e-13)
        g = rng.normal(size=y.shape)
        total, other = total + (y * g).sum(), other + (z * torch.as_tensor(g)).sum()
    total.backward()
    other.backward()
    pairs = [(a, b), *zip(mine.parameters(), theirs.parameters(), strict=True)]
    for p, q in pairs:
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-10, atol=1e-12)
