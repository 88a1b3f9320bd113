"""The same computation in fastgrad and in PyTorch: values and the gradients of all floating inputs."""

import numpy as np

import fastgrad as fg

TOLERANCE = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 2e-4}


def in_dtype(array, dtype):
    array = np.asarray(array)
    return array.astype(dtype) if array.dtype.kind == "f" else array


def leaves(library, arrays, dtype):
    """Tensors of one library; those of floats require a gradient."""
    made = []
    for array in (in_dtype(a, dtype) for a in arrays):
        make = fg.tensor if library is fg else library.tensor
        made.append(make(array, requires_grad=array.dtype.kind == "f"))
    return made


def as_array(t):
    return np.array(t.detach().numpy())


def results(library, call, arrays, dtype, seed):
    """The values of `call(library, *tensors)`, and the gradients of a random combination of them."""
    tensors = leaves(library, arrays, dtype)
    found = call(library, *tensors)
    found = list(found) if isinstance(found, (tuple, list)) else [found]
    found = [y for y in found if y is not None]
    rng = np.random.default_rng(seed)
    total = 0.0
    for y in found:
        weight = np.asarray(rng.normal(size=tuple(y.shape)), dtype)
        total = total + (y * (fg.asarray(weight) if library is fg else library.tensor(weight))).sum()
    total.backward()
    gradients = [as_array(t.grad) if t.grad is not None else None for t in tensors]
    return [as_array(y) for y in found], gradients


def compare(torch, call, arrays, dtype, seed=3, tolerance=None):
    """Assert that values and gradients agree, and that the dtype is kept."""
    tolerance = tolerance or TOLERANCE[np.dtype(dtype)]
    mine, my_gradients = results(fg, call, arrays, dtype, seed)
    theirs, their_gradients = results(torch, call, arrays, dtype, seed)
    assert len(mine) == len(theirs)
    for got, want in zip(mine, theirs):
        assert got.shape == want.shape and got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    for number, (got, want) in enumerate(zip(my_gradients, their_gradients)):
        if want is None:
            assert got is None or not np.any(got)
            continue
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, err_msg=f"gradient {number}")


def with_torch_weights(mine, theirs, dtype):
    """Copy PyTorch's parameters and buffers, whose names must be the same, and convert both modules to `dtype`."""
    mine.to(dtype)
    theirs.double() if dtype == np.float64 else theirs.float()
    state = {name: as_array(value) for name, value in theirs.state_dict().items()}
    assert list(mine.state_dict()) == list(state)
    mine.load_state_dict(state)
    return mine, theirs


def compare_modules(torch, mine, theirs, call, arrays, dtype, tolerance=None):
    """Assert that two modules with the same weights agree: outputs, and gradients of inputs and parameters."""
    tolerance = tolerance or TOLERANCE[np.dtype(dtype)]
    with_torch_weights(mine, theirs, dtype)
    compare(torch, lambda lib, *x: call(mine if lib is fg else theirs, *x), arrays, dtype, tolerance=tolerance)
    wanted = dict(theirs.named_parameters())
    for name, p in mine.named_parameters():
        if wanted[name].grad is None:
            assert p.grad is None or not np.any(p.grad.numpy())
            continue
        want = as_array(wanted[name].grad)
        np.testing.assert_allclose(as_array(p.grad), want, rtol=tolerance, atol=10 * tolerance, err_msg=name)
    for name, buffer in theirs.named_buffers():
        got = as_array(dict(mine.named_buffers())[name])
        np.testing.assert_allclose(got, as_array(buffer), rtol=tolerance, atol=tolerance, err_msg=name)
