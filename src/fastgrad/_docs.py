"""Docstrings of what both engines define: the Tensor, its methods, and the functions of an engine. Computes nothing."""

DOCS = {
    "tensor": """Create a leaf tensor with a copy of `data`.

    Parameters
    ----------
    data : Tensor, array, number, or nested sequence of numbers
    dtype : dtype, optional
        bool, an integer type, float32, float64, complex64 or complex128. By default NumPy's choice for `data`:
        float64 for Python floats.
    requires_grad : bool, default False
        Whether operations on the tensor are recorded and its gradient is accumulated in `.grad`. Needs a floating or
        complex dtype.

    Returns
    -------
    Tensor

    Raises
    ------
    DTypeError
        If a Tensor cannot hold the dtype, or `requires_grad` is set for integers or booleans.
    """,
    "asarray": """Convert `obj` to a Tensor, sharing memory where possible.

    Parameters
    ----------
    obj : Tensor, array, object with DLPack or the buffer protocol, number, or nested sequence of numbers
        A Tensor is returned as it is, unless `dtype` or `copy` asks for another one. A sequence that contains Tensors
        which require a gradient is stacked, recorded.
    dtype : dtype, optional
        The dtype of the result. Converting makes a copy.
    copy : bool, optional
        True always copies, False never does, None copies only if needed.
    device : "cpu", optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If `copy` is False and a copy is needed.
    DTypeError
        If a Tensor cannot hold the dtype.
    """,
    "gradients": """Return the gradients of `outputs` with respect to `inputs`, without changing any `.grad`.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensors
    inputs : Tensor or sequence of Tensors
        Leaves or intermediate results.
    cotangents : array, or sequence of arrays and None, optional
        One per output, of its shape. None stands for 1 and needs a real output of one element.
    retain_graph : bool, default False
        Keep the graph, so that it can be swept again.
    create_graph : bool, default False
        Record the sweep itself, for higher derivatives. Implies `retain_graph`.
    allow_unused : bool, default False
        Return None for an input that the outputs do not depend on, instead of raising an error.

    Returns
    -------
    tuple of Tensor or None
        One per input, of its shape and dtype.

    Raises
    ------
    BackwardError
        If an output or input does not require a gradient, or an input is unused. The message names its position.
    GraphFreedError
        If an earlier sweep has freed the graph.
    MutationError
        If a value that a rule needs was overwritten.
    """,
    "is_grad_enabled": "Return whether operations are recorded here: in this thread, and in this task or context.",
    "clear_cache": """Free all cached memory: blocks of results and pools of dead tensors and Values.

    The compiled engine keeps the memory of results for later ones, at most an eighth of the machine's memory and 1 GiB
    (`FASTGRAD_CACHE_BYTES` sets another limit), and pools up to a million dead tensors and Values. The pure-Python
    engine caches nothing.

    Returns
    -------
    int
        The number of bytes freed.
    """,
    "cache_info": """Return the state of the block cache.

    Returns
    -------
    dict of str to int
        "bytes" and "blocks" that are cached, the "limit" in bytes, and the numbers of "hits" and "misses".
    """,
    "get_num_threads": """Return how many native threads kernels use for large arrays, as `set_num_threads` describes.

    Returns
    -------
    int
    """,
    "set_num_threads": """Set how many native threads kernels use for large arrays, the calling one included.

    From 256 KiB, elementwise functions, their backward passes, sums and other reductions, updates of optimizers and
    stacks of matrix products are split between `n` threads. Results are the same, bit for bit, for every `n`. Products
    of single matrices are up to the BLAS of NumPy, which has its own threads (`OMP_NUM_THREADS`). The threads are
    started at the first use. The default is 1, or `FASTGRAD_NUM_THREADS`. The pure-Python engine uses one thread and
    only keeps the number.

    Parameters
    ----------
    n : int
        From 1 to 256. The number of cores is the most that can make sense.

    Returns
    -------
    int
        The previous number.

    Raises
    ------
    ValueError
        If `n` is anything else.
    """,
    "set_cache_limit": """Set the limit of the block cache in bytes; 0 turns the cache off.

    Returns
    -------
    int
        The previous limit.
    """,
    "Tensor": """An n-dimensional array that records how it was computed.

    Create one with `fastgrad.tensor` or `fastgrad.asarray`; all operations return Tensors. A Tensor supports indexing,
    in-place writes, arithmetic and comparison operators, and NumPy's functions.
    """,
    "Tensor.numpy": """Return the values as an ndarray that shares memory with the tensor.

    Parameters
    ----------
    writable : bool, default False
        The array is read-only by default. True returns a writable one and marks the memory as modified from outside.
    """,
    "Tensor.detach": "Return a constant that shares memory with this tensor: gradients do not flow through it.",
    "Tensor.requires_grad_": """Make this tensor a leaf that accumulates gradients, or a constant. Returns the tensor.

    Raises
    ------
    DTypeError
        If the dtype is neither floating nor complex.
    BackwardError
        If `requires_grad` is False and the tensor is the result of a recorded operation.
    """,
    "Tensor.shape": "The lengths of the axes, a tuple of ints.",
    "Tensor.strides": "The distance, in bytes, of neighbouring elements along each axis.",
    "Tensor.ndim": "The number of axes.",
    "Tensor.size": "The number of elements, an int.",
    "Tensor.dtype": "The dtype of the elements, as NumPy's.",
    "Tensor.requires_grad": """Whether this is a leaf that accumulates gradients, or a recorded result.

    Can be set for leaves of a floating or complex dtype.
    """,
    "Tensor.is_leaf": "Whether this tensor is not the recorded result of an op.",
    "Tensor.op": "The name of the op that this tensor was recorded as the result of, or None.",
    "Tensor.grad": """The gradient accumulated by `backward()`, a Tensor of the same shape and dtype, or None.

    Leaves that require a gradient have one, and results after `retain_grad()`. Assign None to reset it.
    """,
    "Tensor.zero_grad": "Set `.grad` to None.",
    "Tensor.retain_grad": "Keep the gradient of this intermediate result in `.grad`, as for a leaf.",
    "Tensor.register_hook": """Call `hook(g)` with the gradient of this tensor, once per sweep.

    Parameters
    ----------
    hook : callable
        Takes the total gradient. If it returns a value, that value replaces the gradient. With the compiled engine, a
        hook that refers to this tensor keeps it alive until the hook is removed.

    Returns
    -------
    handle
        `handle.remove()` removes the hook. As a context manager, the handle removes it at the end of the block.
    """,
    "Tensor.backward": """Add the gradient of this tensor to the `.grad` of every leaf it was computed from.

    Parameters
    ----------
    cotangent : array, optional
        The gradient of a later result with respect to this tensor, of this tensor's shape. By default 1, for a real
        tensor of one element.
    retain_graph : bool, default False
        Keep the graph, so that it can be swept again. By default the sweep frees it.
    create_graph : bool, default False
        Record the sweep itself, for higher derivatives. Implies `retain_graph`.

    Raises
    ------
    BackwardError
        If nothing was recorded, or a cotangent is needed and missing.
    GraphFreedError
        If an earlier sweep has freed the graph.
    MutationError
        If a value that a rule needs was overwritten.
    """,
}
