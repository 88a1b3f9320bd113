"""Function transforms: from a function `f`, the function that computes its gradient, Jacobian, and so on.

The differentiated arguments may be arrays, numbers, Tensors, or nested tuples, lists and dicts of them. `f` always
receives Tensors in their place. The type of a result follows the type of the argument:

* The gradient of an array is an array (writable, sharing memory with nothing), that of a number is a NumPy scalar,
  and that of a Tensor is a Tensor. The value of `f` consists of Tensors if one of the arguments is a Tensor, and
  otherwise of arrays, with NumPy scalars in place of 0-d arrays, as NumPy's own functions return them.
* A result is itself differentiable if the call is made inside the function of another transform or with a Tensor
  among its arguments, and if an argument or a Tensor that `f` closes over requires a gradient. Otherwise, and under
  `no_grad()`, the sweep is not recorded. A training loop that passes arrays to `value_and_grad` therefore does not
  pay for second derivatives, and `grad(grad(f))` needs no option.

The gradient with respect to a complex argument is dL/dRe + i dL/dIm, the direction of steepest ascent. This is
PyTorch's convention; JAX returns the conjugate.
"""

from fastgrad.transforms.forward import hvp, jvp
from fastgrad.transforms.matrices import hessian, jacobian
from fastgrad.transforms.recompute import checkpoint
from fastgrad.transforms.reverse import elementwise_grad, grad, value_and_grad, vjp
from fastgrad.transforms.vmap import vmap

__all__ = [
    "checkpoint",
    "elementwise_grad",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "value_and_grad",
    "vjp",
    "vmap",
]
