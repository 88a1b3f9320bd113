"""Compares a function with NumPy's function of the same name: values, dtypes, dispatch, gradients, errors."""

import numpy as np
import pytest

import fastgrad as fg

ROUNDING = 1e-14


def tensors(value):
    """Return `value` with leaves in place of floating arrays, also in lists and tuples."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
        return fg.tensor(value, requires_grad=True)
    return type(value)(map(tensors, value)) if type(value) in (list, tuple) else value


def arrays(value):
    """Return the floating arrays in nested lists and tuples."""
    if isinstance(value, np.ndarray):
        return [value] if value.dtype.kind in "fc" else []
    return [a for part in value for a in arrays(part)] if type(value) in (list, tuple) else []


def replaced(value, parts):
    """Return `value` with the next of `parts` in place of each of its floating arrays."""
    if isinstance(value, np.ndarray):
        return next(parts) if value.dtype.kind in "fc" else value
    return type(value)(replaced(part, parts) for part in value) if type(value) in (list, tuple) else value


def results(y):
    """Return the results of a function as a flat list."""
    return [r for part in y for r in results(part)] if isinstance(y, (list, tuple)) else [y]


def numpys(name):
    """Return NumPy's function, or skip the test with a version that does not have it."""
    if not hasattr(np, name):
        pytest.skip(f"NumPy {np.__version__} does not have {name}")
    return getattr(np, name)


def compare_values(name, args, params, rounding=ROUNDING):
    """`fg.name` and `np.name`, of Tensors and of plain arrays, return NumPy's values, shapes and dtypes."""
    theirs = numpys(name)
    with np.errstate(all="ignore"):
        wanted = results(theirs(*args, **params))
    calls = [(getattr(fg, name), args), (getattr(fg, name), tensors(args))]
    if any(map(arrays, args)):
        calls.append((theirs, tensors(args)))
    for call, given in calls:
        got = results(call(*given, **params))
        assert len(got) == len(wanted)
        for g, w in zip(got, wanted, strict=True):
            w = np.asarray(w)
            assert isinstance(g, fg.Tensor) and g.dtype == w.dtype and g.shape == w.shape, (g, w)
            tolerance = max(rounding, 1e-7) if w.dtype in (np.float32, np.complex64) else rounding
            np.testing.assert_allclose(g.detach().numpy(), w, rtol=tolerance, atol=tolerance)


def compare_gradients(name, args, params, order=2):
    """Derivatives agree with differences, in both modes; the results that could have a gradient are recorded."""
    given = [a for arg in args for a in arrays(arg)]

    def f(*xs):
        parts = iter(xs)
        y = results(getattr(fg, name)(*(replaced(arg, parts) for arg in args), **params))
        weights = (np.cos(np.arange(1, r.size + 1).reshape(r.shape)) for r in y)
        total = sum((r * w).sum() for r, w in zip(y, weights, strict=True) if r.dtype.kind in "fc")
        return total if total.dtype.kind == "f" else fg.real(total)

    if given and all(a.dtype in (np.float64, np.complex128) for a in given):
        fg.testing.check_grads(f, given, order=order)


def compare_errors(name, args, params):
    """NumPy and fastgrad raise errors of the same built-in class, fastgrad one of its own where it has one."""
    kinds = (ValueError, TypeError, IndexError)
    try:
        numpys(name)(*args, **params)
    except (*kinds, ZeroDivisionError) as error:
        wanted = next((kind for kind in kinds if isinstance(error, kind)), ZeroDivisionError)
    else:
        raise AssertionError(f"NumPy accepts {name}{args}{params}")
    for call, given in ((getattr(fg, name), args), (getattr(np, name), tensors(args))):
        try:
            call(*given, **params)
        except wanted:
            continue
        raise AssertionError(f"fastgrad accepts {name}{args}{params}")


def compare(name, args, params):
    compare_values(name, args, params)
    compare_gradients(name, args, params)


def table_test(check, calls):
    """Return a test of `calls`: name of the function, arguments, parameters."""

    @pytest.mark.parametrize(("name", "args", "params"), calls)
    def test(name, args, params):
        check(name, args, params)

    return test
