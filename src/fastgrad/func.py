"""PyTorch's `torch.func`: calls of modules with given parameters, and transforms."""

from fastgrad.nn.functional_calls import functional_call
from fastgrad.transforms import grad, hessian, jvp, vjp, vmap

__all__ = ["functional_call", "grad", "hessian", "jvp", "vjp", "vmap"]
