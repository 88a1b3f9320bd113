"""PyTorch's own sample inputs: the same calls in PyTorch and fastgrad, with first and second derivatives.

`python -m tests.support.torch_samples` prints how many samples agree, for each op. An op is called as in PyTorch,
unless `CALLS` spells the call as NumPy does. `PARTIAL` lists what fastgrad refuses, and `DIFFERENT` what means another
thing in PyTorch, each with the reason; the tests hold everything else to 1e-10.
"""

import warnings
from collections import Counter

import numpy as np
import torch

import fastgrad as fg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

TOLERANCE = 1e-10
DTYPES = (torch.float64, torch.float32, torch.int64, torch.int32, torch.uint8, torch.bool, torch.complex128)
# without values to compare: random, uninitialized, or a change of dtype
UNCOMPARABLE = """
    bernoulli bool cdouble cfloat complex double empty empty_like float int long multinomial nn.functional.dropout
    nn.functional.dropout2d normal rand_like randint randint_like randn randn_like short
"""


def _spread(function):
    return lambda x, dim=None, unbiased=None, correction=None, keepdim=False: function(
        x, dim if type(dim) is not bool else None, keepdims=keepdim,
        ddof=correction if correction is not None else int(unbiased is not False and dim is not False),
    )  # fmt: skip


def _transform(name):
    def call(x, s=None, dim=None, norm=None):
        s, dim = ((n,) if type(n) is int else n for n in (s, dim))
        given = {"axes": dim} if "shift" in name else {"s": s, "norm": norm}
        if dim is not None or "2" not in name:
            given["axes"] = dim
        return getattr(fg.fft, name)(x, **given)

    return call


def _quantile(function):
    return lambda x, q, dim=None, keepdim=False, interpolation="linear": function(
        x, q, axis=dim, method=interpolation, keepdims=keepdim
    )


def _gradient(x, spacing=1, dim=None, edge_order=1):
    spacing = spacing if isinstance(spacing, (list, tuple)) else () if spacing is None else (spacing,)
    return fg.gradient(x, *spacing, axis=dim, edge_order=edge_order)


def _logspace(start, end, steps, base=10.0, dtype=None):
    return fg.logspace(start, end, steps, base=base, dtype=dtype)


def _of_one_or_several(function):
    return lambda *xs: function(*(xs[0] if isinstance(xs[0], (list, tuple)) else xs))


