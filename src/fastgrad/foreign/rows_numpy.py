"""Names of NumPy that are called otherwise, are not here, or mean something else. See `table`."""

NAMES = """
fg.ndarray | fg.Tensor |
fg.asanyarray | fg.asarray(obj) |
fg.ascontiguousarray | x.contiguous() |
fg.random | numpy.random, or fg.randn, fg.rand, fg.randint |
fg.matrix | fg.tensor(data) |
fg.vectorize || all functions are elementwise; fg.primitive for one of another library
fg.loadtxt | fg.asarray(numpy.loadtxt(path)) |
fg.genfromtxt | fg.asarray(numpy.genfromtxt(path)) |
fg.savez | fg.save({"x": x}, "state.npz") |
fg.float_ | fg.float64 |
fg.object_ || Tensors hold numbers only
fg.str_ || Tensors hold numbers only
fg.float128 || Tensors hold float32 and float64
fg.longdouble || Tensors hold float32 and float64
fg.errstate | fg.detect_anomaly() | forward passes do not warn
fg.seterr | fg.detect_anomaly() | forward passes do not warn
fg.einsum_path | fg.einsum(..., optimize=True) |
fg.fromfunction | f(*fg.meshgrid(..., indexing="ij")) |
Tensor.itemset | x[index] = value |
Tensor.tostring | x.numpy().tobytes() |
Tensor.tofile | x.numpy().tofile(path), or fg.save |
Tensor.dump | pickle.dump(x, file) |
Tensor.dumps | pickle.dumps(x) |
Tensor.base || views share memory; x.numpy().base is an array
Tensor.ctypes | x.numpy().ctypes |
Tensor.byteswap || Tensors are in native byte order
Tensor.sort | fg.sort(x) | ndarray.sort works in place, and Tensor.sort of PyTorch returns a pair
Tensor.resize | x.reshape(shape) | the shape of a tensor does not change
Tensor.setflags || x.numpy() is read-only; x.numpy(writable=True) is not
Tensor.getfield | x.numpy().view(dtype) |
Tensor.setfield | x[...] = value |
"""

DIFFERENT = """
fg.zeros | fg.zeros((2, 3), dtype=fg.float32) | the dtype is passed by keyword; `fg.zeros(2, 3)` is a shape, as in
    PyTorch
fg.asarray | fg.tensor(data) | a Tensor that shares memory with an array; operations that are recorded keep copies
    of what a backward pass reads
fg.argsort | fg.argsort(x) | stable by default
Tensor.astype | x.astype(dtype) | the gradient flows through it; it has no `order=` and `casting=`
Tensor.flatten | x.flatten() | parameters are `start_dim` and `end_dim`, as in PyTorch, and not `order`
Tensor.item | x.item() | raises inside a transform, where the gradient would be lost
Tensor.view | x.view(dtype) | a shape too, as in PyTorch; another dtype gives a read-only constant
"""
