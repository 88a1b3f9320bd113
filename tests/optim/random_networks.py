"""Random networks of all layers and random losses, each built with fastgrad and with PyTorch."""

import numpy as np

import fastgrad as fg
from fastgrad import nn

SMOOTH = [
    ("Tanh", {}), ("Sigmoid", {}), ("GELU", {}), ("SiLU", {}), ("Softplus", {}), ("LogSigmoid", {}), ("ELU", {}),
    ("Softmax", {"dim": -1}), ("LogSoftmax", {"dim": -1}),
]  # fmt: skip
KINKED = [("ReLU", {}), ("LeakyReLU", {"negative_slope": 0.2}), ("ELU", {"alpha": 0.7})]


def pick(rng, many):
    return many[int(rng.integers(len(many)))]


def activation(rng, smooth, shifted=False):
    """Draw an activation; `shifted` if a bias shifts the whole last axis, to which a softmax is invariant."""
    return pick(rng, (SMOOTH[:-2] if shifted else SMOOTH) + ([] if smooth else KINKED))


def dense(rng, width, smooth):
    """Draw layers on (rows, width); return them and the width of their output."""
    layers = []
    for _ in range(int(rng.integers(1, 4))):
        after = int(rng.integers(2, 9))
        norm = rng.integers(4)
        # a bias before a norm over the batch has gradient 0, of which an adaptive optimizer makes noise
        layers.append(("Linear", {"in_features": width, "out_features": after, "bias": bool(norm != 0)}))
        if norm == 0:
            layers.append(("BatchNorm1d", {"num_features": after, "momentum": pick(rng, [0.1, 0.3, None])}))
        elif norm == 1:
            layers.append(("LayerNorm", {"normalized_shape": after, "eps": pick(rng, [1e-5, 1e-2])}))
        layers.append(activation(rng, smooth))
        layers += [("Dropout", {"p": 0.0})] * bool(rng.random() < 0.2) + [("Identity", {})] * bool(rng.random() < 0.1)
        width = after
    return layers, width


def windows(rng, axes, channels, smooth):
    """Draw convolutions, norms and pooling on (rows, channels, 9 ...)."""
    layers = []
    for _ in range(int(rng.integers(1, 3))):
        groups = channels if rng.random() < 0.2 else 1
        after = channels * 2 if groups > 1 else int(rng.integers(1, 5))
        norm = rng.random() < 0.5
        conv = {
            "in_channels": channels,
            "out_channels": after,
            "kernel_size": int(rng.integers(1, 4)),
            "groups": groups,
        }
        dilation = int(rng.integers(1, 3))
        conv |= {"stride": int(rng.integers(1, 3)), "padding": dilation, "dilation": dilation, "bias": not norm}
        layers.append((f"Conv{axes}d", conv))
        if norm:
            layers.append((f"BatchNorm{axes}d", {"num_features": after}))
        layers.append(activation(rng, smooth, shifted=True))
        pool = int(rng.integers(3))
        if pool:
            settings = {"kernel_size": 2, "stride": 1, "padding": pick(rng, [0, 1])}
            average = pool == 1 or smooth
            settings |= {"count_include_pad": bool(rng.random() < 0.5)} if average else {}
            layers.append((f"{'AvgPool' if average else 'MaxPool'}{axes}d", settings))
        channels = after
    return layers + [("Flatten", {})]


def recurrent(rng, width, smooth):
    kind = pick(rng, ["RNN", "GRU", "LSTM"])
    settings = {"input_size": width, "hidden_size": int(rng.integers(1, 6)), "num_layers": int(rng.integers(1, 3))}
    settings |= {"batch_first": True, "bidirectional": bool(rng.random() < 0.3), "bias": bool(rng.random() < 0.8)}
    if kind == "RNN":
        settings["nonlinearity"] = pick(rng, ["tanh"] if smooth else ["tanh", "relu"])
    return [(kind, settings)], settings["hidden_size"] * (1 + settings["bidirectional"])


