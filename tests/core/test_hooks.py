"""Hooks, retained gradients, `backward` and `gradients` with every option, and switching recording on and off."""

import threading

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.errors import GradientWarning


def leaf(*values):
    return fg.tensor(list(values), requires_grad=True)


# --- hooks ---


def test_a_hook_sees_the_total_gradient_once():
    x = leaf(1.0, 2.0)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * 2 + y * 3).sum().backward()
    assert seen == [[5.0, 5.0]]
    assert x.grad.tolist() == [5.0, 5.0]


def test_a_hook_on_a_leaf_sees_one_sweep_not_the_sum_of_all():
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    (x * 2).backward()
    (x * 3).backward()
    assert seen == [2.0, 3.0] and x.grad.item() == 5.0


def test_a_hook_may_replace_the_gradient():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert x.grad.tolist() == [20.0, 20.0]
    x.grad = None
    x.register_hook(lambda g: np.array([7.0, 8.0]))
    (x * 2).sum().backward()
    assert x.grad.tolist() == [7.0, 8.0]


def test_a_hook_may_write_its_gradient_in_place():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)

    def double(g):
        g *= 2

    x.register_hook(double)
    cotangent = fg.tensor([1.0, 10.0])
    (x + w).backward(cotangent)
    assert x.grad.tolist() == [2.0, 20.0]
    assert w.grad.tolist() == cotangent.tolist() == [1.0, 10.0]


def test_hooks_run_in_order_and_are_removed():
    x = leaf(1.0)
    first = x.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: g * 10)
    (x * 2).backward()
    assert x.grad.item() == 30.0
    x.grad = None
    first.remove()
    first.remove()
    (x * 2).backward()
    assert x.grad.item() == 20.0


def test_a_hook_lasts_as_long_as_its_block():
    x = leaf(1.0)
    with x.register_hook(lambda g: g * 100):
        (x * 2).backward()
    (x * 2).backward()
    assert x.grad.item() == 202.0


def test_hooks_run_in_gradients_too():
    x = leaf(3.0)
    y = x * x
    y.register_hook(lambda g: g * 2)
    (g,) = fg.gradients(y * 5, [x])
    assert g.item() == 60.0 and x.grad is None


def test_a_hook_of_a_recorded_sweep_is_recorded():
    x = leaf(3.0)
    x.register_hook(lambda g: g * g)
    (g,) = fg.gradients(x * x, [x], create_graph=True)  # (2 x)^2
    assert g.item() == 36.0
    x2 = fg.gradients(g, [x])[0]
    assert x2.item() == 24.0 * 24.0  # 8 x = 24, squared by the hook again


def test_an_exception_in_a_hook_leaves_every_gradient_as_it_was():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    w.grad = fg.tensor([9.0, 9.0])

    def fail(g):
        raise KeyError("hook")

    handle = x.register_hook(fail)
    with pytest.raises(KeyError, match="hook"):
        (x * w).sum().backward()
    assert x.grad is None and w.grad.tolist() == [9.0, 9.0]
    handle.remove()
    (x * w).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0] and w.grad.tolist() == [10.0, 11.0]


def test_an_exception_in_a_rule_leaves_every_gradient_as_it_was():
    def fail(g):
        raise KeyError("rule")

    broken = fg.primitive(lambda x, /: x + 0, vjp=fail, name="broken")
    x, w = leaf(1.0), leaf(2.0)
    with pytest.raises(KeyError, match="rule"):
        (broken(x) * w).backward()
    assert x.grad is None and w.grad is None


def test_a_hook_may_start_a_sweep_of_its_own():
    x, w = leaf(2.0), leaf(3.0)
    y = x * 1

    @fg.enable_grad()  # a hook records only in a sweep that records
    def other(g):
        (w * w).backward()

    y.register_hook(other)
    (y * 5).backward()
    assert x.grad.item() == 5.0 and w.grad.item() == 6.0


