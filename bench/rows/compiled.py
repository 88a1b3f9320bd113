"""Functions that `fg.compile` has recorded, beside the same functions called as they are, and code by hand."""

import numpy as np

import fastgrad as fg
from bench.results import row
from bench.rows.derivatives import rosenbrock, rosenbrock_by_hand
from bench.rows.recurrent import HandRNN
from fastgrad.benchmark.elementwise import mixed, mixed_by_hand
from fastgrad.benchmark.networks import RATE, leaves, make_layers
from fastgrad.benchmark.peers import named, peers
from fastgrad.benchmark.race import Contender, Race
from fastgrad.benchmark.scalars import staged_lean
from fastgrad.nn import functional


def both_ways(names, f, by_hand, arguments, peer=None, *, per=1.0, rtol=1e-9):
    """Race a compiled function against `by_hand` and the function itself. All return a value and gradients."""
    program = fg.compile(f)

    def contender(name, function):
        def answer():
            value, gradients = function(*arguments)
            return named(names, (value, *gradients) if isinstance(gradients, tuple) else (value, gradients))

        scope = {"f": function, **{f"x{k}": x for k, x in enumerate(arguments)}}
        return Contender(name, f"f({', '.join(list(scope)[1:])})", answer, scope)

    rivals = [contender("by hand", by_hand), contender("fastgrad, eager", f)]
    found = peers(peer, *(() if peer == "staged" else arguments)) if peer else []
    return Race(contender("fastgrad, compiled", program), [*rivals, *found], rtol=rtol, per=per)


@row("compiled-staged", target=0.55, note="value and gradients of the staged expression; against lean Python floats")
def staged(settings):
    """Floats in and out."""

    def expression(x, y):
        return (x + fg.sigmoid(y)) / (fg.sigmoid(x) + (x + y) ** 2)

    def by_hand(x, y):
        f, dx, dy = staged_lean(x, y)
        return f, (dx, dy)

    both = fg.value_and_grad(expression, argnums=(0, 1))
    return both_ways(("f", "dx", "dy"), both, by_hand, (3.0, -4.0), "staged")


@row("compiled-rosenbrock-10", target=0.14, note="n = 10, value and gradient, NumPy in and out; against NumPy")
def rosenbrock_10(settings):
    """Ten numbers, of which a replay reads every one once."""
    x = np.linspace(-1.0, 1.5, 10)
    return both_ways(("value", "gradient"), fg.value_and_grad(rosenbrock), rosenbrock_by_hand, (x,), "rosenbrock-10")


@row("compiled-logistic-20", target=0.35, note="logistic regression, 20 parameters, 100 samples; against NumPy")
def logistic(settings):
    """Two products of a matrix and a vector, and what surrounds them."""
    rng = np.random.default_rng(13)
    x, t = rng.normal(size=(100, 20)), (rng.random(100) > 0.5).astype(float)
    inputs, labels = fg.asarray(x), fg.asarray(t)

    def loss(w):
        z = inputs @ w
        return fg.mean(fg.softplus(z) - labels * z)

    def by_hand(w):
        z = x @ w
        e = np.exp(-np.abs(z))
        value = (np.maximum(z, 0.0) + np.log1p(e) - t * z).mean()
        g = np.where(z > 0.0, 1.0, e)
        g /= 1.0 + e
        g -= t
        g /= len(t)
        return value, g @ x

    return both_ways(("value", "gradient"), fg.value_and_grad(loss), by_hand, (rng.normal(size=20),))


class Step:
    """The SGD step of the 64-64-10 network, in parameters of its own."""

    def __init__(self, layers, x, labels):
        self.params, self.inputs, self.labels = leaves(layers), fg.asarray(x), labels

    def step(self):
        w1, b1, w2, b2 = self.params
        loss = functional.cross_entropy((self.inputs @ w1 + b1).tanh() @ w2 + b2, self.labels)
        loss.backward()
        with fg.no_grad():
            for p in self.params:
                p -= RATE * p.grad
                p.grad = None
        return loss.detach()

    def contender(self, name, step):
        def answer():
            found = {"loss": np.asarray(step())}
            return found | {f"parameter {k}": p.detach().numpy().copy() for k, p in enumerate(self.params)}

        return Contender(name, step, answer)


@row("compiled-mlp-64-64-10", target=0.85, note="tanh, cross-entropy, batch 32, SGD step; against fastgrad, eager")
def mlp(settings):
    """Written as in the row `mlp-64-64-10`."""
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(32, 64)), rng.integers(0, 10, 32)
    layers = make_layers(rng, 64, 64, 10)
    ours, plain = Step(layers, x, labels), Step(layers, x, labels)
    return Race(
        ours.contender("fastgrad, compiled", fg.compile(ours.step)), [plain.contender("fastgrad, eager", plain.step)]
    )


@row("compiled-rnn-100", target=0.45, note="100 steps, hidden 32, batch 16, forward and backward; against NumPy")
def rnn(settings):
    """A loop in Python, which a replay does not run."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(settings.size(100, 5), 16, 32))
    arrays = rng.normal(size=(32, 32)) / 6, rng.normal(size=(32, 32)) / 6, 0.1 * rng.normal(size=32)
    inputs, start = fg.tensor(x), fg.tensor(np.zeros((16, 32)))

    def loss(wx, wh, b):
        h = start
        for ut in inputs @ wx + b:
            h = (h @ wh + ut).tanh()
        return (h * h).mean()

    both, hand = fg.value_and_grad(loss, argnums=(0, 1, 2)), HandRNN(x, *arrays)
    names = ("loss", "gwx", "gwh", "gb")
    program = fg.compile(both)

    def contender(name, f):
        def answer():
            value, gradients = f(*arrays)
            return named(names, (value, *gradients))

        return Contender(name, lambda: f(*arrays), answer)

    rivals = [Contender("NumPy by hand", hand.step, hand.answer), contender("fastgrad, eager", both)]
    return Race(contender("fastgrad, compiled", program), [*rivals, *peers("rnn-100", arrays, x)])


for _power, _target in ((3, 0.35), (5, 0.65), (7, 0.6)):

    @row(f"compiled-mixed-1e{_power}", target=_target, note="sum(tanh(x) * sigmoid(x) + exp(-x * x)), per element")
    def mixed_row(settings, n=10**_power):
        """Elementwise runs, evaluated block by block."""
        x = np.random.default_rng(5).normal(size=settings.size(n, 1000))
        name = f"mixed-1e{len(str(x.size)) - 1}"
        return both_ways(("value", "gradient"), fg.value_and_grad(mixed), mixed_by_hand, (x,), name, per=x.size)


@row("compiled-recording", target=5.0, note="recording Rosenbrock's gradient, n = 10; against one call of it")
def recording(settings):
    """The first call of a program."""
    x, both = np.linspace(-1.0, 1.5, 10), fg.value_and_grad(rosenbrock)

    def contender(name, step):
        return Contender(name, step, lambda: named(("value", "gradient"), step()))

    return Race(
        contender("fastgrad, recording", lambda: fg.compile(both)(x)), [contender("fastgrad, eager", lambda: both(x))]
    )


@row("compiled-identity", note="a call of the compiled `lambda x: x` with a float; against the function itself")
def identity(settings):
    """What a call costs that computes nothing; 150 ns are wanted."""
    f = lambda x: x
    program = fg.compile(f)

    def contender(name, function):
        return Contender(name, "f(1.5)", lambda: {"x": np.asarray(function(1.5))}, {"f": function})

    return Race(contender("fastgrad, compiled", program), [contender("Python", f)])
