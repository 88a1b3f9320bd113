"""Names of JAX that are called otherwise, are not here, or mean something else. See `table`."""

NAMES = """
fg.jit | fg.compile(f) | records the kernel calls of the first call and replays them, without a compiler
fg.pmap || there is one device
fg.jacfwd | fg.jacobian(f) |
fg.jacrev | fg.jacobian(f) |
fg.linearize | fg.jvp(f, primals, tangents) |
fg.linear_transpose | fg.vjp(f, *primals) |
fg.custom_vjp | fg.primitive(forward, vjp=...) | with saves=True, the forward returns residuals as well
fg.custom_jvp | fg.primitive(forward, jvp=...) | the vjp is derived from the jvp
fg.custom_gradient | fg.primitive(forward, vjp=...) |
fg.remat | fg.checkpoint(f) |
fg.lax | Python's own for, while and if | functions run eagerly
fg.tree_util | Python's own dicts, lists and tuples | transforms accept them
fg.tree_map | Python's own comprehensions | transforms accept nested parameters
fg.tree | Python's own dicts, lists and tuples | transforms accept them
fg.device_put | fg.asarray(x) | the CPU is the only device
fg.device_get | x.numpy() |
fg.make_jaxpr | fg.explain(y) |
fg.eval_shape | f(x).shape | functions run eagerly
fg.stop_gradient | x.detach() |
fg.scipy | fg.logsumexp, fg.erf; scipy for constants |
fg.debug | print(x) | functions run eagerly
fg.config | dtype= of each function |
fg.ensure_compile_time_eval || functions run eagerly
fg.Array | fg.Tensor |
fg.PRNGKey | fg.manual_seed(0), or generator= |
nn.initializers | nn.init |
nn.Dense | nn.Linear(in_features, out_features) |
nn.Conv | nn.Conv1d, nn.Conv2d |
nn.one_hot | fg.eye(n)[labels] |
nn.logsumexp | fg.logsumexp(x) |
nn.relu | fg.relu(x) |
nn.sigmoid | fg.sigmoid(x) |
nn.tanh | fg.tanh(x) |
nn.softmax | fg.softmax(x) |
nn.log_softmax | fg.log_softmax(x) |
nn.gelu | fg.gelu(x) |
nn.silu | fg.silu(x) |
nn.softplus | fg.softplus(x) |
optim.adam | optim.Adam(parameters) |
optim.sgd | optim.SGD(parameters, lr) |
Tensor.at | y = x.copy(), then y[index] = value | writes are recorded
Tensor.block_until_ready | x itself | functions run eagerly
Tensor.copy_to_host_async | x.numpy() |
Tensor.unsafe_buffer_pointer | x.numpy().ctypes.data |
"""

DIFFERENT = """
fg.grad | fg.grad(f) | the same; arguments are NumPy arrays or Tensors, and results are of the same kind
fg.hessian | fg.hessian(f) | the same, without `holomorphic=`
nn.Module | nn.Module | as in PyTorch: a module contains its parameters
"""
