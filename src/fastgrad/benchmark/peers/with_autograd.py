"""The rows in HIPS autograd."""

from functools import partial

import autograd
import autograd.numpy as anp
from autograd.core import VJPNode
from autograd.tracer import new_box

from fastgrad.benchmark.peers import autograd_functions, functions, named

RATE = 1e-3


def of_numbers(function, names, *numbers):
    both = autograd.value_and_grad(lambda v: function(anp, *v))

    def step():
        return both(numbers)

    def answer():
        value, gradients = step()
        return named(names, (value, *gradients))

    return step, answer


def trained(function, arrays, *data):
    both = autograd.value_and_grad(lambda params: function(anp, params, *data))
    params = [a.copy() for a in arrays]

    def step():
        loss, gradients = both(params)
        for p, g in zip(params, gradients):
            p -= RATE * g
        return loss, gradients

    def answer():
        loss, gradients = step()
        out = {"loss": loss} | {f"gradient {k}": g for k, g in enumerate(gradients)}
        return out | {f"parameter {k}": p.copy() for k, p in enumerate(params)}

    return step, answer


def rnn(arrays, x):
    both = autograd.value_and_grad(lambda params: functions.rnn(anp, params, x))

    def step():
        return both(list(arrays))

    def answer():
        loss, gradients = step()
        return named(("loss", "gwx", "gwh", "gb"), (loss, *gradients))

    return step, answer


def of_one(function, x):
    both = autograd.value_and_grad(lambda v: function(anp, v))

    def step():
        return both(x)

    return step, lambda: named(("value", "gradient"), step())


def hvp(arrays, direction, x, labels):
    gradient = autograd.grad(lambda params: functions.mlp_tanh(anp, params, x, labels))
    product = autograd.grad(lambda params: sum(anp.sum(g * v) for g, v in zip(gradient(params), direction)))

    def step():
        return product(list(arrays))

    return step, lambda: {f"hvp {k}": h for k, h in enumerate(step())}


def of_result(name, function, *arguments):
    def step():
        return function(*arguments)

    return step, lambda: {name: step()}


def hvp_10(x, v):
    product = autograd.hessian_vector_product(partial(functions.cubes, anp))
    return of_result("hvp", product, x, v)


def hessian_rosenbrock(x):
    return of_result("hessian", autograd.hessian(partial(functions.rosenbrock, anp)), x)


def hessian_325(a, b, p):
    return of_result("hessian", autograd.hessian(partial(functions.least_squares, anp, a, b)), p)


def jacobian_batched(w, x):
    return of_result("jacobian", autograd.jacobian(lambda x: anp.tanh(anp.dot(x, w))), x)


def per_sample(w, x, t):
    gradient = autograd.grad(partial(functions.logistic, anp))
    return of_result("gradients", lambda: anp.stack([gradient(w, *one) for one in zip(x, t)]))


def untraced_exp(x):
    return lambda: anp.exp(x), lambda: {"value": anp.exp(x)}


def boxed_exp():
    return autograd_functions.boxed_exp(new_box, VJPNode.new_root(), anp)


MAKERS = {
    "autograd-exp": untraced_exp,
    "autograd-boxed": boxed_exp,
    **{name: partial(autograd_functions.measured, name, autograd, anp) for name in autograd_functions.CASES},
    "per-sample": per_sample,
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
}