# PyTorch's spelling of a call, where fastgrad's function of the same name is NumPy's.
CALLS = {
    "add": lambda x, y, alpha=1: x + alpha * y,
    "sub": lambda x, y, alpha=1: x - alpha * y,
    "diagonal": lambda x, offset=0, dim1=0, dim2=1: fg.diagonal(x, offset, dim1, dim2),
    "linalg.diagonal": lambda x, offset=0, dim1=-2, dim2=-1: fg.diagonal(x, offset, dim1, dim2),
    "atleast_1d": _of_one_or_several(fg.atleast_1d),
    "atleast_2d": _of_one_or_several(fg.atleast_2d),
    "atleast_3d": _of_one_or_several(fg.atleast_3d),
    "cov": lambda x, correction=1, **weights: fg.cov(x, ddof=correction, **weights),
    "diagflat": lambda x, offset=0: fg.diagflat(x, offset),
    "gradient": _gradient,
    "nanquantile": _quantile(fg.nanquantile),
    "quantile": _quantile(fg.quantile),
    "einsum": lambda xs, subscripts: fg.einsum(subscripts, *xs),
    "linalg.matrix_norm": lambda x, ord="fro", dim=(-2, -1), keepdim=False: fg.linalg.norm(x, ord, dim, keepdim),
    "linalg.vector_norm": lambda x, ord=2, dim=None, keepdim=False, dtype=None: fg.linalg.vector_norm(
        x, ord=ord, axis=dim, keepdims=keepdim
    ),
    "linalg.vecdot": lambda x, y, dim=-1: fg.vecdot(x, y, axis=dim),
    "linalg.pinv/singular": lambda a, b: fg.linalg.pinv(a @ b.mT),
    "logspace": _logspace,
    "logspace/tensor_overload": _logspace,
    "max/binary": fg.maximum,
    "nn.functional.embedding": lambda weight, indices, **given: fg.nn.functional.embedding(indices, weight, **given),
    "min/binary": fg.minimum,
    "nonzero": lambda x, as_tuple=False: fg.stack(fg.nonzero(x), axis=-1) if not as_tuple else fg.nonzero(x),
    "repeat": lambda x, sizes: fg.tile(x, sizes),
    "sort": lambda x, dim=-1, descending=False, stable=False: (
        fg.sort(x, dim, descending=descending),
        fg.argsort(x, dim, descending=descending),
    ),
    "argsort": lambda x, dim=-1, descending=False, stable=False: fg.argsort(x, dim, descending=descending),
    "split": lambda x, size, dim=0: fg.split(x, range(size, x.shape[dim], size), axis=dim),
    "split/list_args": lambda x, sizes, dim=0: fg.split(x, np.cumsum(sizes)[:-1], axis=dim),
    "std": _spread(fg.std),
    "std/unbiased": _spread(fg.std),
    "tensordot": lambda x, y, dims=2: fg.tensordot(x, y, dims),
    "var": _spread(fg.var),
    "var/unbiased": _spread(fg.var),
    "where": lambda x, condition, y: fg.where(condition, x, y),
} | {
    f"fft.{name}": _transform(name)
    for name in ("fft2", "fftn", "ifft2", "ifftn", "rfft2", "rfftn", "irfft2", "irfftn", "fftshift", "ifftshift")
}  # fmt: skip
RENAMED = {"dim": "axis", "keepdim": "keepdims", "dims": "axes"}

