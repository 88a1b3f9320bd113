"""Values that depend on what is differentiated cannot leave a transform as plain numbers or arrays: every conversion
is tried in every transform."""

import array
import copy
import math
import pickle
import statistics
import struct
import sys
import threading
import warnings

import numpy as np
import pytest

import fastgrad as fg

X = np.array([0.6, 0.8])


def into_ndarray(write):
    def door(v):
        a = np.zeros(3)
        write(a, v)
        return a.sum()

    return door


# Each takes a recorded 0-d Tensor and makes a number or an array of it; and what that does where no transform runs:
# nothing, a warning, or a refusal as well.
DOORS = {
    "float": (float, "warns"),
    "complex": (lambda v: complex(v).real, "warns"),
    "item": (lambda v: v.item(), "silent"),
    "item_at": (lambda v: fg.stack([v, v]).item(1), "silent"),
    "tolist": (lambda v: v.tolist(), "silent"),
    "numpy": (lambda v: v.numpy(), "silent"),
    "numpy_writable": (lambda v: (v * 1).numpy(writable=True), "silent"),
    "math.sin": (math.sin, "warns"),
    "math.fsum": (lambda v: math.fsum([v]), "warns"),
    "math.hypot": (lambda v: math.hypot(v, 1.0), "warns"),
    "math.floor": (lambda v: float(math.floor(v)), "warns"),
    "percent": (lambda v: float("%f" % v), "warns"),  # noqa: UP031
    "np.float64": (np.float64, "warns"),
    "np.float32": (np.float32, "refused"),
    "np.asarray": (np.asarray, "refused"),
    "np.array": (np.array, "refused"),
    "np.array_of_list": (lambda v: np.array([v, v]).sum(), "any"),
    "np.array_dtype": (lambda v: np.array([v], dtype=float)[0], "any"),
    "fg.tensor": (fg.tensor, "silent"),
    "fg.tensor_of_list": (lambda v: fg.tensor([v, v]).sum(), "any"),
    "np.fromiter": (lambda v: np.fromiter([v, v], float).sum(), "warns"),
    "setitem": (into_ndarray(lambda a, v: a.__setitem__(0, v)), "any"),
    "setitem_slice": (into_ndarray(lambda a, v: a.__setitem__(slice(None), v)), "refused"),
    "fill": (into_ndarray(lambda a, v: a.fill(v)), "any"),
    "flat": (into_ndarray(lambda a, v: a.flat.__setitem__(0, v)), "any"),
    "itemset": (into_ndarray(lambda a, v: a.put(0, v)), "any"),
    "array.array": (lambda v: array.array("d", [v])[0], "warns"),
    "struct": (lambda v: struct.unpack("d", struct.pack("d", v))[0], "warns"),
    "fmean": (lambda v: statistics.fmean([v, v]), "warns"),
    "memoryview": (lambda v: memoryview(v).tolist(), "refused"),
    "dlpack": (np.from_dlpack, "refused"),
    "dlpack_torch": (lambda v: v.__dlpack__(), "refused"),
    "pickle": (lambda v: pickle.loads(pickle.dumps(v)), "any"),
    "deepcopy": (copy.deepcopy, "any"),
    "frombuffer": (lambda v: np.frombuffer(v)[0], "refused"),
}


def plainly(door):
    """A function whose value is right but in which the gradient would be lost."""
    return lambda x: (x[0] * door(x[0]) * x).sum()


TRANSFORMS = {
    "grad": lambda f: fg.grad(f)(X),
    "grad_of_tensor": lambda f: fg.grad(f)(fg.tensor(X)),
    "grad_of_leaf": lambda f: fg.grad(f)(fg.tensor(X, requires_grad=True)),
    "grad_argnums": lambda f: fg.grad(lambda c, x: f(x), argnums=(1,))(1.0, X),
    "grad_nest": lambda f: fg.grad(lambda p: f(p["x"][0]))({"x": [X]}),
    "value_and_grad": lambda f: fg.value_and_grad(f)(X),
    "value_and_grad_aux": lambda f: fg.value_and_grad(lambda x: (f(x), 1), has_aux=True)(X),
    "elementwise_grad": lambda f: fg.elementwise_grad(f)(X),
    "vjp": lambda f: fg.vjp(f, X)[1](1.0),
    "jvp": lambda f: fg.jvp(f, (X,), (X,)),
    "jvp_of_tensor": lambda f: fg.jvp(f, (X,), (fg.tensor(X),)),
    "hvp": lambda f: fg.hvp(f, (X,), (X,)),
    "jacobian": lambda f: fg.jacobian(f)(X),
    "hessian": lambda f: fg.hessian(f)(X),
    "outer": lambda f: fg.grad(lambda x: fg.grad(lambda y: f(x) * y)(1.0))(X),
    "twice": lambda f: fg.grad(lambda x: (fg.grad(f)(x) * x).sum())(X),
    "checkpoint": lambda f: fg.grad(lambda x: fg.checkpoint(f)(x * 1))(X),
    "checkpoint_outside": lambda f: fg.grad(lambda x: fg.checkpoint(lambda: f(x))())(X),
    "in_no_grad": lambda f: fg.no_grad(fg.grad(f))(X),
}


if fg.engine == "python" and sys.version_info < (3, 12):
    del DOORS["memoryview"], DOORS["frombuffer"]  # no buffer protocol for a class in Python


