"""What goes to another process: pickle, cloudpickle and copy.deepcopy of Tensors, functions, modules and optimizers.

A copy does what its original does, to the bit.
"""

import copy
import importlib
import os
import pickle
import subprocess
import sys
import types

import numpy as np
import pytest

import fastgrad as fg
import fastgrad.autograd as ag
from fastgrad import nn, optim
from fastgrad.errors import BackwardError, GradientWarning
from fastgrad.optim import lr_scheduler
from tests.support import pickled
from tests.support.pickled import ROWS, Net, X, cube, cubes, step


def by_cloudpickle(x):
    cloudpickle = pytest.importorskip("cloudpickle")
    return cloudpickle.loads(cloudpickle.dumps(x))


def by_pickle(x):
    return pickle.loads(pickle.dumps(x))


WAYS = {"pickle": by_pickle, "cloudpickle": by_cloudpickle, "deepcopy": copy.deepcopy}
every_way = pytest.mark.parametrize("again", WAYS.values(), ids=WAYS)


def plain(value):
    """Return arrays and bytes in place of Tensors and sparse matrices, for comparisons."""
    if isinstance(value, (tuple, list)):
        return [plain(x) for x in value]
    if isinstance(value, dict):
        return {key: plain(x) for key, x in value.items()}
    value = value.toarray() if hasattr(value, "toarray") else value
    value = value.detach().numpy() if isinstance(value, fg.Tensor) else value
    return (value.dtype.str, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value


# --- everything public


MODULES = """
    nn nn.functional nn.init nn.utils optim optim.lr_scheduler optimize linalg fft numpy numpy.linalg numpy.fft testing
    func data utils.data errors autograd autograd.numpy autograd.extend autograd.misc.optimizers autograd.misc.flatten
    autograd.test_util micrograd micrograd.nn
"""


@pytest.mark.parametrize("module", ["fastgrad", *(f"fastgrad.{name}" for name in MODULES.split())])
def test_public_functions_and_classes_are_pickled_by_name(module):
    names = [name for name in dir(importlib.import_module(module)) if name[0] != "_" and name != "test"]
    for name in names:
        found = getattr(sys.modules[module], name)
        if isinstance(found, types.ModuleType) or not callable(found):
            continue
        for again in (by_pickle, copy.deepcopy):
            assert again(found) is found, name
        if "cloudpickle" in sys.modules:
            assert by_cloudpickle(found) is found, name


# --- Tensors


def leaf():
    x = fg.tensor(X, requires_grad=True)
    (x * x).sum().backward()
    return x


TENSORS = {
    "leaf with a gradient": leaf,
    "constant": lambda: fg.tensor(X),
    "number": lambda: fg.tensor(2.0),
    "empty": lambda: fg.zeros((0, 3)),
    "integers": lambda: fg.tensor([1, 2]),
    "booleans": lambda: fg.tensor([True, False]),
    "complex": lambda: fg.tensor(X * 1j, requires_grad=True),
    "float32": lambda: fg.tensor(X, dtype=np.float32),
    "transposed": lambda: fg.tensor(ROWS).T,
    "reversed": lambda: fg.tensor(X)[::-1],
    "broadcast": lambda: fg.broadcast_to(fg.tensor(X), (2, 3)),
    "detached": lambda: (leaf() * 2).detach(),
    "frozen parameter": lambda: nn.Parameter(X, requires_grad=False),
}


@every_way
@pytest.mark.parametrize("kind", TENSORS)
def test_a_tensor_is_a_leaf_again(kind, again):
    x = TENSORS[kind]()
    y = again(x)
    assert plain(y) == plain(x) and y.is_leaf and y.requires_grad == x.requires_grad
    assert (y.grad is None) == (x.grad is None) and plain(y.grad) == plain(x.grad)
    assert not np.shares_memory(x.detach().numpy(), y.detach().numpy())
    net, other = nn.Module(), nn.Module()
    net.x, other.x = x, y
    assert len(list(net.parameters())) == len(list(other.parameters()))


def test_one_tensor_twice_is_one_tensor_and_large_ones_go_out_of_band():
    x = leaf()
    one, two = by_pickle([x, x])
    assert one is two
    large, buffers = fg.ones(10**5), []
    data = pickle.dumps(large, protocol=5, buffer_callback=buffers.append)
    assert len(data) < 1000 and len(buffers) == 1
    assert plain(pickle.loads(data, buffers=buffers)) == plain(large)


@every_way
def test_a_recorded_result_is_refused_and_says_what_to_do(again):
    with pytest.raises(BackwardError, match=r"recorded result \(op 'multiply'\).* use x\.detach\(\)"):
        again(leaf() * 2)


@every_way
def test_hooks_of_a_leaf_are_not_copied_and_this_is_said(again):
    x = fg.tensor(X, requires_grad=True)
    hook = x.register_hook(lambda g: g * 10)
    with pytest.warns(GradientWarning, match="the hooks of a Tensor are not copied: call register_hook on the copy"):
        y = again(x)
    cube(y).backward()
    assert plain(y.grad) == plain(3 * X**2)
    hook.remove()
    again(x)  # no warning


# --- functions made of functions

MADE = {
    "grad": fg.grad,
    "grad of a tuple": lambda f: fg.grad(f, (0,)),
    "value_and_grad": fg.value_and_grad,
    "elementwise_grad": lambda f: fg.elementwise_grad(cubes),
    "jacobian": fg.jacobian,
    "sparse jacobian": lambda f: fg.jacobian(cubes, sparse="triplets"),
    "hessian": fg.hessian,
    "sparse hessian": lambda f: fg.hessian(f, sparse="triplets"),
    "checkpoint": fg.checkpoint,
    "compile": fg.compile,
    "checked": lambda f: fg.compile(f, check=True),
    "gradient per row": lambda f: fg.vmap(fg.grad(f)),
    "compiled gradient": lambda f: fg.compile(fg.value_and_grad(f)),
    "hessian of a checkpoint": lambda f: fg.hessian(fg.checkpoint(f)),
    "vmap with axes": lambda f: fg.vmap(f, in_axes=1, out_axes=0),
    **{f"autograd {name}": getattr(ag, name) for name in (
        "grad", "value_and_grad", "elementwise_grad", "jacobian", "hessian", "checkpoint", "deriv", "multigrad_dict",
    )},
}  # fmt: skip
TAKES_ROWS = ("gradient per row", "vmap with axes")


def argument(name):
    return ROWS if name in TAKES_ROWS else 2.0 if name.endswith("deriv") else X


@every_way
@pytest.mark.parametrize("name", MADE)
def test_what_a_transform_returns_is_pickled_as_its_function_and_options(name, again):
    made = MADE[name](cube if not name.endswith("deriv") else cubes)
    made.note = "kept"
    copied = again(made)
    assert copied.note == "kept" and copied.__name__ == made.__name__ and copied.__doc__ == made.__doc__
    assert type(copied) is type(made)
    assert plain(copied(argument(name))) == plain(made(argument(name)))
    assert copy.copy(made) is made is copy.deepcopy(made)
    assert plain(by_pickle(copied)(argument(name))) == plain(made(argument(name)))


@pytest.mark.parametrize("name", MADE)
def test_what_a_transform_makes_of_a_lambda_is_for_cloudpickle(name):
    made = MADE[name](lambda x: (x * x * x).sum())
    if "jacobian" not in name and "elementwise" not in name and not name.endswith("deriv"):
        with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
            pickle.dumps(made)
    assert plain(by_cloudpickle(made)(argument(name))) == plain(made(argument(name)))


DECORATED = {
    "slope": (X,), "both": (X,), "derivative": (X,), "matrix": (X,), "light": (X,), "squares": (ROWS,),
    "program": (X,), "multiple": (X, 3), "fast": (X,), "constant": (X,), "exponential": (X,), "weighted": (X, X),
    "doubled": (X,), "tripled": (X,),
}  # fmt: skip


@every_way
@pytest.mark.parametrize("name", DECORATED)
def test_a_decorated_function_is_pickled_by_its_name(name, again):
    made = getattr(pickled, name)
    copied = again(made)
    assert plain(copied(*DECORATED[name])) == plain(made(*DECORATED[name]))
    assert copied is made or name == "doubled"


def test_two_ops_of_one_name_stay_two():
    def op(factor):
        def same_name(x):
            return x * factor

        return same_name

    one, two = (fg.primitive(op(k), vjp=pickled.twice_vjp) for k in (2.0, 3.0))
    assert float(by_cloudpickle(two)(1.0)) == 3.0
    assert float(by_cloudpickle(one)(1.0)) == 2.0
    assert copy.deepcopy(two) is two


def test_methods_that_are_made_by_transforms():
    net = Net()
    for method in (net.predict, net.loss):
        for again in (by_pickle, by_cloudpickle):
            assert plain(again(method)(X)) == plain(method(X))


@pytest.mark.parametrize("mode", [fg.no_grad, fg.enable_grad])
def test_modes_are_pickled(mode):
    inner = by_cloudpickle(mode()(lambda: fg.is_grad_enabled()))
    with fg.no_grad():
        assert inner() == (mode is fg.enable_grad)
    with by_pickle(mode()):
        assert fg.is_grad_enabled() == (mode is fg.enable_grad)
    with by_pickle(fg.detect_anomaly()), pytest.raises(fg.AnomalyError):
        fg.log(fg.tensor(-1.0, requires_grad=True))


# The main module is that of a script, or of a notebook, which other processes know by its name or not at all.
MAIN = """
import pickle, sys
import numpy as np
import fastgrad as fg
import fastgrad.autograd as ag
from fastgrad.autograd.extend import defvjp

@fg.grad
def slope(x): return (x**3).sum()
@fg.compile
@fg.value_and_grad
def fast(x): return (x**3).sum()
@fg.vmap
def squares(x): return x @ slope(x)
@fg.no_grad()
def constant(x): return x * slope(x)
@fg.primitive(vjp=lambda g, y: g * y)
def exponential(x): return np.exp(x)
@fg.primitive(vjp=lambda g: (g, 2 * g), together=True, saves=True)
def weighted(a, b=2.0, /): return a + 2 * b, "saved"
@ag.grad
def pulled(x): return ag.numpy.sum(x**3)
class Net(fg.nn.Module):
    def __init__(self): self.w = fg.nn.Parameter(np.array([2.0]))
    @fg.checkpoint
    def forward(self, x): return (self.w * x).sum()
net = Net()
functions = [slope, fast, lambda x: squares(np.stack([x, x])), constant, fg.grad(lambda x: exponential(x).sum()),
             lambda x: weighted(x, x), pulled, fg.value_and_grad(net), fg.jacobian(lambda x: np.sin(x) * x)]
"""
USED = """
def used(functions):
    import numpy as np, fastgrad as fg
    x = np.array([0.5, -1.0, 2.0])
    results = [f(x) for f in functions]
    return [fg.asarray(y).detach().tolist() for r in results for y in (r if isinstance(r, tuple) else (r,))]
"""


def run(code, *args, data=b""):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    here = os.path.dirname(os.path.dirname(fg.__file__))  # `src`, or where it is installed
    paths = [here, root, os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run([sys.executable, "-c", code, *args], input=data, capture_output=True, env=env, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_what_cloudpickle_stores_of_a_main_module_works_in_a_process_that_has_another_one():
    pytest.importorskip("cloudpickle")
    stored = run(
        MAIN
        + USED
        + """
import cloudpickle
sys.stdout.buffer.write(cloudpickle.dumps((cloudpickle.dumps(functions), used(functions))))
"""
    )
    functions, wanted = pickle.loads(stored)
    found = run(USED + "import pickle, sys; print(used(pickle.load(sys.stdin.buffer)))", data=functions)
    assert found.decode().strip() == str(wanted)


def test_what_pickle_stores_of_a_main_module_is_found_by_its_name_where_it_was_imported():
    data = run(MAIN + "sys.stdout.buffer.write(pickle.dumps([slope, fast, squares, constant, exponential, weighted]))")
    found = run(
        MAIN
        + """
found = pickle.load(sys.stdin.buffer)
print(all(a is b for a, b in zip(found, [slope, fast, squares, constant, exponential, weighted], strict=True)))
""",
        data=data,
    )
    assert found.decode().strip() == "True"
    assert "Can't get attribute 'slope" in run("""
import pickle, sys
try:
    pickle.load(sys.stdin.buffer)
except AttributeError as error:
    print(error)
""", data=data).decode()  # fmt: skip


def test_an_engine_reads_what_the_other_one_wrote():
    pytest.importorskip("cloudpickle")
    other = "cython" if fg.engine == "python" else "python"
    net = Net()
    optimizer = optim.Adam(net.parameters(), lr=0.1)
    step(net, optimizer)
    things = [leaf(), net, optimizer, fg.grad(cube), fg.compile(cube), pickled.weighted, fg.sin, fg.jacobian(cubes)]
    code = f"""
import os
os.environ["FASTGRAD_ENGINE"] = {other!r}
import pickle, sys
try:
    import fastgrad as fg
except ImportError:
    sys.exit(sys.stdout.write("no such engine") * 0)
from tests.support.pickled import X, step
x, net, optimizer, gradient, program, weighted, sin, matrix = pickle.load(sys.stdin.buffer)
net.train(); value = step(net, optimizer)
sys.stdout.buffer.write(pickle.dumps([x, value, gradient(X), program(X), weighted(x, x).detach(), sin(X), matrix(X)]))
"""
    found = run(code, data=pickle.dumps(things))
    if found == b"no such engine":
        pytest.skip("there is one engine")
    x, value, *rest = pickle.loads(found)
    assert plain(x) == plain(things[0]) and plain(x.grad) == plain(things[0].grad)
    assert value == pytest.approx(step(net, optimizer), rel=1e-14)
    wanted = [things[3](X), things[4](X), pickled.weighted(x, x).detach(), fg.sin(X), things[7](X)]
    for a, b in zip(rest, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-14)


# --- modules and optimizers


@every_way
def test_a_module_keeps_shared_parameters_buffers_modes_and_hooks(again):
    net = Net()
    net.eval()
    net.first.weight.requires_grad_(False)
    net.last.register_forward_hook(pickled.halved)
    cube(net(X)).backward()
    other = again(net)
    assert plain(other(X)) == plain(net(X)) and not other.training
    assert other.again is other.last and other.again is not net.last
    assert plain(dict(other.state_dict())) == plain(dict(net.state_dict()))
    assert [(name, p.requires_grad, plain(p.grad)) for name, p in other.named_parameters()] == [
        (name, p.requires_grad, plain(p.grad)) for name, p in net.named_parameters()
    ]


OPTIMIZERS = [
    name for name, kind in vars(optim).items()
    if isinstance(kind, type) and issubclass(kind, optim.Optimizer) and kind is not optim.Optimizer
]  # fmt: skip
SCHEDULERS = {
    "StepLR": (2,), "MultiStepLR": ([2, 4],), "ExponentialLR": (0.9,), "CosineAnnealingLR": (5,),
    "CosineAnnealingWarmRestarts": (3,), "OneCycleLR": (0.1, 10), "ConstantLR": (), "LinearLR": (),
    "PolynomialLR": (), "LambdaLR": (abs,), "MultiplicativeLR": (abs,),
}  # fmt: skip


@every_way
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_goes_on_where_it_was(name, again):
    net = Net()
    optimizer = getattr(optim, name)(net.parameters(), lr=0.01)
    for _ in range(3):
        step(net, optimizer)
    other, its_optimizer = again((net, optimizer))
    held = [p for group in its_optimizer.param_groups for p in group["params"]]
    assert {id(p) for p in held} == {id(p) for p in other.parameters()}
    for _ in range(3):
        assert step(other, its_optimizer) == step(net, optimizer)
    assert plain(dict(other.state_dict())) == plain(dict(net.state_dict()))


@every_way
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_goes_on_with_its_optimizer(name, again):
    net = Net()
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.5)
    scheduler = getattr(lr_scheduler, name)(optimizer, *SCHEDULERS[name])
    step(net, optimizer), scheduler.step()
    other, its_optimizer, its_scheduler = again((net, optimizer, scheduler))
    for _ in range(3):
        assert step(other, its_optimizer) == step(net, optimizer)
        its_scheduler.step(), scheduler.step()
        assert its_optimizer.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]


@every_way
def test_generators_go_on_where_they_were(again):
    generator = fg.Generator().manual_seed(3)
    fg.randn(5, generator=generator)
    other = again(generator)
    assert plain(fg.randn(5, generator=other)) == plain(fg.randn(5, generator=generator))
