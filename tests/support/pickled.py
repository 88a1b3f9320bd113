"""Functions and modules that worker processes find by their names: material of the tests of pickling and executors."""

import numpy as np

import fastgrad as fg
import fastgrad.autograd as ag
from fastgrad import nn
from fastgrad.autograd.extend import defvjp

X = np.array([0.5, -1.0, 2.0])
ROWS = np.arange(6.0).reshape(2, 3)


def cube(x):
    """Return the sum of the cubes of the elements."""
    return (x * x * x).sum()


def cubes(x):
    return x * x * x


@fg.grad
def slope(x):
    return (x**3).sum()


@fg.value_and_grad
def both(x):
    return (x**3).sum()


@fg.elementwise_grad
def derivative(x):
    return x**3


@fg.jacobian
def matrix(x):
    return x**3


@fg.checkpoint
def light(x):
    return np.sin(x) ** 2


@fg.vmap
def squares(x):
    return x @ x


@fg.compile
def program(x):
    return x * 2


@fg.compile(static="k", check=True)
def multiple(x, k):
    return x * k


@fg.compile
@fg.value_and_grad
def fast(x):
    return (x**3).sum()


@fg.no_grad()
def constant(x):
    return x * 2


@fg.primitive(vjp=lambda g, y: g * y)
def exponential(x):
    return np.exp(x)


@fg.primitive(vjp=lambda g: (g, 2 * g), together=True, saves=True)
def weighted(a, b):
    return a + 2 * b, "saved"


def twice(x):
    return x * 2


def twice_vjp(g):
    return g * 2


doubled = fg.primitive(twice, vjp=twice_vjp)


@ag.primitive
def tripled(x):
    return x * 3


defvjp(tripled, lambda ans, x: lambda g: g * 3)


class Net(nn.Module):
    """A network of two layers, one of them twice, with a buffer, dropout of its own generator, and a hook."""

    def __init__(self):
        self.first = nn.Linear(3, 4, rng=1)
        self.last = nn.Linear(4, 1, rng=2)
        self.again = self.last
        self.register_buffer("offset", fg.tensor([0.5]))

    def forward(self, x):
        return self.last(fg.tanh(self.first(x))) + self.again(fg.relu(self.first(x))) + self.offset

    @fg.no_grad()
    def predict(self, x):
        return self(x)

    @fg.compile
    def loss(self, x):
        value = (self(x) ** 2).sum()
        value.backward()
        return value.detach()


def halved(module, args, output):
    return output * 0.5


def step(net, optimizer, x=X):
    """Take a step of an optimizer and return the loss."""

    def closure():
        optimizer.zero_grad()
        loss = (net(x) ** 2).sum()
        loss.backward()
        return loss

    return float(optimizer.step(closure).detach())