@pytest.mark.parametrize("door", DOORS)
def test_every_door_is_shut_in_every_transform(door):
    f = plainly(DOORS[door][0])
    for transform in TRANSFORMS.values():
        with pytest.raises(fg.NotDifferentiableError):
            transform(f)


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_a_detached_value_is_free_and_so_are_other_values(transform):
    other = fg.tensor(2.0, requires_grad=True)

    def f(x):
        c = x[0].detach()
        assert c.item() == float(c) == c.numpy() == c.tolist() and math.isfinite(c)
        assert other.item() == (other * 3).item() / 3 == (other * 3).tolist() / 3
        assert (x[0] > 0 and int(x[0]) == 0 and bool(x[0]) and x[0] in x) or not x.requires_grad
        assert len(f"{x}{x!r}{x[0]:.3f}") > 0 and len(x) == 2
        return (x * x).sum()

    transform(f)


@pytest.mark.parametrize("door", DOORS)
def test_outside_of_transforms(door):
    leave, outside = DOORS[door]
    v = fg.tensor(0.6, requires_grad=True) * 1
    if outside == "any":
        return
    if outside == "refused":
        with pytest.raises(fg.NotDifferentiableError):
            leave(v)
    elif outside == "warns":
        with pytest.warns(fg.GradientWarning, match=r"of the result of 'multiply'.*no gradient flows.*x\.item\(\)"):
            leave(v)
    else:
        leave(v)  # no warning: they are errors here
    with fg.no_grad():
        leave(v)
    leave(v.detach())


@pytest.mark.parametrize("door", DOORS)
def test_under_no_grad_every_door_is_open(door):
    leave, _ = DOORS[door]

    def f(x):
        with fg.no_grad():
            leave(x[0])
        return (x * x).sum()

    for transform in "grad", "vjp", "jacobian":
        TRANSFORMS[transform](f)


def test_the_error_names_the_op_and_what_to_write():
    with pytest.raises(
        fg.NotDifferentiableError,
        match=r"float\(x\) of the result of 'sin' inside a transform.*np\.sin.*fg\.stack.*fg\.zeros.*x\.detach\(\)",
    ):
        fg.grad(lambda x: x * math.exp(np.sin(x)))(1.0)
    with pytest.raises(fg.NotDifferentiableError, match=r"x\.item\(\) of an input inside a transform"):
        fg.grad(lambda x: x * x.item())(1.0)


def test_errors_that_hide_a_refusal_give_it_back_and_others_stay():
    optimize = pytest.importorskip("scipy.optimize")
    with pytest.raises(fg.NotDifferentiableError, match=r"float\(x\) of the result of 'subtract'"):
        fg.grad(lambda a: a * optimize.brentq(lambda z: z * z - a, 0, 3))(2.0)

    def f(x):
        try:
            np.zeros(2)[0] = x
        except ValueError:
            return {}["missing"]

    with pytest.raises(KeyError, match="missing"):
        fg.grad(f)(2.0)


def test_the_warning_comes_once_per_line():
    x = fg.tensor(1.0, requires_grad=True)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for _ in range(3):
            float(x)
            math.sin(x)
    assert [w.category for w in seen] == [fg.GradientWarning] * 2
    assert {w.filename for w in seen} == {__file__} and seen[1].lineno == seen[0].lineno + 1
    assert issubclass(fg.GradientWarning, UserWarning)


def test_printing_formatting_and_comparing_do_not_warn():
    x = fg.tensor([0.5, 1.5], requires_grad=True)
    y = (x * x).sum()
    assert (
        f"{y:.2f} {y}" and str(x) and repr(y) and y > 1 and y == 2.5 and int(y) == 2 and bool(y) and sorted([y, x[0]])
    )


def test_a_value_that_another_threads_transform_differentiates_is_shut_in():
    caught = []

    def f(x):
        def work():
            try:
                (x * 2).sum().item()
            except fg.NotDifferentiableError as error:
                caught.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return (x * x).sum()

    fg.grad(f)(X)
    assert len(caught) == 1


def test_the_doors_open_when_the_transform_is_done_also_after_an_error():
    kept = []

    def f(x):
        kept.append((x * x).sum())
        if len(kept) > 1:
            raise KeyError("f")
        return kept[-1]

    fg.value_and_grad(f)(X)
    for go in (fg.grad(f), fg.jacobian(f), lambda x: fg.vjp(f, x)):
        with pytest.raises(KeyError):
            go(X)
    assert [y.item() for y in kept] == [1.0] * 4
    fg.grad(lambda x: x * kept[-1].item())(1.0)  # of another transform: not what is differentiated here


def test_a_graph_that_was_freed_inside_a_transform_cannot_tell():
    def f(x):
        y = (x * x).sum()
        y.backward()
        return x[0] * y.item()

    with pytest.raises(fg.NotDifferentiableError, match="was freed by an earlier backward"):
        fg.grad(f)(X)


def test_values_that_a_gradient_does_not_reach_may_be_read():
    mixed = fg.primitive(lambda x, c: x * c, vjp=(lambda g, c: g * c, None))
    assert fg.grad(lambda v: v * mixed(fg.tensor(2.0, requires_grad=True), v).item())(3.0) == 6.0


def test_shallow_copies_keep_the_gradient():
    assert fg.grad(lambda v: v * copy.copy(v))(3.0) == 6.0
    assert fg.grad(lambda v: v * copy.copy(v * 1))(3.0) == 6.0