_NO_AXES = "a scalar has no axis 0, as in NumPy"
# Ops of which fastgrad refuses some samples.
PARTIAL = {
    "arange": "NumPy has no end=",
    "batch_norm": "needs two axes",
    "gather": _NO_AXES,
    "histogram": "NumPy's keywords",
    "ldexp": "exponents are integers, as in NumPy",
    "linalg.lstsq": "NumPy has no driver=",
    "linalg.lstsq/grad_oriented": "NumPy has no driver=",
    "linalg.matrix_rank": "NumPy has no atol=",
    "linalg.solve": "NumPy's rules for a stack of vectors",
    "linalg.vector_norm": _NO_AXES,
    "logsumexp": _NO_AXES,
    "mean": _NO_AXES,
    "median": _NO_AXES,
    "nanmedian": _NO_AXES,
    "nanquantile": _NO_AXES,
    "nn.functional.adaptive_max_pool1d": "no return_indices=",
    "nn.functional.adaptive_max_pool2d": "no return_indices=",
    "nn.functional.avg_pool1d": "no ceil_mode=",
    "nn.functional.avg_pool2d": "no ceil_mode=",
    "nn.functional.batch_norm": "needs two axes",
    "nn.functional.conv1d": "the batch axis is needed",
    "nn.functional.conv2d": "the batch axis is needed",
    "nn.functional.conv_transpose1d": "the batch axis is needed",
    "nn.functional.conv_transpose2d": "the batch axis is needed",
    "nn.functional.cosine_similarity": _NO_AXES,
    "nn.functional.interpolate/area": "not one of the modes",
    "nn.functional.interpolate/bicubic": "not one of the modes",
    "nn.functional.interpolate/nearest": "one or two axes",
    "nn.functional.interpolate/nearest-exact": "not one of the modes",
    "nn.functional.interpolate/trilinear": "not one of the modes",
    "nn.functional.max_pool1d": "no ceil_mode=",
    "nn.functional.max_pool2d": "no ceil_mode=",
    "nn.functional.normalize": _NO_AXES,
    "nonzero": "a scalar has no indices, as in NumPy",
    "norm": "matrix norms, as in NumPy",
    "put": "writes in place, as NumPy's",
    "quantile": _NO_AXES,
    "scatter": _NO_AXES,
    "searchsorted": "NumPy's keywords",
    "sort": _NO_AXES,
    "squeeze": "an axis of another length than 1 is an error, as in NumPy",
    "squeeze/multiple": "an axis of another length than 1 is an error, as in NumPy",
    "tensordot": "axes of length 1 are not broadcast, as in NumPy",
    "topk": _NO_AXES,
    "transpose": _NO_AXES,
    "unique": "NumPy's keywords",
}
# Ops whose results differ for some samples.
DIFFERENT = {
    "argsort": "the axis of a scalar, as in NumPy",
    "cov": "PyTorch normalizes float32 weights in float32",
    "cumprod": "a scalar gives a vector, as in NumPy",
    "cumsum": "a scalar gives a vector, as in NumPy",
    "equal": "elementwise, as in NumPy",
    "index_select": "a scalar gives a vector",
    "linalg.eig": "eigenvectors have an arbitrary phase",
    "linalg.eigh": "eigenvectors have an arbitrary sign",
    "linalg.eigvals": "real for an empty matrix, as in NumPy",
    "linalg.norm/subgradients_at_zero": "second derivatives at 0 are finite",
    "linalg.pinv/hermitian": "PyTorch's sample is made symmetric by its own tests",
    "linalg.solve": "NumPy's rules for a stack of vectors",
    "linalg.svd": "singular vectors have an arbitrary sign",
    "linspace/tensor_overload": "PyTorch computes float32 ends in float32",
    "logspace/tensor_overload": "PyTorch computes float32 ends in float32",
    "max/reduction_with_dim": "the values only, as in NumPy",
    "min/reduction_with_dim": "the values only, as in NumPy",
    "median": "the mean of two elements in the middle, as in NumPy",
    "nanmedian": "the mean of two elements in the middle, as in NumPy",
    "nn.functional.binary_cross_entropy": "PyTorch adds 1e-12 to a divisor",
    "nn.functional.cross_entropy": "classes are the last axis where both readings fit; warns",
    "nn.functional.hardsigmoid": "PyTorch's slope is the float32 number next to 1/6",
    "nn.functional.pad/circular": "negative widths with others",
    "nn.functional.scaled_dot_product_attention": "random dropout",
    "nn.functional.softplus": "no threshold: exact everywhere",
    "norm": "matrix norms, as in NumPy",
    "norm/inf": "matrix norms, as in NumPy",
    "take_along_dim": "without dim= along the last axis",
}


def name_of(op):
    return op.name + (f"/{op.variant_test_name}" if op.variant_test_name else "")


def function_for(op):
    """Return the function of fastgrad that has the name of an op in PyTorch, or None."""
    if name_of(op) in CALLS:
        return CALLS[name_of(op)]
    found = fg
    for word in op.name.split("."):
        found = getattr(found, word, None)
    return found


