"""Programs written for HIPS autograd, under its own names: `fastgrad.autograd`.

The second column is the same function under fastgrad's names, so that the table shows what the other names cost. JAX is
called in the same way, compiled, with NumPy arrays and floats in and out.
"""

import numpy as np

import fastgrad as fg
import fastgrad.numpy as fnp
from bench.results import row
from fastgrad.benchmark.peers import autograd_functions, peers
from fastgrad.benchmark.race import Contender, Race


def _race(name):
    import fastgrad.autograd as ag

    ours = Contender("fastgrad", *autograd_functions.measured(name, ag, ag.numpy))
    own = Contender("fastgrad's names", *autograd_functions.measured(name, fg, fnp))
    return Race(ours, [own, *peers(name)])


def _register(name, note):
    row(name, note=note)(lambda settings: _race(name))


_register("autograd-short", "grad of x**2 at a float; autograd's micro-benchmarks: this and the next two")
_register("autograd-long", "grad of 50 sines in a chain")
_register("autograd-fan", "grad of 10^4 steps (x + x) / 2")
_register("autograd-rosenbrock", "value_and_grad of Rosenbrock, n = 10")
_register("autograd-logistic", "value_and_grad of a logistic regression of 20 parameters on 100 samples")
_register("autograd-mlp", "value_and_grad of the 64-64-10 network, batch 32, parameters in a list")
_register("autograd-jacobian", "jacobian of a function from 10 to 50 numbers")
_register("autograd-rnn", "value_and_grad of a recurrent network on 42 sequences of 30 letters, parameters in a dict")
_register("autograd-lstm", "the same with the gates of an LSTM")


@row("autograd-exp", note="autograd.numpy.exp of an ndarray of ten numbers; numpy.exp")
def autograd_exp(settings):
    """A call that nothing traces."""
    import fastgrad.autograd.numpy as anp

    x = np.linspace(0.0, 1.0, 10)
    ours = Contender("fastgrad", lambda: anp.exp(x), lambda: {"value": anp.exp(x)})
    plain = Contender("NumPy", lambda: np.exp(x), lambda: {"value": np.exp(x)})
    return Race(ours, [plain, *peers("autograd-exp", x)])


@row("autograd-boxed", note="autograd.numpy.exp of a box that holds a float; the same of a Tensor")
def autograd_boxed(settings):
    """A call that is traced."""
    import fastgrad.autograd.numpy as anp
    from fastgrad.autograd.core import VJPNode
    from fastgrad.autograd.tracer import new_box

    ours = Contender("fastgrad", *autograd_functions.boxed_exp(new_box, VJPNode.new_root(), anp))
    x = fg.tensor(2.0, requires_grad=True)
    own = Contender("a Tensor", lambda: fnp.exp(x), lambda: {"value": fnp.exp(x).detach().numpy()})
    return Race(ours, [own, *peers("autograd-boxed")])
