"""The text of every error says what came, what was expected and what to do; its class derives from NumPy's."""

import copy
import operator
import pickle

import numpy as np
import pytest

import fastgrad as fg


def leaf(*values):
    return fg.tensor(list(values), requires_grad=True)


BUILT_IN = {
    "ShapeError": ValueError, "DTypeError": TypeError, "BackwardError": RuntimeError, "GraphFreedError": RuntimeError,
    "MutationError": RuntimeError, "NotDifferentiableError": TypeError, "AnomalyError": RuntimeError,
}  # fmt: skip


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_class_is_also_the_built_in_one(name):
    assert issubclass(getattr(fg, name), (fg.FastgradError, BUILT_IN[name]))
    assert issubclass(getattr(fg, name), BUILT_IN[name]) and issubclass(getattr(fg, name), fg.FastgradError)
    assert getattr(fg, name).__doc__


# --- dtypes ---


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (np.array([1.0], np.float16), "float16"), (np.array(["a"]), "str"), ([object()], "object"), (b"abc", "bytes"),
        (np.array(["2024-01-01"], "M8[D]"), "datetime64"), (np.zeros(1, [("a", "f8")]), "void"), (10**30, "object"),
        ("text", "str"),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("door", [fg.tensor, fg.asarray])
def test_a_dtype_that_is_not_held_is_refused_by_name(door, data, name):
    with pytest.raises(fg.DTypeError, match=f"cannot hold {name}.*float32, float64.*astype"):
        door(data)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="a long double is a double here")
def test_long_doubles_are_refused_by_name():
    for dtype in np.longdouble, np.clongdouble:
        with pytest.raises(fg.DTypeError, match=np.dtype(dtype).name):
            fg.tensor(np.zeros(2, dtype))


def test_integers_have_no_gradient():
    for make in (
        lambda: fg.tensor([1, 2], requires_grad=True),
        lambda: fg.tensor([True]).requires_grad_(),
        lambda: setattr(fg.tensor([1], dtype=np.uint8), "requires_grad", True),
    ):
        with pytest.raises(fg.DTypeError, match=r"needs a floating or complex dtype, got (int|bool|uint)"):
            make()


def test_the_class_takes_data_or_lengths():
    assert fg.Tensor([1]).dtype == fg.float64 and fg.Tensor(2, 3).shape == (2, 3) and fg.Tensor().shape == (0,)
    with pytest.raises(fg.DTypeError, match=r"takes one sequence of numbers, or lengths, got list, list"):
        fg.Tensor([1.0], [2.0])


# --- one number ---


@pytest.mark.parametrize("kind", [float, int, bool, complex])
def test_a_matrix_is_not_a_number(kind):
    with pytest.raises(
        fg.ShapeError, match=rf"{kind.__name__}\(x\) needs a tensor of one element, got shape \(2, 2\)"
    ) as caught:
        kind(fg.tensor(np.zeros((2, 2))))
    assert isinstance(caught.value, TypeError)
    with pytest.raises(fg.ShapeError):
        kind(fg.tensor(np.zeros(0)))


def test_item_needs_one_element():
    with pytest.raises(
        fg.ShapeError, match=r"item\(\) needs a tensor of one element, got shape \(2,\): reduce it first"
    ):
        fg.tensor([1.0, 2.0]).item()


def test_only_integers_are_indices():
    for x in (fg.tensor(1.0), fg.tensor([1]), fg.tensor(True)):
        with pytest.raises(TypeError, match=r"only a 0-d integer tensor is an index.*int\(x\)"):
            operator.index(x)


def test_a_scalar_has_no_length():
    with pytest.raises(TypeError, match=r"len\(\) of a 0-d tensor"):
        len(fg.tensor(1.0))
    with pytest.raises(TypeError, match="iteration of a 0-d tensor"):
        iter(fg.tensor(1.0))


def test_a_number_format_is_for_one_number():
    with pytest.raises(fg.ShapeError, match=r"format '.2f' is for one number, got a tensor of shape \(2,\)"):
        format(fg.tensor([1.0, 2.0]), ".2f")


# --- ops ---


def test_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(fg.ShapeError, match=r"add: shapes \(3,\) and \(4,\) do not broadcast together"):
        leaf(1.0, 2.0, 3.0) + np.ones(4)


