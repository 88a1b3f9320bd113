"""Names of HIPS autograd that are called otherwise, are not here, or mean something else. See `table`."""

NAMES = """
fg.make_vjp | fg.vjp(f, x) | autograd's returns the value second
fg.make_jvp | fg.jvp(f, (x,), (v,)) |
fg.make_hvp | fg.hvp(f, (x,), (v,)) |
fg.make_ggnvp | fg.vjp and fg.jvp |
fg.grad_and_aux | fg.grad(f, has_aux=True) |
fg.multigrad_dict | fg.grad(f) of a dict |
fg.hessian_vector_product | fg.hvp(f, (x,), (v,)) |
fg.hessian_tensor_product | fg.hvp(f, (x,), (v,)) |
fg.tensor_jacobian_product | fg.vjp(f, x) |
fg.vector_jacobian_product | fg.vjp(f, x) |
fg.make_jvp_reversemode | fg.jvp(f, (x,), (v,)) |
fg.holomorphic_grad | fg.grad(f) |
fg.value_and_multigrad | fg.value_and_grad(f, argnums=(0, 1)) |
fg.extend | fg.primitive(forward, vjp=...) |
fg.defvjp | fg.primitive(forward, vjp=...) |
fg.defjvp | fg.primitive(forward, vjp=..., jvp=...) | without jvp, forward mode is derived from the vjp
fg.misc | fg.optim for optimizers |
fg.test_util | fg.testing |
fg.getval | x.detach() |
fg.isbox | fg.is_tensor(x) |
Tensor._value | x.detach() |
"""

DIFFERENT = """
fg.jacobian | fg.jacobian(f) | the same
fg.checkpoint | fg.checkpoint(f) | the same; nested functions may read other Tensors
fg.primitive | fg.primitive(forward, vjp=...) | the vjp is passed here, and not by `defvjp`
"""