def test_a_hook_that_frees_the_graph_under_a_sweep_is_told_so():
    x = leaf(2.0)
    y = x * x
    z = y * 3

    def free(g):
        y.backward()

    z.register_hook(free)
    with pytest.raises(fg.GraphFreedError, match="'multiply'"):
        z.backward()


# --- retained gradients ---


def test_an_interior_result_keeps_its_gradient_on_request():
    x = leaf(1.0, 2.0)
    y, z = x * 2, x * 3
    y.retain_grad()
    (y * z).sum().backward()
    assert y.grad.tolist() == [3.0, 6.0]
    with pytest.warns(GradientWarning, match="the .grad of this result of 'multiply' is None"):
        assert z.grad is None


def test_a_retained_gradient_is_what_the_hooks_left():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 4)
    (y * 3).backward()
    assert y.grad.item() == 12.0 and x.grad.item() == 24.0


def test_gradients_writes_no_grad_at_all():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    assert fg.gradients(y * 3, [x])[0].item() == 6.0
    assert x.grad is None and y.grad is None


# --- backward ---


def test_a_cotangent_of_any_array_kind():
    for cotangent in (fg.tensor([1.0, 10.0]), np.array([1.0, 10.0]), [1.0, 10.0], np.array([1, 10])):
        x = leaf(1.0, 2.0)
        (x * x).backward(cotangent)
        assert x.grad.tolist() == [2.0, 40.0]


def test_a_leaf_can_be_swept_itself():
    x = leaf(3.0)
    x.backward()
    assert x.grad.item() == 1.0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_one_number_for_all_elements_adds_up_over_sweeps(dtype):
    x = fg.tensor(np.ones((3, 4), dtype), requires_grad=True)
    for _ in range(3):
        x.sum().backward()
        (x * 1.0 - 2.0).sum().backward()
    assert (x.grad.tolist(), x.grad.dtype) == ([[6.0] * 4] * 3, dtype)
    (x * x).sum().backward()
    x.sum().backward()
    assert x.grad.tolist() == [[9.0] * 4] * 3


def test_gradients_add_up_at_forks_and_over_sweeps():
    x = leaf(2.0)
    y = x * x
    z = y + y * y
    z.backward(retain_graph=True)
    assert x.grad.item() == 4.0 + 32.0
    z.backward()
    assert x.grad.item() == 72.0


def test_create_graph_gives_gradients_that_have_gradients():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    first = x.grad
    assert first.requires_grad and first.item() == 12.0
    x.grad = None
    first.backward()
    assert x.grad.item() == 12.0


def test_any_order():
    x = leaf(0.7)
    y = x.sin()
    for wanted in (np.cos(0.7), -np.sin(0.7), -np.cos(0.7), np.sin(0.7)):
        (y,) = fg.gradients(y, [x], create_graph=True)
        assert y.item() == pytest.approx(wanted, rel=1e-14)


def test_the_gradient_has_its_leafs_dtype_and_shape():
    x = fg.tensor([[1.0, 2.0]], dtype=np.float32, requires_grad=True)
    w = fg.tensor([[1.0], [2.0], [3.0]], requires_grad=True)
    (x * w).sum().backward()
    assert x.grad.dtype == np.float32 and x.grad.tolist() == [[6.0, 6.0]]
    assert w.grad.dtype == np.float64 and w.grad.tolist() == [[3.0], [3.0], [3.0]]


def test_a_graph_without_a_differentiable_way_gives_no_gradient():
    x = leaf(1.0, 2.0)
    y = x * (x > 1.5)
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0]


# --- gradients ---


def test_gradients_are_a_tuple_in_the_order_of_the_inputs():
    x, w = leaf(2.0), leaf(5.0)
    y = x * x * w
    gw, gx = fg.gradients(y, [w, x])
    assert (gw.item(), gx.item()) == (4.0, 20.0)
    assert isinstance(fg.gradients(x * 3, x), tuple)


def test_an_input_may_be_an_interior_result():
    x = leaf(2.0)
    y = x * x
    z = y * y * x
    gy, gx = fg.gradients(z, [y, x])
    assert gy.item() == 2 * 4 * 2 and gx.item() == 5 * 16