def test_shapes_that_do_not_multiply_are_named():
    with pytest.raises(fg.ShapeError, match=r"matmul: shapes \(2, 3\) and \(2, 3\) do not fit"):
        fg.tensor(np.ones((2, 3))) @ fg.tensor(np.ones((2, 3)))
    with pytest.raises(fg.ShapeError, match=r"matmul: shapes \(2, 3\) and \(\), but a 0-d operand"):
        fg.tensor(np.ones((2, 3))) @ fg.tensor(1.0)


def test_ops_raise_where_numpy_raises():
    x = fg.tensor(np.ones((2, 3)))
    for wrong, built_in in (
        (lambda: x.reshape(4), ValueError), (lambda: x.sum(axis=2), IndexError), (lambda: x[2], IndexError),
        (lambda: x[0, 0, 0], IndexError), (lambda: x.broadcast_to((4, 3)), ValueError),
        (lambda: x.squeeze(0), ValueError), (lambda: x.transpose(0, 0), ValueError), (lambda: x[[5]], IndexError),
        (lambda: fg.concat([x, x.T]), ValueError),
    ):  # fmt: skip
        with pytest.raises(built_in) as caught:
            wrong()
        assert isinstance(caught.value, fg.FastgradError), caught.value


def test_a_wrong_call_is_a_type_error():
    x = fg.tensor([1.0])
    with pytest.raises(TypeError, match="tanh"):
        fg.tanh(x, x)
    with pytest.raises(TypeError, match="bogus"):
        x.sum(bogus=1)


def test_a_failed_op_leaves_no_trace():
    x = leaf(1.0, 2.0)
    y = x * 2
    with pytest.raises(fg.ShapeError):
        y + np.ones(3)
    assert y.operands[0] is x and x.grad is None
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


# --- starting a sweep ---


def test_backward_needs_one_element_or_a_cotangent():
    with pytest.raises(
        fg.BackwardError, match=r"one element, got shape \(2,\): reduce it.*\.sum\(\), or pass the cotangent"
    ):
        (leaf(1.0, 2.0) * 2).backward()


def test_backward_needs_a_real_result_or_a_cotangent():
    with pytest.raises(fg.BackwardError, match="real result, got complex128"):
        (leaf(1.0) * 1j).backward()


def test_backward_needs_a_graph():
    with pytest.raises(fg.BackwardError, match=r"does not require a gradient.*requires_grad=True"):
        fg.tensor(1.0).backward()
    with fg.no_grad():
        y = leaf(1.0) * 2
    with pytest.raises(fg.BackwardError, match="nothing was recorded"):
        y.backward()


def test_a_cotangent_has_the_shape_and_kind_of_its_result():
    y = leaf(1.0, 2.0) * 2
    with pytest.raises(fg.ShapeError, match=r"cotangent has shape \(3,\), the result has shape \(2,\)"):
        y.backward(np.ones(3))
    with pytest.raises(
        fg.DTypeError, match="cotangent of dtype complex128 for a result of dtype float64: pass a real one"
    ):
        y.backward(np.ones(2) * 1j)


def test_a_graph_is_swept_once():
    x = leaf(2.0)
    y = x.tanh()
    y.backward()
    with pytest.raises(
        fg.GraphFreedError, match=r"'tanh' was freed by an earlier backward\(\): pass retain_graph=True"
    ):
        y.backward()
    assert isinstance(x.grad, fg.Tensor)


def test_a_shared_part_is_swept_once():
    x = leaf(2.0)
    y = x.exp()
    (y * 2).backward()
    with pytest.raises(fg.GraphFreedError, match="'exp'"):
        (y * 3).backward()
    assert y.operands == () and y.op == "exp"


def test_gradients_names_the_position_of_what_is_wrong():
    x, w = leaf(1.0), leaf(2.0)
    with pytest.raises(fg.BackwardError, match=r"inputs\[1\] was not used.*allow_unused=True"):
        fg.gradients(x * 2, [x, w])
    with pytest.raises(fg.BackwardError, match=r"inputs\[1\] does not require a gradient"):
        fg.gradients(x * 2, [x, fg.tensor(1.0)])
    with pytest.raises(fg.BackwardError, match=r"outputs\[1\] does not require a gradient"):
        fg.gradients([x * 2, fg.tensor(1.0)], [x])
    with pytest.raises(fg.BackwardError, match="1 cotangents for 2 outputs"):
        fg.gradients([x * 2, x * 3], [x], [1.0])
    with pytest.raises(TypeError, match=r"inputs\[0\] is of type ndarray"):
        fg.gradients(x * 2, [np.ones(2)])


