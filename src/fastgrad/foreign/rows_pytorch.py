"""Names of PyTorch that are called otherwise, are not here, or mean something else. See `table`."""

NAMES = """
fg.Size | x.shape, a tuple |
fg.float16 || Tensors hold float32 and float64; half precision has no fast arithmetic on most CPUs
fg.half || Tensors hold float32 and float64; half precision has no fast arithmetic on most CPUs
fg.bfloat16 || Tensors hold float32 and float64; NumPy has no bfloat16
fg.HalfTensor | fg.FloatTensor | Tensors hold float32 and float64
fg.get_default_device | fg.device("cpu") | the CPU is the only device
fg.set_default_dtype | dtype= of each function, or model.astype(dtype) | the default is always float64, as in NumPy
fg.set_default_tensor_type | dtype= of each function | the default is always float64, as in NumPy
fg.jit | fg.compile(f) | records the kernel calls of the first call and replays them, without a compiler
fg.distributed || there is no data parallelism
fg.multiprocessing | multiprocessing | Tensors that do not require a gradient can be pickled
fg.sparse || there are no sparse tensors
fg.sparse_coo_tensor || there are no sparse tensors
fg.quantization || there are no quantized tensors
fg.onnx || models are saved as .npz or .safetensors
fg.hub || there are no pretrained models: load weights with fg.nn.load
fg.distributions | numpy.random for samples; fg.multinomial and fg.log_softmax for categories | log-densities are
    written out, as in `-0.5 * ((x - m) / s) ** 2 - fg.log(s)` for a normal distribution
fg.random | fg.manual_seed(0), fg.nn.get_rng_state() |
fg.get_rng_state | fg.nn.get_rng_state() |
fg.set_rng_state | fg.nn.set_rng_state(state) |
fg.initial_seed | fg.manual_seed(seed) | the seed is not kept
fg.set_printoptions | numpy.set_printoptions(...) | Tensors print as NumPy arrays do
fg.addcmul | x + value * (a * b) |
fg.addcdiv | x + value * (a / b) |
fg.addmv | x + a @ b |
fg.addbmm | x + (a @ b).sum(0) |
fg.baddbmm | x + a @ b |
fg.block_diag | fg.concat with fg.zeros |
fg.bucketize | fg.searchsorted(boundaries, x) |
fg.cartesian_prod | fg.meshgrid(*xs, indexing="ij") |
fg.cdist | ((x[:, None] - y[None]) ** 2).sum(-1).sqrt() |
fg.combinations | itertools.combinations |
fg.cummax | numpy.maximum.accumulate(x.detach().numpy()) | no gradient is defined
fg.cummin | numpy.minimum.accumulate(x.detach().numpy()) | no gradient is defined
fg.logcumsumexp | fg.log(fg.cumsum(fg.exp(x - m), axis)) + m, with m the maximum |
fg.det | fg.linalg.det |
fg.logdet | fg.linalg.slogdet(x).logabsdet |
fg.slogdet | fg.linalg.slogdet |
fg.inverse | fg.linalg.inv |
fg.cholesky | fg.linalg.cholesky |
fg.qr | fg.linalg.qr |
fg.svd | fg.linalg.svd(x, full_matrices=False) |
fg.stft | fg.fft.rfft of windows |
fg.special | fg.erf, fg.logsumexp, fg.softmax, ... | special functions are in fastgrad itself
fg.erfinv || there is no rule; scipy.special.erfinv for constants
fg.lgamma || there is no rule; scipy.special.gammaln for constants
fg.digamma || there is no rule; scipy.special.digamma for constants
fg.frac | x - fg.trunc(x) |
fg.histc | numpy.histogram(x.detach().numpy()) |
fg.kthvalue | fg.sort(x, axis)[..., k - 1] |
fg.mode | fg.unique_counts(x) |
fg.poisson | fg.asarray(numpy.random.default_rng().poisson(rate)) |
fg.range | fg.arange(start, stop + step, step) |
fg.renorm | x * fg.clip(maxnorm / fg.norm(x, axis=1, keepdims=True), None, 1) |
fg.scatter_add | x.copy().scatter_add_(dim, index, src) |
fg.index_add | x.copy().index_add_(dim, index, source) |
fg.tensor_split | fg.split(x, indices_or_sections) |
fg.unique_consecutive | itertools.groupby |
fg.view_as_real | fg.stack((x.real, x.imag), axis=-1) |
fg.view_as_complex | x[..., 0] + 1j * x[..., 1] |
fg.polar | r * (fg.cos(t) + 1j * fg.sin(t)) |
fg.sgn | x / abs(x) |
fg.is_nonzero | bool(x) |
fg.get_device | "cpu" | the CPU is the only device
fg.xpu || the CPU is the only device
fg.Storage | x.numpy() | memory is shared through arrays
fg.profiler | cProfile, or fg.explain(y) |
Tensor.half || Tensors hold float32 and float64; use x.float()
Tensor.bfloat16 || Tensors hold float32 and float64; use x.float()
Tensor.apply_ | fg.primitive for a function of one's own |
Tensor.map_ | fg.primitive for a function of one's own |
Tensor.share_memory_ || tensors are not shared by processes: use multiprocessing.shared_memory and fg.asarray
Tensor.is_shared || tensors are not shared by processes
Tensor.is_sparse || there are no sparse tensors
Tensor.to_sparse || there are no sparse tensors
Tensor.to_dense || all tensors are dense: use x itself
Tensor.is_quantized || there are no quantized tensors
Tensor.layout | x.strides | all tensors are dense and strided
Tensor.resize_ | x = x.reshape(shape) | the shape of a tensor does not change
Tensor.unsqueeze_ | x = x.unsqueeze(dim) | the shape of a tensor does not change
Tensor.squeeze_ | x = x.squeeze() | the shape of a tensor does not change
Tensor.t_ | x = x.t() | the shape of a tensor does not change
Tensor.transpose_ | x = x.swapaxes(dim0, dim1) | the shape of a tensor does not change
Tensor.register_post_accumulate_grad_hook | x.register_hook(hook) | which takes the gradient of one sweep
Tensor.retains_grad | x.retain_grad() before backward |
Tensor.get_device | x.device | the CPU is the only device
Tensor.xpu || the CPU is the only device
Tensor.index_copy | y = x.copy(), then y[index] = source |
Tensor.index_put_ | x[indices] = values |
Tensor.inverse | fg.linalg.inv(x) |
Tensor.det | fg.linalg.det(x) |
Tensor.logdet | fg.linalg.slogdet(x).logabsdet |
Tensor.slogdet | fg.linalg.slogdet(x) |
Tensor.svd | fg.linalg.svd(x, full_matrices=False) |
Tensor.symeig | fg.linalg.eigh(x) |
Tensor.cummax | numpy.maximum.accumulate(x.detach().numpy()) | no gradient is defined
Tensor.cummin | numpy.minimum.accumulate(x.detach().numpy()) | no gradient is defined
Tensor.kthvalue | fg.sort(x, axis)[..., k - 1] |
Tensor.mode | fg.unique_counts(x) |
Tensor.multinomial | fg.multinomial(x, num_samples) |
Tensor.quantile | fg.sort(x), then an index |
Tensor.nanmean | fg.mean(x[~fg.isnan(x)]) |
Tensor.nansum | fg.where(fg.isnan(x), 0, x).sum() |
Tensor.where | fg.where(condition, x, y) |
Tensor.unfold | fg.stack of slices |
Tensor.names || axes have no names
nn.DataParallel | the module itself | there is one device
nn.PixelShuffle | x.reshape and x.permute_dims |
nn.Unfold || convolutions do this internally
nn.parallel || there is one device
nn.quantized || there are no quantized tensors
nn.LazyLinear | nn.Linear(in_features, out_features) | sizes are given
nn.LazyConv2d | nn.Conv2d(in_channels, out_channels, kernel_size) | sizes are given
nn.UninitializedParameter | nn.Parameter(data) | sizes are given
nn.Transformer | nn.LayerNorm, nn.Linear and softmax in a Module of one's own |
nn.CTCLoss || there is no rule
nn.EmbeddingBag | nn.Embedding, then sum or mean |
nn.Conv3d || convolutions have one or two axes
nn.MaxPool3d || pooling has one or two axes
nn.Fold || there is no rule
nn.functional.grid_sample || there is no rule for interpolation
nn.functional.upsample || there is no rule for interpolation
nn.functional.unfold || convolutions do this internally
nn.functional.fold || there is no rule
nn.functional.ctc_loss || there is no rule
nn.functional.gumbel_softmax | fg.softmax((x + noise) / temperature) |
optim.SparseAdam || there are no sparse gradients: use optim.Adam
optim.Rprop || use optim.RMSprop, which is its version for batches
optim.ASGD || use optim.SGD
optim.swa_utils | averages of state dicts |
"""

