"""The same rows by other libraries, where they are installed. Each writes its row as its own documentation would."""

from importlib import import_module

import numpy as np

from fastgrad.cli.contestants import RATE, adds, calls, judged, matrices, network, wave

# What each peer's rows are given, in the order in which they take them.
MODULES = {
    "torch": ("torch",),
    "autograd": ("autograd", "autograd.numpy"),
    "jax.jit": ("jax", "jax.numpy"),
    "micrograd": ("micrograd.engine",),
}
PEERS = {}  # (peer, row key) -> function of the peer's modules, returning a Contestant


def load_peers():
    """Modules of each installed peer, and a list of what is missing or does not import."""
    peers, missing = {}, []
    for name, modules in MODULES.items():
        try:
            peers[name] = tuple(map(import_module, modules))
        except ModuleNotFoundError:
            missing.append(name)
        except Exception as error:  # a broken installation of somebody else's library must not end our table
            missing.append(f"{name} ({type(error).__name__} on import)")
    if "jax.jit" in peers:
        peers["jax.jit"][0].config.update("jax_enable_x64", True)
    return peers, missing


def entry(peer, row):
    def keep(function):
        PEERS[peer, row] = function
        return function

    return keep


def expression(x, y, s):
    return (x + s(y)) / (s(x) + (x + y) ** 2)


# PyTorch


def torch_leaf(torch, value):
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


def torch_read(tensor):
    return tensor.detach().numpy()


def torch_add(torch, a, b):
    def values():
        y = a + b
        return [torch_read(part) for part in (y, *torch.autograd.grad(y, (a, b), torch.ones_like(y)))]

    return adds(a, b, values)


@entry("torch", "scalar add")
def torch_scalar_add(torch):
    return torch_add(torch, torch_leaf(torch, 3.0), torch_leaf(torch, -4.0))


@entry("torch", "matrix add")
def torch_matrix_add(torch):
    return torch_add(torch, *(torch_leaf(torch, x) for x in matrices()))


@entry("torch", "staged")
def torch_staged(torch):
    def work():
        x, y = torch_leaf(torch, 3.0), torch_leaf(torch, -4.0)
        value = expression(x, y, torch.sigmoid)
        value.backward()
        return value, x.grad, y.grad

    return judged(work, torch_read)


@entry("torch", "neuron")
def torch_neuron(torch):
    def work():
        w1, w2, b = (torch_leaf(torch, value) for value in (2.0, -3.0, -3.0))
        y = torch.relu(w1 * -1.0 + w2 * -2.0 + b) ** 2
        y.backward()
        return y, w1.grad, w2.grad, b.grad

    return judged(work, torch_read)


@entry("torch", "elementwise")
def torch_elementwise(torch):
    x = torch_leaf(torch, wave())

    def work():
        x.grad = None
        y = (torch.tanh(x) * torch.sigmoid(x) + torch.exp(-x * x)).sum()
        y.backward()
        return y, x.grad

    return judged(work, torch_read)


@entry("torch", "training")
def torch_training(torch):
    start, x, labels = network()
    w1, b1, w2, b2 = parameters = [torch_leaf(torch, p) for p in start]
    x, labels = torch.tensor(x), torch.tensor(labels)

    def work():
        loss = torch.nn.functional.cross_entropy(torch.tanh(x @ w1 + b1) @ w2 + b2, labels)
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p -= RATE * p.grad
                p.grad = None
        return loss, b2

    return judged(work, torch_read)


# HIPS autograd and JAX: functions of arrays, differentiated


def sigmoid_of(xnp):
    return lambda x: 1.0 / (1.0 + xnp.exp(-x))


def network_loss(xnp, x, labels):
    hot = np.eye(10)[labels]

    def loss(parameters):
        w1, b1, w2, b2 = parameters
        z = xnp.tanh(x @ w1 + b1) @ w2 + b2
        z = z - z.max(axis=1, keepdims=True)
        return (xnp.log(xnp.exp(z).sum(axis=1)) - (z * hot).sum(axis=1)).mean()

    return loss


def wave_sum(xnp):
    s = sigmoid_of(xnp)
    return lambda x: xnp.sum(xnp.tanh(x) * s(x) + xnp.exp(-x * x))


def flat(result):
    """`(value, (gradient, ...))` as one flat list."""
    value, gradients = result
    return [value, *gradients]


@entry("autograd", "staged")
def autograd_staged(autograd, anp):
    s = sigmoid_of(anp)
    run = autograd.value_and_grad(lambda xy: expression(xy[0], xy[1], s))
    return calls(lambda: flat(run((3.0, -4.0))))


@entry("autograd", "neuron")
def autograd_neuron(autograd, anp):
    run = autograd.value_and_grad(lambda p: anp.maximum(p[0] * -1.0 + p[1] * -2.0 + p[2], 0.0) ** 2)
    return calls(lambda: flat(run((2.0, -3.0, -3.0))))


@entry("autograd", "elementwise")
def autograd_elementwise(autograd, anp):
    x, run = wave(), autograd.value_and_grad(wave_sum(anp))
    return calls(lambda: run(x))


@entry("autograd", "training")
def autograd_training(autograd, anp):
    parameters, x, labels = network()
    run = autograd.value_and_grad(network_loss(anp, x, labels))

    def work():
        loss, gradients = run(parameters)
        for p, g in zip(parameters, gradients, strict=True):
            p -= RATE * g
        return loss, parameters[3]

    return calls(work)


@entry("jax.jit", "staged")
def jax_staged(jax, jnp):
    run = jax.jit(jax.value_and_grad(lambda x, y: expression(x, y, sigmoid_of(jnp)), (0, 1)))
    return judged(lambda: flat(jax.block_until_ready(run(3.0, -4.0))), np.asarray)


@entry("jax.jit", "neuron")
def jax_neuron(jax, jnp):
    run = jax.jit(jax.value_and_grad(lambda w1, w2, b: jax.nn.relu(w1 * -1.0 + w2 * -2.0 + b) ** 2, (0, 1, 2)))
    return judged(lambda: flat(jax.block_until_ready(run(2.0, -3.0, -3.0))), np.asarray)


@entry("jax.jit", "elementwise")
def jax_elementwise(jax, jnp):
    x, run = jnp.asarray(wave()), jax.jit(jax.value_and_grad(wave_sum(jnp)))
    return judged(lambda: jax.block_until_ready(run(x)), np.asarray)


@entry("jax.jit", "training")
def jax_training(jax, jnp):
    start, x, labels = network()
    loss_of = network_loss(jnp, jnp.asarray(x), labels)
    state = [[jnp.asarray(p) for p in start]]

    @jax.jit
    def step(parameters):
        loss, gradients = jax.value_and_grad(loss_of)(parameters)
        return loss, [p - RATE * g for p, g in zip(parameters, gradients, strict=True)]

    def work():
        loss, state[0] = jax.block_until_ready(step(state[0]))
        return loss, state[0][3]

    return judged(work, np.asarray)


# micrograd


@entry("micrograd", "scalar add")
def micrograd_add(micrograd):
    a, b = micrograd.Value(3.0), micrograd.Value(-4.0)

    def values():
        y = a + b
        y.backward()
        return y.data, a.grad, b.grad

    return adds(a, b, values)


@entry("micrograd", "neuron")
def micrograd_neuron(micrograd):
    def work():
        w1, w2, b = (micrograd.Value(value) for value in (2.0, -3.0, -3.0))
        y = (w1 * -1.0 + w2 * -2.0 + b).relu() ** 2
        y.backward()
        return y.data, w1.grad, w2.grad, b.grad

    return calls(work)
