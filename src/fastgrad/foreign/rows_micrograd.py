"""Names of micrograd that are called otherwise, are not here, or mean something else. See `table`."""

NAMES = """
fg.Value | fg.tensor(2.0, requires_grad=True), or fastgrad.micrograd.engine.Value |
fg.draw_dot | fg.draw(y) |
nn.Neuron | nn.Linear(n, 1), or fastgrad.micrograd.nn.Neuron |
nn.Layer | nn.Linear(n, m), or fastgrad.micrograd.nn.Layer |
nn.MLP | nn.Sequential of nn.Linear and activations, or fastgrad.micrograd.nn.MLP |
Tensor._prev | x.operands |
Tensor._op | x.op |
Tensor._backward | fg.primitive(forward, vjp=...) for an op of one's own |
"""

DIFFERENT = """
fg.engine | fastgrad.micrograd.engine | the name of the engine in use, "cython" or "python"
Tensor.data | x.data | a Tensor that shares the memory of `x`; `x.item()` for a number
Tensor.grad | x.grad | a Tensor, or None before `backward`
"""