DIFFERENT = """
fg.autograd | fg.gradients(outputs, inputs), fg.grad(f) | fg.autograd has the names of HIPS autograd; backward is a
    method of Tensor
fg.max | fg.argmax(x, 1), or fg.max(x, dim=1) | `fg.max(x, 1)` returns the values, as NumPy; `dim=` or `keepdim=`
    returns the pair of values and indices, as PyTorch. `_, i = fg.max(x, 1)` warns (PyTorchSpellingWarning)
fg.min | fg.argmin(x, 1), or fg.min(x, dim=1) | as `fg.max`; for two tensors, `fg.minimum`
fg.sort | fg.argsort(x), or fg.topk | `fg.sort(x)` returns the values, as NumPy (PyTorchSpellingWarning if they are
    unpacked as a pair)
fg.std | fg.std(x, correction=1), or fg.std(x, dim=0) | the divisor is n, as in NumPy; with `dim=`, `keepdim=` or
    `unbiased=` it is n - 1, as in PyTorch
fg.var | fg.var(x, correction=1), or fg.var(x, dim=0) | as `fg.std`
fg.squeeze | x.squeeze() | `x.squeeze(0)` needs an axis of length 1, as in NumPy; PyTorch ignores others
fg.load | fg.load("model.npz"), or .safetensors | PyTorch's `.pt` files are pickles and are not read: convert them in
    PyTorch, `numpy.savez("model.npz", **model.state_dict())`
fg.save | fg.save(model.state_dict(), "model.npz") | the suffix selects the format
fg.split | x.split(2), or fg.split(x, [2, 4]) | `fg.split(x, 2)` makes two parts, as NumPy; `x.split(2)` parts of
    length 2, as PyTorch
fg.norm | fg.norm(x, p=2), or x.norm(2) | `fg.norm(x, 2)` of a matrix is the largest singular value, as NumPy's
fg.nonzero | fg.stack(fg.nonzero(x), axis=1) | a tuple of indices per axis, as in NumPy
fg.meshgrid | fg.meshgrid(x, y, indexing="ij") | the default is "xy", as in NumPy
fg.dot | fg.matmul | `fg.dot` accepts matrices, as NumPy
fg.arange | fg.arange(3, dtype=fg.int64) | the dtype is that of NumPy
fg.tensor | fg.tensor(data, dtype=fg.float32) | Python floats are float64, as in NumPy
fg.randn | fg.randn(3, dtype=fg.float32) | random tensors are float64, and not PyTorch's numbers
fg.median | x.median(), or fg.median(x, dim=0) | `fg.median(x)` is NumPy's, the mean of two middle elements, of which
    PyTorch takes the smaller one
Tensor.transpose | x.swapaxes(0, 1), or x.T | `x.transpose(0, 1)` of a matrix keeps the order of the axes, as
    NumPy (PyTorchSpellingWarning); other tensors are transposed as in PyTorch
Tensor.repeat | x.tile(2, 1) | `x.repeat(2, 1)` repeats each element along axis 1, as NumPy
    (PyTorchSpellingWarning); `x.repeat(2, 1, 1)` repeats the tensor
Tensor.max | x.argmax(1), or x.max(dim=1) | `x.max(1)` returns the values; `x.max(1)[1]` is the second of them, and
    `_, i = x.max(1)` warns (PyTorchSpellingWarning)
Tensor.min | x.argmin(1), or x.min(dim=1) | as `x.max`
Tensor.std | x.std(correction=1) | the divisor is n; with `dim=`, `keepdim=` or `unbiased=` it is n - 1
Tensor.var | x.var(correction=1) | as `x.std`
Tensor.nonzero | x.nonzero(as_tuple=False) | a tuple of indices per axis by default, as in NumPy
Tensor.view | x.reshape(shape) | copies where the strides require it, instead of raising
Tensor.size | x.shape, x.shape[0] | `x.size` is the number of elements, an int, as in NumPy: `x.size(0)` is
    "TypeError: 'int' object is not callable"
Tensor.device | x.device | equals the string "cpu"
Tensor.numpy | x.numpy(writable=True) | read-only, also for a tensor that requires a gradient
Tensor.grad_fn | x.op, x.operands | has `name()` and `next_functions` only
nn.Softmax | nn.Softmax(dim=-1) | without an axis, the last one; PyTorch guesses the first or second one, which
    differs for three and more axes (PyTorchSpellingWarning)
nn.CrossEntropyLoss | nn.functional.cross_entropy(logits.swapaxes(1, 2), labels) | classes are on the last axis;
    in PyTorch on the second one, for (N, C, L)
nn.functional.cross_entropy | nn.functional.cross_entropy(logits.swapaxes(1, 2), labels) | classes are on the last
    axis; in PyTorch on the second one, for (N, C, L)
nn.functional.softmax | nn.functional.softmax(x, dim=1) | without an axis, the last one
nn.Linear | nn.Linear(2, 3) | initial weights are drawn from the same distribution, with other numbers
"""
