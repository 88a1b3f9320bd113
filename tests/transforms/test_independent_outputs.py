"""An output that does not depend on the input has derivative zero, and every transform warns about it."""

import warnings

import numpy as np
import pytest

import fastgrad as fg

A = np.array([1.0, 2.0])
W = fg.tensor([3.0, 4.0], requires_grad=True)

TRANSFORMS = {
    "grad": lambda f: fg.grad(f)(A),
    "grad of Tensors": lambda f: fg.grad(f)(fg.tensor(A)),
    "grad of nests": lambda f: fg.grad(lambda p: f(p["a"]))({"a": A, "b": [A]}),
    "value_and_grad": lambda f: fg.value_and_grad(f)(A),
    "value_and_grad with aux": lambda f: fg.value_and_grad(lambda x: (f(x), x), has_aux=True)(A),
    "elementwise_grad": lambda f: fg.elementwise_grad(f)(A),
    "vjp": lambda f: fg.vjp(f, A)[1](1.0),
    "jvp": lambda f: fg.jvp(f, (A,), (A,)),
    "jacobian": lambda f: fg.jacobian(f)(A),
    "hvp": lambda f: fg.hvp(f, (A,), (A,)),
    "hessian": lambda f: fg.hessian(f)(A),
    "an inner grad": lambda f: fg.grad(lambda t: fg.grad(f)(A).sum() + t)(1.0),
}
OUTPUTS = {
    "a number": lambda x: 3.0,
    "an array": lambda x: np.array(3.0),
    "a constant": lambda x: fg.tensor(3.0),
    "a detached value": lambda x: (x.detach() * 2).sum(),
    "another leaf": lambda x: (W * W).sum(),
    "integers": lambda x: x.astype(int).astype(float).sum(),
    "under no_grad": fg.no_grad(lambda x: (x * x).sum()),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_every_transform_warns(transform, output):
    verb = transform.split()[0] if transform != "an inner grad" else "grad"
    with pytest.warns(fg.GradientWarning, match=f"{verb}: the output seems independent of the input") as seen:
        TRANSFORMS[transform](output)
    assert seen[0].filename == __file__


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_a_dependent_output_does_not_warn(transform):
    transform(lambda x: (x * x).sum())
    transform(lambda x: x.sum())  # of a linear function the second derivative is zero, and that is all
    transform(lambda x: (x[:1] * W[0]).sum())


def test_a_constant_derivative_is_nothing_to_warn_of():
    square = fg.grad(lambda x: (x * x).sum())
    for f in fg.jacobian(fg.jacobian(square)), fg.jacobian(fg.hessian(lambda x: (x * x).sum())), fg.hessian(fg.sum):
        assert not f(A).any()
    assert fg.grad(fg.grad(fg.grad(lambda x: x * x)))(1.0) == 0.0
    assert fg.vjp(fg.grad(fg.grad(lambda x: x * x)), 1.0)[1](1.0) == (0.0,)


def test_each_argument_that_was_asked_for_is_named():
    with pytest.warns(fg.GradientWarning, match="argument 1,") as seen:
        fg.grad(lambda a, b: (a * a).sum(), (0, 1))(A, A)
    assert len(seen) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fg.vjp(lambda a, b: (a * a).sum(), A, A)[1](1.0)  # of all arguments, some may be left out
        fg.jvp(lambda a, b: (a * a).sum(), (A, A), (A, A))
        fg.grad(lambda p: (p[0] * p[0]).sum())([A, A])


def test_it_warns_once_per_line():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for _ in range(3):
            fg.grad(lambda x: 1.0)(1.0)
    assert len(seen) == 1