def test_an_output_may_be_an_input():
    x = leaf(2.0)
    y = x * x
    assert [g.item() for g in fg.gradients(y, [y, x])] == [1.0, 4.0]


def test_several_outputs_add_up():
    x = leaf(1.0, 2.0)
    a, b = x.sum(), x * x
    (g,) = fg.gradients([a, b], [x], [None, [10.0, 10.0]])
    assert g.tolist() == [21.0, 41.0]
    (g,) = fg.gradients([x.sum(), x.sum()], x)
    assert g.tolist() == [2.0, 2.0]


def test_only_the_part_that_leads_to_the_inputs_is_swept():
    swept = []

    def watched(g):
        swept.append(g)
        return g

    watch = fg.primitive(lambda x, /: x + 0, vjp=watched, name="watch")
    x, w = leaf(2.0), leaf(3.0)
    y = watch(x) * w
    assert fg.gradients(y, [w], retain_graph=True)[0].item() == 2.0
    assert swept == []
    assert fg.gradients(y, [x])[0].item() == 3.0
    assert len(swept) == 1


def test_unused_inputs_are_none_where_that_is_allowed():
    x, w = leaf(2.0), leaf(3.0)
    assert fg.gradients(x * 2, [w, x], allow_unused=True)[0] is None


def test_gradients_of_different_inputs_do_not_share_memory():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    cotangent = fg.tensor([1.0, 1.0])
    gx, gw = fg.gradients(x + w, [x, w], cotangent)
    gx *= 7
    assert gw.tolist() == [1.0, 1.0] and cotangent.tolist() == [1.0, 1.0]


def test_complex_gradients_are_the_conjugate_kind():
    z = fg.tensor(1.0 + 2.0j, requires_grad=True)
    (abs(z) ** 2).backward()
    assert z.grad.item() == pytest.approx(2.0 + 4.0j)


# --- recording on and off ---


def test_no_grad_as_block_and_decorator():
    x = fg.tensor([1.0], requires_grad=True)
    assert fg.is_grad_enabled()
    with fg.no_grad():
        assert not fg.is_grad_enabled()
        assert not (x * 2).requires_grad
        with fg.enable_grad():
            assert (x * 2).requires_grad
        assert not fg.is_grad_enabled()

    @fg.no_grad()
    def off(x):
        "Doubles."
        return x * 2

    @fg.no_grad
    def bare(x):
        return x * 2

    @fg.enable_grad()
    def on(x):
        return x * 2

    assert (
        not off(x).requires_grad and not bare(x).requires_grad and off.__doc__ == "Doubles." and off.__name__ == "off"
    )
    with fg.no_grad():
        assert on(x).requires_grad
    assert fg.is_grad_enabled()


def test_the_mode_is_restored_after_an_exception():
    with pytest.raises(KeyError), fg.no_grad():
        raise KeyError
    assert fg.is_grad_enabled()


def test_the_mode_belongs_to_the_thread():
    seen = []
    with fg.no_grad():
        thread = threading.Thread(target=lambda: seen.append(fg.is_grad_enabled()))
        thread.start()
        thread.join()
        assert not fg.is_grad_enabled()
    assert seen == [True]


def test_leaves_may_be_shared_by_threads():
    w = fg.tensor([2.0], requires_grad=True)

    def work():
        for _ in range(50):
            (w * 3).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert w.grad.tolist() == [600.0]


def test_an_input_behind_a_freed_one_is_not_called_unused():
    x = leaf(1.0, 2.0)
    y = x.exp()
    z = y * 2
    z.sum().backward()
    for inputs in ([x, z], [z, x]):
        with pytest.raises(fg.GraphFreedError, match="'multiply'"):
            fg.gradients(z, inputs, np.ones(2), allow_unused=True)
    assert fg.gradients(z, z, np.ones(2))[0].tolist() == [1.0, 1.0]
    other = leaf(1.0)
    g, none = fg.gradients((x * 3).sum(), [x, other], allow_unused=True)
    assert g.tolist() == [3.0, 3.0] and none is None
