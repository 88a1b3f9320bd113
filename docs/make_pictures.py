"""Draws the pictures of the documentation: `python docs/make_pictures.py [FOLDER] [NAME ...] [--width PIXELS]`.

The default folder is docs/pictures, which is not committed. Without names, all pictures are drawn. The output depends
only on the sources, except for the last digits in tooltips.
"""

import argparse
from pathlib import Path

import numpy as np

import fastgrad as fg
from fastgrad import nn
from fastgrad.micrograd.engine import Value


def scalars(**values):
    return (fg.tensor(float(v), requires_grad=True) for v in values.values())


def circuit():
    """f = (x + y) z"""
    x, y, z = scalars(x=-2, y=5, z=-4)
    q = x + y
    f = q * z
    return fg.draw(f, title="f = (x + y) z")


def neuron():
    """A sigmoid neuron"""
    w0, x0, w1, x1, w2 = scalars(w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
    f = 1 / (1 + fg.exp(-(w0 * x0 + w1 * x1 + w2)))
    return fg.draw(f, title="A sigmoid neuron, gate by gate")


def neuron_as_one_gate():
    """A sigmoid neuron with the sigmoid as one gate"""
    w0, x0, w1, x1, w2 = scalars(w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
    f = (w0 * x0 + w1 * x1 + w2).sigmoid()
    return fg.draw(f, title="The same neuron with the sigmoid as one gate")


def staged():
    """The staged expression"""
    x, y = scalars(x=3, y=-4)
    f = (x + y.sigmoid()) / (x.sigmoid() + (x + y) ** 2)
    return fg.draw(f, title="f = (x + σ(y)) / (σ(x) + (x + y)²)")


def steps():
    """The staged expression, step by step"""
    x, y = scalars(x=3, y=-4)
    f = (x + y.sigmoid()) / (x.sigmoid() + (x + y) ** 2)
    return fg.draw(f, title="f = (x + σ(y)) / (σ(x) + (x + y)²), step by step", steps=True)


def gates():
    """Add distributes, multiply swaps, max routes"""
    x, y, z, w = scalars(x=3, y=-4, z=2, w=-1)
    f = 2 * (x * y + fg.maximum(z, w))
    return fg.draw(f, title="Add distributes, multiply swaps, max routes")


def fork():
    """A variable that is used several times"""
    x, y = scalars(x=0.5, y=-1.5)
    f = x * y + fg.sin(x) + x * x
    return fg.draw(f, title="x is used four times: its gradients add up")


def matmul():
    """D = W X"""
    rng = np.random.default_rng(0)
    W = fg.tensor(rng.normal(size=(5, 10)), requires_grad=True)
    X = fg.tensor(rng.normal(size=(10, 3)), requires_grad=True)
    D = W @ X
    return fg.draw(D, cotangent=rng.normal(size=(5, 3)), title="D = W X: dW = dD Xᵀ, dX = Wᵀ dD")


def hinge_loss():
    """A linear classifier with the multiclass hinge loss"""
    rng = np.random.default_rng(0)
    x = fg.tensor(rng.normal(size=(6, 4)))
    w = fg.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    labels = rng.integers(3, size=6)
    scores = x @ w
    correct = scores[np.arange(6), labels]
    margins = np.maximum(0, scores - correct[:, None] + 1)
    loss = margins.sum() / 6 - 1 + 0.1 * (w * w).sum()
    return fg.draw(loss, title="Multiclass hinge loss of a linear classifier")


def descent():
    """A step of gradient descent"""
    rng = np.random.default_rng(1)
    x, target = fg.tensor(rng.normal(size=(8, 3))), fg.tensor(rng.normal(size=8))
    w = fg.tensor(np.zeros(3), requires_grad=True)
    loss = ((x @ w - target) ** 2).mean()
    loss.backward(retain_graph=True)
    step = fg.draw(loss, title="A step of gradient descent: w −= 0.1 dw")
    with fg.no_grad():
        w -= 0.1 * w.grad
    return step


def micrograd_neuron():
    """A neuron of micrograd's Values"""
    x1, w1, x2, w2, b = Value(2.0), Value(-3.0), Value(0.0), Value(1.0), Value(6.8813735870195432)
    n = x1 * w1 + x2 * w2 + b
    o = n.tanh()
    o.backward()
    return fg.draw(o, title="A neuron of micrograd's Values")


def chain():
    """A chain of 60 ops"""
    y = x = fg.tensor(0.5, requires_grad=True)  # noqa: F841
    for k in range(60):
        y = y.sin() if k % 2 else y * 1.5
    return fg.draw(y, title="A chain of 60 ops")


def mlp():
    """A network with two hidden layers"""
    nn.seed(0)
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    x, labels = fg.tensor(rng.normal(size=(6, 4))), np.arange(6) % 3
    loss = nn.functional.cross_entropy(model(x), labels)
    return fg.draw(loss, title="A network with two hidden layers")


def cnn():
    """A convolutional network"""
    nn.seed(0)
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 2 * 2, 10),
    )  # fmt: skip
    images, labels = fg.tensor(rng.normal(size=(4, 1, 8, 8))), np.arange(4)
    loss = nn.functional.cross_entropy(model(images), labels)
    return fg.draw(loss, title="A convolutional network on 8×8 images")