def draw(rng, smooth):
    """Draw all layers but the last; return them, the width of their output if known, and a function of the number of
    rows that draws inputs."""
    kind = int(rng.integers(5))
    if kind == 0:
        width = int(rng.integers(2, 7))
        layers, after = dense(rng, width, smooth)
        return layers, after, lambda rows: rng.normal(size=(rows, width))
    if kind in (1, 2):
        channels = int(rng.integers(1, 4))
        return windows(rng, kind, channels, smooth), None, lambda rows: rng.normal(size=(rows, channels) + (9,) * kind)
    if kind == 3:
        width, length = int(rng.integers(1, 5)), int(rng.integers(1, 6))
        layers, after = recurrent(rng, width, smooth)
        return layers, after, lambda rows: rng.normal(size=(rows, length, width))
    words, width = int(rng.integers(3, 12)), int(rng.integers(2, 6))
    table = ("Embedding", {"num_embeddings": words, "embedding_dim": width, "padding_idx": pick(rng, [None, 0, -1])})
    layers, after = recurrent(rng, width, smooth) if rng.random() < 0.5 else ([("Flatten", {})], 4 * width)
    return [table, *layers], after, lambda rows: rng.integers(0, words, size=(rows, 4))


def last_step(y):
    """The output of a recurrent layer at the last step."""
    return y[0][:, -1] if isinstance(y, tuple) else y


class Net(nn.Module):
    def __init__(self, layers):
        self.parts = nn.ModuleList()
        for name, settings in layers:
            self.parts += [getattr(nn, name)(**settings)]

    def forward(self, x):
        for part in self.parts:
            x = last_step(part(x))
        return x


def torch_net(torch, layers):
    class TorchNet(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = torch.nn.ModuleList([getattr(torch.nn, name)(**settings) for name, settings in layers])

        def forward(self, x):
            for part in self.parts:
                x = last_step(part(x))
            return x

    return TorchNet()


def losses(torch):
    """Return name -> (width of the scores, targets for some rows, fastgrad's loss, PyTorch's loss)."""
    F, T = nn.functional, torch.nn.functional

    def multiclass_hinge(scores, labels):
        right = scores.gather(1, labels[:, None])
        margins = torch.relu(scores - right + 1)
        return (margins.sum(1) - 1).mean()  # the right class itself has 1

    classes = lambda rng, rows: rng.integers(0, 4, rows)
    signs = lambda rng, rows: rng.integers(0, 2, (rows, 3)) * 2.0 - 1
    chances = lambda rng, rows: rng.random((rows, 3))
    return {
        "cross_entropy": (4, classes, F.cross_entropy, T.cross_entropy),
        "mse": (3, lambda rng, rows: rng.normal(size=(rows, 3)), F.mse_loss, T.mse_loss),
        "bce": (3, chances, F.binary_cross_entropy_with_logits, T.binary_cross_entropy_with_logits),
        "hinge": (3, signs, F.hinge_loss, lambda s, y: torch.relu(1 - y * s).mean()),
        "multiclass_hinge": (4, classes, F.multiclass_hinge_loss, multiclass_hinge),
    }


def as_arrays(state_dict):
    """Replace PyTorch's tensors in a nested structure by arrays."""
    if isinstance(state_dict, dict):
        return {key: as_arrays(value) for key, value in state_dict.items()}
    if isinstance(state_dict, (list, tuple)):
        return type(state_dict)(as_arrays(value) for value in state_dict)
    return state_dict.detach().numpy().copy() if hasattr(state_dict, "detach") else state_dict


def rows_of(batch, dtype):
    """Return one batch for both libraries: floats in `dtype`, integers unchanged."""
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in map(np.asarray, batch)]


def tensors_of(torch, arrays):
    return [torch.as_tensor(a.copy()) for a in arrays]


__all__ = ["Net", "as_arrays", "draw", "fg", "losses", "pick", "rows_of", "tensors_of", "torch_net"]
