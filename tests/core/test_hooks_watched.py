"""Invalid hooks, hooks that return invalid gradients, and anomalies caused by hooks and by sums of gradients."""

import numpy as np
import pytest

import fastgrad as fg


def leaf(*values, dtype=np.float64):
    return fg.tensor(np.array(values, dtype), requires_grad=True)


@pytest.mark.parametrize("hook", [3, None, "hook", [print], 0.5, fg.tensor(1.0)], ids=repr)
def test_what_cannot_be_called_is_no_hook(hook):
    x = leaf(1.0, 2.0)
    for t in x, x * 2:
        with pytest.raises(
            fg.DTypeError, match=r"register_hook takes a function of the gradient, got .*: pass it without calling it"
        ):
            t.register_hook(hook)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("result", [lambda g: g * 1j, lambda g: np.ones(2) * 1j, lambda g: [1j, 2.0], lambda g: g + 0j])
def test_a_complex_result_for_a_real_gradient_is_refused(result, dtype, create_graph):
    x = leaf(1.0, 2.0, dtype=dtype)
    y = x * 2
    for t in x, y:
        with (
            t.register_hook(result),
            pytest.raises(
                fg.DTypeError, match=r"a hook returned complex.* for a gradient of float.*: return a real one"
            ),
        ):
            fg.gradients(y.sum(), x, create_graph=create_graph, retain_graph=True)
    with x.register_hook(result), pytest.raises(fg.DTypeError, match="a hook returned complex"):
        y.sum().backward()
    assert x.grad is None


def test_other_results_are_converted():
    x, z = leaf(1.0, 2.0, dtype=np.float32), fg.tensor([1j, 2.0], requires_grad=True)
    x.register_hook(lambda g: np.array([3, 4]))
    z.register_hook(lambda g: np.array([3.0, 4.0]))
    (x * 2).sum().backward()
    (z * 2).backward(np.ones(2, complex))
    assert (x.grad.tolist(), x.grad.dtype) == ([3.0, 4.0], np.float32)
    assert (z.grad.tolist(), z.grad.dtype) == ([3.0, 4.0], np.complex128)


def writes_nan(g):
    g *= np.nan


@pytest.mark.parametrize("how", ["backward", "gradients", "create_graph"])
@pytest.mark.parametrize(
    "hook", [lambda g: g * np.nan, lambda g: g / 0.0, writes_nan], ids=["nan", "infinity", "written"]
)
@pytest.mark.parametrize("place", ["leaf", "result", "root"])
def test_a_hook_that_makes_nan_is_named(place, hook, how):
    with fg.detect_anomaly():
        x = leaf(1.0, 2.0)
        y = np.exp(x)
        z = (y * 3).sum()
        {"leaf": x, "result": y, "root": z}[place].register_hook(hook)
        named = {"leaf": "a leaf", "result": "the result of 'exp', recorded at .*np.exp", "root": "the result of 'sum'"}
        with np.errstate(all="ignore"), pytest.raises(fg.AnomalyError, match=f"a hook made .*{named[place]}"):
            if how == "backward":
                z.backward()
            else:
                fg.gradients(z, x, create_graph=how == "create_graph")
    assert x.grad is None


def test_a_hook_that_hands_on_what_it_got_is_not_blamed():
    with fg.detect_anomaly():
        x = leaf(1.0, 2.0)
        x.register_hook(lambda g: g * 2)
        x.backward(np.array([np.nan, 1.0]))
    assert np.isnan(x.grad.numpy()[0]) and x.grad.numpy()[1] == 2.0


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("how", ["backward", "gradients", "create_graph"])
def test_gradients_that_overflow_where_they_add_up_are_found(how, dtype):
    big = dtype(np.finfo(dtype).max * 0.75)
    for inside in True, False:
        with fg.detect_anomaly():
            x = leaf(0.1, 0.2, dtype=dtype)
            y = x * dtype(1) if inside else x
            z = y * big + y * big * dtype(0.9)
            named = "the result of 'multiply', recorded at" if inside else "a leaf"
            with (
                np.errstate(all="ignore"),
                pytest.raises(fg.AnomalyError, match=f"finite gradients added up to.*{named}"),
            ):
                if how == "backward":
                    z.backward(np.ones(2, dtype))
                else:
                    fg.gradients(z, x, np.ones(2, dtype), create_graph=how == "create_graph")
        assert x.grad is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex64])
@pytest.mark.parametrize("size", [1, 2, 5000])
@pytest.mark.parametrize("retained", [False, True])
def test_a_grad_that_overflows_is_found_before_any_is_written(dtype, size, retained):
    big = np.full(size, dtype(np.finfo(dtype).max * 0.75))
    with fg.detect_anomaly():
        x, w = (fg.tensor(np.ones(size, dtype), requires_grad=True) for _ in range(2))
        y = x * dtype(1)
        y.retain_grad()
        t = y if retained else x
        t.grad = fg.tensor(big)
        w.grad = fg.tensor(np.ones(size, dtype))
        with np.errstate(all="ignore"), pytest.raises(fg.AnomalyError, match="finite gradients added up to infinity"):
            (y * big + w).backward(np.ones(size, dtype))
    np.testing.assert_array_equal(w.grad.numpy(), np.ones(size))
    np.testing.assert_array_equal(t.grad.numpy(), big)


def test_sums_that_do_not_overflow_are_let_be():
    with fg.detect_anomaly():
        x = leaf(1.0, 2.0)
        for _ in range(2):
            (x * x + x * np.exp(x)).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