def ops():
    """Return the ops of PyTorch that fastgrad has, with their functions here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = [
            (op, function_for(op)) for op in op_db if op.name not in UNCOMPARABLE.split() and torch.float64 in op.dtypes
        ]
    return [(op, function) for op, function in pairs if callable(function)]


class NoDtype(Exception):
    """A tensor of a dtype that fastgrad does not have."""


def converted(value, leaves):
    """Return the arguments for fastgrad; enter pairs of leaves. The arrays have the strides of the tensors."""
    if isinstance(value, torch.Tensor):
        if value.dtype not in DTYPES or value.layout is not torch.strided:
            raise NoDtype(value.dtype)
        x = fg.asarray(value.detach().numpy())
        if value.requires_grad:
            x.requires_grad_()
            leaves.append((value, x))
        return x
    if type(value) is torch.dtype:
        return np.dtype(str(value).removeprefix("torch."))
    if type(value) in (list, tuple, torch.Size):
        return (list if type(value) is list else tuple)(converted(part, leaves) for part in value)
    if type(value) is dict:
        return {key: converted(part, leaves) for key, part in value.items()}
    return value


def call(function, args, kwargs):
    try:
        return function(*args, **kwargs)
    except TypeError as error:
        if "keyword" not in str(error) or not RENAMED.keys() & kwargs.keys():
            raise
        return function(*args, **{RENAMED.get(key, key): value for key, value in kwargs.items()})


def flat(result):
    return [leaf for part in result for leaf in flat(part)] if isinstance(result, (tuple, list)) else [result]


def array(x):
    """Return the values of a tensor of either library; 0 for an absent gradient."""
    if isinstance(x, torch.Tensor):
        return x.detach().resolve_conj().resolve_neg().numpy(force=True)
    return np.zeros(()) if x is None else np.asarray(x.detach().numpy() if isinstance(x, fg.Tensor) else x)


def same(found, wanted, what):
    found, wanted = array(found), array(wanted)
    if found.shape and wanted.shape:
        assert found.shape == wanted.shape, f"{what}: shape {found.shape}, wanted {wanted.shape}"
    np.testing.assert_allclose(found, wanted, rtol=TOLERANCE, atol=TOLERANCE, err_msg=what)


def compare(op, found, wanted, leaves):
    """Raise if results, gradients or gradients of gradients differ."""
    assert len(found) == len(wanted), f"{len(found)} results, wanted {len(wanted)}"
    for x, y in zip(found, wanted, strict=True):
        assert not isinstance(y, torch.Tensor) or array(x).shape == array(y).shape, "the shapes differ"
        same(x, y, "value")
    pairs = [(x, y) for x, y in zip(found, wanted, strict=True) if isinstance(y, torch.Tensor) and y.requires_grad]
    for order in (1, 2) if op.supports_gradgrad else (1,):
        if not pairs or not leaves:
            return
        cotangents = [torch.randn_like(y) for _, y in pairs]
        theirs = torch.autograd.grad(
            [y for _, y in pairs], [y for y, _ in leaves], cotangents, allow_unused=True, create_graph=order == 1
        )
        recorded = [(x, c.numpy()) for (x, _), c in zip(pairs, cotangents, strict=True) if x.requires_grad]
        ours = [None] * len(leaves)
        if recorded:
            outputs, given = zip(*recorded, strict=True)
            ours = fg.gradients(outputs, [x for _, x in leaves], given, allow_unused=True, create_graph=order == 1)
        for x, y in zip(ours, theirs, strict=True):
            same(x, y, f"derivative of order {order}")
        pairs = [(x, y) for x, y in zip(ours, theirs, strict=True) if x is not None and y is not None]
        pairs = [(x, y) for x, y in pairs if y.requires_grad]


def outcomes(op, function):
    """Yield, for each sample of an op, "agrees", "refused" or "differs", and the error."""
    torch.manual_seed(0)
    for sample in op.sample_inputs("cpu", torch.float64, requires_grad=op.supports_autograd):
        given, leaves = (sample.input, *sample.args), []
        try:
            args, kwargs = converted(given, leaves), converted(sample.kwargs, leaves)
            kwargs.pop("device", None)
            wanted = flat(op(*given, **sample.kwargs))
        except (NoDtype, RuntimeError):  # the second: PyTorch refuses its own sample
            continue
        try:
            found = flat(call(function, args, kwargs))
        except Exception as error:
            yield "refused", error
            continue
        try:
            compare(op, found, wanted, leaves)
        except Exception as error:
            yield "differs", error
            continue
        yield "agrees", None


def main():
    total = Counter()
    for op, function in ops():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = list(outcomes(op, function))
        count = Counter(kind for kind, _ in results)
        total += count
        first = next((f"{type(e).__name__}: {' '.join(str(e).split())[:150]}" for _, e in results if e), "")
        print(f"{name_of(op):50} {count['agrees']:5} {count['refused']:5} {count['differs']:5}  {first}")
    print(f"{'all':50} {total['agrees']:5} {total['refused']:5} {total['differs']:5}")


if __name__ == "__main__":
    main()
