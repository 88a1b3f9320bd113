"""The rows in JAX, compiled by `jax.jit`, in float64."""

from functools import partial

import jax
import jax.numpy as jnp

from fastgrad.benchmark.peers import autograd_functions, functions, named

RATE = 1e-3
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")


def _runner(compiled, *arguments):
    """Return a step that waits for its result, and the function."""
    return lambda: jax.block_until_ready(compiled(*arguments))


def of_numbers(function, names, *numbers):
    both = jax.value_and_grad(partial(function, jnp), argnums=tuple(range(len(numbers))))
    step = _runner(jax.jit(both), *numbers)

    def answer():
        value, gradients = step()
        return named(names, (value, *gradients))

    return step, answer


def trained(function, arrays, *data):
    data = [jnp.asarray(d) for d in data]
    both = jax.value_and_grad(lambda params: function(jnp, params, *data))

    @jax.jit
    def update(params):
        loss, gradients = both(params)
        return loss, gradients, [p - RATE * g for p, g in zip(params, gradients)]

    params = [jnp.asarray(a) for a in arrays]

    def step():
        nonlocal params
        loss, gradients, params = jax.block_until_ready(update(params))
        return loss, gradients

    def answer():
        loss, gradients = step()
        out = {"loss": loss} | {f"gradient {k}": g for k, g in enumerate(gradients)}
        return out | {f"parameter {k}": p for k, p in enumerate(params)}

    return step, answer


def rnn(arrays, x):
    def loss_of(params):
        wx, wh, b = params
        start = jnp.zeros((x.shape[1], len(b)))
        h, _ = jax.lax.scan(lambda h, u: (jnp.tanh(h @ wh + u), None), start, jnp.asarray(x) @ wx + b)
        return jnp.mean(h * h)

    step = _runner(jax.jit(jax.value_and_grad(loss_of)), [jnp.asarray(a) for a in arrays])

    def answer():
        loss, gradients = step()
        return named(("loss", "gwx", "gwh", "gb"), (loss, *gradients))

    return step, answer


def of_one(function, x):
    # Like in the other libraries, the conversion from NumPy is part of the work.
    step = _runner(jax.jit(jax.value_and_grad(partial(function, jnp))), x)
    return step, lambda: named(("value", "gradient"), step())


def hvp(arrays, direction, x, labels):
    gradient = jax.grad(lambda params: functions.mlp_tanh(jnp, params, x, labels))
    product = jax.jit(lambda params, v: jax.jvp(gradient, (params,), (v,))[1])
    step = _runner(product, [jnp.asarray(a) for a in arrays], [jnp.asarray(v) for v in direction])
    return step, lambda: {f"hvp {k}": h for k, h in enumerate(step())}


def matmul(a, b, g):
    def three(x1, x2):
        y, pull = jax.vjp(jnp.matmul, x1, x2)
        return y, *pull(jnp.asarray(g))

    step = _runner(jax.jit(three), jnp.asarray(a), jnp.asarray(b))
    return step, lambda: named(("y", "g1", "g2"), step())


def _of_result(names, function, *arguments):
    """Return a step and an answer of a compiled function of NumPy arrays; the conversion is part of the work."""
    step = _runner(jax.jit(function), *arguments)
    return step, lambda: named(names, step() if len(names) > 1 else (step(),))


def jvp_10(x, v):
    return _of_result(("value", "tangent"), lambda x, v: jax.jvp(partial(functions.cubes, jnp), (x,), (v,)), x, v)


def hvp_10(x, v):
    gradient = jax.grad(partial(functions.cubes, jnp))
    return _of_result(("hvp",), lambda x, v: jax.jvp(gradient, (x,), (v,))[1], x, v)


def hessian_rosenbrock(x):
    return _of_result(("hessian",), jax.hessian(partial(functions.rosenbrock, jnp)), x)


def hessian_325(a, b, p):
    a, b = jnp.asarray(a), jnp.asarray(b)
    return _of_result(("hessian",), jax.hessian(partial(functions.least_squares, jnp, a, b)), p)


def jacobian_batched(w, x):
    return _of_result(("jacobian",), jax.jacrev(lambda x: jnp.tanh(x @ jnp.asarray(w))), x)


def per_sample(w, x, t):
    gradients = jax.vmap(jax.grad(partial(functions.logistic, jnp)), in_axes=(None, 0, 0))
    return _of_result(("gradients",), gradients, w, x, t)


def under_autograd_names(name):
    """The first call of a row is compiled; its results are waited for and converted, as users of NumPy have to."""

    class Compiled:
        def __getattr__(self, verb):
            return lambda f: jax.jit(getattr(jax, {"jacobian": "jacrev"}.get(verb, verb))(f))

    f, args = autograd_functions.CASES[name]()(Compiled(), jnp)

    def step():
        return jax.block_until_ready(f(*args))

    return step, lambda: {f"result {k}": a for k, a in enumerate(autograd_functions.leaves(step()))}


def per_sample_mlp(params, x, labels):
    def loss(params, x, label):
        return functions.mlp_tanh(jnp, params, x[None], label[None])

    gradients = jax.vmap(jax.grad(loss), in_axes=(None, 0, 0))
    return _of_result(tuple(f"d{k}" for k in range(4)), gradients, params, x, labels)


MAKERS = {
    "per-sample-mlp-32": per_sample_mlp,
    "per-sample-mlp-128": per_sample_mlp,
    **{name: partial(under_autograd_names, name) for name in autograd_functions.CASES if name != "autograd-fan"},
    "per-sample": per_sample,
    "jvp-10": jvp_10,
    "hvp-10": hvp_10,
    "hessian-rosenbrock-10": hessian_rosenbrock,
    "hessian-325": hessian_325,
    "jacobian-batched": jacobian_batched,
    "staged": partial(of_numbers, functions.staged, ("f", "dx", "dy"), 3.0, -4.0),
    "neuron": partial(of_numbers, functions.neuron, ("y", "dw1", "dw2", "db"), 2.0, -3.0, -3.0),
    "rnn-100": rnn,
    "rosenbrock-10": partial(of_one, functions.rosenbrock),
    "hvp-mlp": hvp,
    **{name: partial(trained, function) for name, function in functions.TRAINED.items()},
    **{name: partial(of_one, function) for name, function in functions.ELEMENTWISE.items()},
    **{f"matmul-{n}": matmul for n in (1024, 256, 64)},
}
