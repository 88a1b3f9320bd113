"""Functions of functions: from `f`, the function that computes its gradient, Jacobian, and so on.

`f` is handed Tensors in the places that are differentiated, whatever the caller passed there: arrays, numbers, or
nested tuples, lists and dicts of them. The result comes back in kind:

* array in, array out (the caller's own: writable, sharing memory with nothing); a number in, a NumPy scalar out; a
  Tensor in, a Tensor out. `f`'s own value follows the arguments: Tensors if one of them is a Tensor; otherwise
  arrays, and NumPy scalars where it is 0-d, as NumPy's own functions return them.
* A result is itself differentiable where something outside could ask: the call is made inside the function of
  another transform, or with a Tensor among its arguments, and an argument or a Tensor that `f` reads from outside
  requires a gradient. Otherwise, and under `no_grad()`, the cheap sweep runs and nothing is kept. So a training
  loop that hands arrays to `value_and_grad` never pays for a second derivative, and `grad(grad(f))` needs no
  switch.

A gradient with respect to a complex argument is that of steepest ascent, dL/dRe + i dL/dIm: PyTorch's, the
conjugate of JAX's.
"""

from fastgrad.transforms.forward import hvp, jvp
from fastgrad.transforms.matrices import hessian, jacobian
from fastgrad.transforms.recompute import checkpoint
from fastgrad.transforms.reverse import elementwise_grad, grad, value_and_grad, vjp

__all__ = ["checkpoint", "elementwise_grad", "grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]