class Cell(nn.Module):
    """An LSTM cell of elementary ops."""

    def __init__(self, inputs, size):
        super().__init__()
        self.x = nn.Linear(inputs, 4 * size)
        self.h = nn.Linear(size, 4 * size, bias=False)
        self.size = size

    def forward(self, x, h, c):
        gates = self.x(x) + self.h(h)
        i, f, g, o = (gates[:, k * self.size : (k + 1) * self.size] for k in range(4))
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


def lstm():
    """An LSTM over 12 steps"""
    nn.seed(0)
    rng = np.random.default_rng(0)
    cell, head = Cell(3, 5), nn.Linear(5, 2)
    x, target = rng.normal(size=(12, 4, 3)), rng.normal(size=(4, 2))
    h = c = fg.tensor(np.zeros((4, 5)))
    for step in range(12):
        h, c = cell(fg.tensor(x[step]), h, c)
    loss = ((head(h) - target) ** 2).mean()
    return fg.draw(loss, title="An LSTM over 12 steps")


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (
            layer(x).reshape(batch, length, self.heads, width // self.heads).permute_dims((0, 2, 1, 3))
            for layer in (self.query, self.key, self.value)
        )
        weights = (q @ k.mT / np.sqrt(width / self.heads)).softmax(axis=-1)
        return self.out((weights @ v).permute_dims((0, 2, 1, 3)).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self, symbols, width, heads, blocks):
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(blocks)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, symbols)

    def forward(self, tokens):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def transformer():
    """A transformer with 12 blocks"""
    nn.seed(0)
    rng = np.random.default_rng(0)
    model = Transformer(20, 16, 4, 12)
    tokens, labels = rng.integers(20, size=(2, 6)), rng.integers(20, size=12)
    loss = nn.functional.cross_entropy(model(tokens).reshape(-1, 20), labels)
    return fg.draw(loss, title="A transformer with 12 blocks")


PICTURES = [circuit, neuron, neuron_as_one_gate, staged, steps, gates, fork, matmul, hinge_loss, descent,
            micrograd_neuron, chain, mlp, cnn, lstm, transformer]  # fmt: skip


def main():
    made = {function.__name__: function for function in PICTURES}
    parser = argparse.ArgumentParser(description="Draw the pictures of the documentation.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent / "pictures")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(made))
    parser.add_argument("--width", type=float, default=1100, help="width of the page in pixels")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in made]
    if unknown:
        parser.error(f"there is no picture {unknown[0]}: choose from {', '.join(made)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names or made:
        picture = made[name]()
        picture.width = options.width
        suffix = "svg" if picture.steps is None else "html"
        print(picture.save(options.folder / f"{name}.{suffix}"))


if __name__ == "__main__":
    main()
