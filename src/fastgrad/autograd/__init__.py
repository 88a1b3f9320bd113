"""HIPS autograd's names on fastgrad's engine: `import fastgrad.autograd as autograd`.

The modules have the names of autograd 1.9.1: `fastgrad.autograd.numpy`, `fastgrad.autograd.extend`, and so on.
"""

from fastgrad.autograd import numpy, tracer
from fastgrad.autograd._swap import install, uninstall
from fastgrad.autograd.builtins import dict, isinstance, list, tuple, type
from fastgrad.autograd.core import primitive_with_deprecation_warnings as primitive
from fastgrad.autograd.differential_operators import (
    checkpoint,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
)

tracer.enter_functions(numpy, numpy.linalg, numpy.fft)

__all__ = [
    "checkpoint", "deriv", "dict", "elementwise_grad", "grad", "grad_and_aux", "grad_named", "hessian",
    "hessian_tensor_product", "hessian_vector_product", "holomorphic_grad", "install", "isinstance", "jacobian", "list",
    "make_ggnvp", "make_hvp", "make_jvp", "make_jvp_reversemode", "make_vjp", "multigrad_dict", "primitive",
    "tensor_jacobian_product", "tuple", "type", "uninstall", "value_and_grad", "vector_jacobian_product",
]  # fmt: skip