def test_hooks_need_a_gradient_to_come():
    for method in "register_hook", "retain_grad":
        with pytest.raises(fg.BackwardError, match=rf"{method}\(\) needs a tensor that requires a gradient"):
            getattr(fg.tensor(1.0), method)(*[print][: method == "register_hook"])


def test_a_hook_returns_a_gradient_or_nothing():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: np.ones(3))
    with pytest.raises(fg.ShapeError, match=r"a hook returned shape \(3,\) for a gradient of shape \(2,\)"):
        (x * 2).sum().backward()
    assert x.grad is None


def test_a_rule_returns_its_operands_shape():
    wrong = fg.primitive(lambda x, /: x + 0, vjp=lambda g: g.sum(), name="wrong")
    with pytest.raises(fg.ShapeError, match=r"shape|\[\]"):
        wrong(leaf(1.0, 2.0)).sum().backward()


def test_results_keep_their_gradient_flag():
    y = leaf(1.0) * 2
    with pytest.raises(fg.BackwardError, match=r"for leaves, this is the result of 'multiply': use x\.detach\(\)"):
        y.requires_grad_(False)


def test_grad_is_of_the_tensors_shape_and_dtype():
    x = leaf(1.0, 2.0)
    with pytest.raises(fg.ShapeError, match=r"x\.grad of shape \(3,\) for a tensor of shape \(2,\)"):
        x.grad = fg.tensor([1.0, 2.0, 3.0])
    with pytest.raises(fg.DTypeError, match=r"x\.grad of dtype float32 for a tensor of dtype float64"):
        x.grad = fg.tensor([1.0, 2.0], dtype=np.float32)
    assert x.grad is None


# --- copies of results ---


def test_results_are_not_deep_copied_or_pickled():
    y = leaf(1.0).tanh()
    with pytest.raises(fg.BackwardError, match=r"copy\.deepcopy of a recorded result \(op 'tanh'\).*x\.detach\(\)"):
        copy.deepcopy(y)
    with pytest.raises(fg.BackwardError, match=r"pickle of a recorded result \(op 'tanh'\).*x\.detach\(\)"):
        pickle.dumps(y)
    assert copy.deepcopy(y.detach()).item() == pickle.loads(pickle.dumps(y.detach())).item() == y.item()


# --- anomalies ---


def test_the_op_that_first_made_an_infinity_is_named_with_its_line():
    x = leaf(0.0, 1.0)
    with (
        pytest.raises(
            fg.AnomalyError,
            match=r"'log' made infinity from finite operands; recorded at .*test_errors\.py:\d+: y = x\.log",
        ),
        fg.detect_anomaly(),
    ):
        y = x.log() * 2
        y.sum().backward()


def test_the_op_whose_backward_first_made_an_infinity_is_named_with_its_line():
    x = leaf(0.0, 4.0)
    with fg.detect_anomaly():
        y = x.sqrt()  # finite, but its slope at 0 is not
        z = y.sum() * 1
        with pytest.raises(
            fg.AnomalyError, match=r"backward pass of 'sqrt' made infinity.*recorded at .*test_errors.*y = x\.sqrt"
        ):
            z.backward()
    assert x.grad is None


def test_a_nan_is_called_a_nan():
    with fg.detect_anomaly(), pytest.raises(fg.AnomalyError, match="'divide' made NaN"):
        leaf(0.0) / 0.0


def test_what_was_recorded_before_has_no_line():
    x = leaf(0.0)
    y = x.sqrt()
    with fg.detect_anomaly(), pytest.raises(fg.AnomalyError, match=r"'sqrt'.*outside detect_anomaly\(\)"):
        y.backward()


def test_infinities_that_came_in_are_no_anomaly():
    mask = fg.tensor([0.0, -np.inf])
    x = leaf(1.0, 2.0)
    with fg.detect_anomaly():
        (x + mask).softmax().sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_anomalies_are_looked_for_inside_the_block_only():
    x, block = leaf(0.0), fg.detect_anomaly()
    with block, block:
        x * 2
    assert np.isinf(x.log().item())
    x.sqrt().backward()
    assert np.isinf(x.grad.item())
