"""Generates the type stubs. Names, parameters and defaults are read from the package, types are defined here.

`python -m fastgrad._stubs` writes them, and a test compares the files with its output. No module imports this one.
"""

import inspect
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import fastgrad as fg
from fastgrad import _stubs_numpy
from fastgrad._engine import Function
from fastgrad.foreign import names
from fastgrad.functions.concatenators import Concatenator
from fastgrad.parameters import MASKED_KEYWORDS
from fastgrad.rules.docs import signature as signature_of_op

HEADER = "# Written by `python -m fastgrad._stubs`. Do not edit.\n"
IMPORTS = """\
from collections.abc import Callable, Iterator, Sequence
from types import EllipsisType
from typing import Any, NamedTuple, ParamSpec, Protocol, Self, TypeAlias, TypeVar, final, overload

import numpy as np
import numpy.typing as npt
"""


def _by_name(table):
    """Invert a dict from types to names."""
    return {name: kind for kind, names in table.items() for name in names.split()}


# Type -> parameters. The type of other parameters is that of their default, or Any.
PARAMETERS = _by_name(
    {
        "_Operand": (
            "A x x1 x2 a b start stop logits scores labels predictions targets condition min max obj data "
            "fill_value repeats indices constant_values xs operands weight input target input1 input2 anchor positive "
            "negative query key value tensor var"
        ),
        "int": "num n n_rows lengths axis1 axis2 nbytes",
        "float": "step delta threshold",
        "int | Sequence[int] | None": "axis dim shift reps stride",
        "int | Sequence[int]": (
            "axes normalized_shape shape source destination argnums indices_or_sections kernel_size dilation"
        ),
        "Tensor | Sequence[_Operand]": "arrays tensors outputs inputs",
        "npt.DTypeLike | None": "dtype",
        "Callable[..., Any]": "f fun forward hook",
        "str": "name subscripts",
        "Callable[..., Any] | tuple[Callable[..., Any] | None, ...] | None": "vjp",
        "Callable[..., Any] | tuple[Callable[..., Any] | None, ...] | str | None": "jvp",
        "Callable[..., Any] | None": "batch",
        "_Operand | None": "cotangent bias attn_mask pos_weight prepend append sorter a_min a_max",
        "bool | None": "copy keepdim size_average reduce align_corners recompute_scale_factor",
        "Tensor | None": "running_mean running_var",
        "int | None": "n_cols padding_idx",
        "Sequence[int] | None": "s",
        "np.random.Generator | int | None": "rng",
        "Sequence[str]": "modes",
        "int | str | Sequence[int] | Sequence[Sequence[int]]": "padding",
        "float | None": "eps rtol atol width correction",
        "_Operand | float | None": "rcond tol",
        "int | float | str | None": "ord",
        "str | None": "title",
    }
)
# Type -> functions that return it. Other functions return a Tensor.
RESULTS = _by_name(
    {
        "EigResult": "eig",
        "EighResult": "eigh",
        "QRResult | tuple[Tensor, Tensor] | Tensor": "qr",
        "SVDResult | Tensor": "svd",
        "SlogdetResult": "slogdet",
        "tuple[Tensor, Tensor, int, Tensor]": "lstsq",
        "Any": (
            "type topk median std_mean var_mean cuda "
            "vjp hvp register_hook item tolist __array__ __array_ufunc__ __array_function__ "
            "__array_namespace__ __dlpack__ unique unique_all unique_counts unique_inverse primitive "
            "minimize root root_scalar least_squares curve_fit"
        ),
        "tuple[Any, Any]": "jvp __dlpack_device__",
        "Sequence[Tensor]": "chunk unbind split unstack meshgrid broadcast_arrays nonzero",
        "bool": (
            "is_tensor is_contiguous is_floating_point is_complex allclose array_equal can_cast isdtype "
            "is_grad_enabled "
            "__bool__ __contains__"
        ),
        "np.dtype[Any]": "result_type get_default_dtype",
        "None": (
            "fill put partition "
            "manual_seed set_default_device use_deterministic_algorithms backward zero_grad retain_grad check_grads "
            "__setitem__"
        ),
        "tuple[Tensor, ...]": "gradients",
        "tuple[int, ...]": "broadcast_shapes",
        "npt.NDArray[Any]": "numpy",
        "bytes": "tobytes",
        "Self": (
            "requires_grad_ __iadd__ __isub__ __imul__ __itruediv__ __ifloordiv__ __imod__ __ipow__ "
            "__imatmul__ __iand__ __ior__ __ixor__ __ilshift__ __irshift__"
        ),
        "int": (
            "numel nelement dim ndimension element_size __len__ __index__ __int__ __hash__ clear_cache set_cache_limit "
            "get_num_threads set_num_threads "
        ),
        "dict[str, int]": "cache_info",
        "str": "__repr__ __format__ _repr_html_",
        "float": "__float__",
        "complex": "__complex__",
        "Iterator[Tensor]": "__iter__",
        "_Picture": "draw",
        "_Explanation": "explain",
    }
)
PROPERTIES = _by_name(
    {
        "int": "ndim size itemsize nbytes",
        "tuple[int, ...]": "shape strides",
        "Tensor": "T mT",
        "Any": "grad_fn flags",
        "np.dtype[Any]": "dtype",
        "str": "device",
        "bool": "is_leaf is_cuda",
        "str | None": "op",
        "tuple[Any, ...]": "operands",
    }
)
WRITABLE = {
    "data": "Tensor", "flat": "Any", "grad": "Tensor | None", "imag": "Tensor", "real": "Tensor",
    "requires_grad": "bool",
}  # fmt: skip
ASSIGNED = {"real": "_Operand", "imag": "_Operand"}  # types that can be assigned, where they are not those of the value
ALIASES = """
_Operand: TypeAlias = Tensor | npt.ArrayLike
_Index: TypeAlias = int | slice | EllipsisType | None | _Operand | tuple[_Index, ...]
_F = TypeVar("_F", bound=Callable[..., Any])
"""
REST = """
class Function:
    def __init__(self, rule: Any) -> None: ...
    __signature__: Any
    @property
    def rule(self) -> Any: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Tensor: ...

class _Context:
    def __enter__(self) -> Any: ...
    def __exit__(self, *exc: object) -> bool | None: ...

class _Mode(_Context):
    def __call__(self, function: _F) -> _F: ...

@overload
def no_grad(function: None = None) -> _Mode: ...
@overload
def no_grad(function: _F) -> _F: ...
@overload
def enable_grad(function: None = None) -> _Mode: ...
@overload
def enable_grad(function: _F) -> _F: ...
def detect_anomaly() -> _Context: ...
"""
ENGINE = (
    "tensor",
    "asarray",
    "is_grad_enabled",
    "gradients",
    "cache_info",
    "clear_cache",
    "set_cache_limit",
    "get_num_threads",
    "set_num_threads",
)
# The types of a result and of the function `f` of transforms: the result is called as `f`.
SAME_CALL = dict.fromkeys(
    ("grad", "value_and_grad", "elementwise_grad", "jacobian", "hessian"), ("Callable[_P, Any]", "Callable[_P, Any]")
) | {"checkpoint": ("Callable[_P, _R]", "Callable[_P, _R]")}
VARIABLES = '_P = ParamSpec("_P")\n_R = TypeVar("_R")\n'
# Used as a decorator or called with the function, which is made an op.
PRIMITIVE = """\
@overload
def primitive(forward: None = None, /, *, {options}) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
@overload
def primitive(forward: Callable[..., Any], /, *, {options}) -> Callable[..., Any]: ...
"""
# Names of the protocols of ops, by their first op.
PROTOCOLS = {
    "abs": "_UnaryFunction", "add": "_BinaryFunction", "max": "_Reduction", "mean": "_ReductionInDtype",
    "cumprod": "_Accumulation", "log_softmax": "_Softmax", "std": "_Deviation", "tril": "_Triangle",
}  # fmt: skip
# Parameters that accept more types than that of their default.
WIDER_THAN_DEFAULT = ("ord", "axis", "axes", "argnums", "stride", "padding", "dilation", "title", "width")
HIDDEN = {
    "_refreshed", "__array_priority__", "__buffer__", "__weakref__", "__module__", "__slots__", "__doc__", "__hash__",
}  # fmt: skip
DUNDERS = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__repr__", "__format__"}


BUILTINS = "".join(f"from builtins import {word} as _{word}\n" for word in ("bool", "complex", "float", "int"))


def built_in(text):
    """Return the text of a stub with `_int` for `int` in types, where `int` is the name of a method or dtype."""
    return re.sub(r"(?<!def )(?<![.\w])(bool|complex|float|int)\b(?![(:])", r"_\1", text)


def parameter(p, name):
    """Return one parameter with its type and default."""
    if p.name == "self":
        return "self"
    kind = PARAMETERS.get(p.name) if not name.startswith("__") or p.name in ("dtype", "copy") else "Any"
    if name == "__getitem__" or (name == "__setitem__" and p.name == "key"):
        kind = "_Index"
    elif p.kind is p.VAR_KEYWORD or (p.kind is p.VAR_POSITIONAL and kind is None):
        kind = "Any"
    elif p.default is not p.empty and isinstance(p.default, (bool, int, float, str)):
        kind = kind if p.name in WIDER_THAN_DEFAULT else type(p.default).__name__
    if p.default is None and kind not in (None, "Any") and "None" not in kind:
        kind += " | None"
    prefix = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
    default = (
        "" if p.default is p.empty else " = " + ("..." if callable(p.default) or p.default is ... else repr(p.default))
    )
    return f"{prefix}{p.name}: {kind or 'Any'}{default}"


def parameters_of(called):
    found = signature_of_op(called.rule) if isinstance(called, Function) else inspect.signature(called)
    parameters = list(found.parameters.values())
    if isinstance(called, Function):  # PyTorch's keywords
        words = [word for word in ("dim", "keepdim") if word in called.rule.synonyms]
        words += MASKED_KEYWORDS.get(called.rule.name, ())
        parameters += [inspect.Parameter(word, inspect.Parameter.KEYWORD_ONLY, default=None) for word in words]
    return parameters


def signature(parameters, name):
    """Return the text between the parentheses of a signature."""
    parts, before = [], None
    for p in parameters:
        if before is not None and before.kind is p.POSITIONAL_ONLY and p.kind is not p.POSITIONAL_ONLY:
            parts.append("/")
        if p.kind is p.KEYWORD_ONLY and not any(part.startswith("*") for part in parts):
            parts.append("*")
        parts.append(parameter(p, name))
        before = p
    if before is not None and before.kind is before.POSITIONAL_ONLY:
        parts.append("/")
    return ", ".join(parts)


def functions(named):
    """Return the stubs of functions. Ops are objects with a `__call__`, whose protocol depends on the signature."""
    protocols, text = {}, ""
    for name, called in named.items():
        parts = signature(parameters_of(called), name)
        result = RESULTS.get(name, "Tensor")
        if isinstance(called, Function):
            own = "_" + called.__name__.title().replace("_", "") + "Function"
            protocol = protocols.setdefault(f"self, {parts}", PROTOCOLS.get(called.__name__, own))
            text += f"{name}: {protocol}\n"
        elif name == "primitive":
            text += PRIMITIVE.format(options=parts.partition(" *, ")[2])
        else:
            called_as, result = SAME_CALL.get(name, ("Callable[..., Any]", result))
            text += f"def {name}({parts.replace('Callable[..., Any]', called_as)}) -> {result}: ...\n"
    classes = (f"class {k}(Protocol):\n    def __call__({parts}) -> Tensor: ...\n" for parts, k in protocols.items())
    return "\n".join((*classes, text))


def method(name, member):
    """Return the stub of a method. A method that forwards its arguments has the parameters of the function."""
    parameters = list(inspect.signature(member).parameters.values())
    if [p.kind for p in parameters[1:]] == [parameters[0].VAR_POSITIONAL, parameters[0].VAR_KEYWORD]:
        target = parameters_of(getattr(fg, getattr(member, "alias_of", name)))
        target = [p for p in target if p.name not in ("a_min", "a_max")]  # of NumPy's function, but not its method
        if target[0].kind is not target[0].VAR_POSITIONAL:
            parameters = [parameters[0].replace(kind=target[0].kind), *target[1:]]
    if name.startswith("__") and all(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in parameters):
        # Python calls these with positional arguments.
        parameters = [p.replace(kind=p.POSITIONAL_ONLY) for p in parameters]
    parameters[0] = parameters[0].replace(name="self")
    end = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""  # object's return a bool
    return f"    def {name}({signature(parameters, name)}) -> {RESULTS.get(name, 'Tensor')}: ...{end}\n"


def tensor_class():
    text = "@final\nclass Tensor:\n"
    for name, kind in WRITABLE.items():
        text += f"    @property\n    def {name}(self) -> {kind}: ...\n"
        text += f"    @{name}.setter\n    def {name}(self, value: {ASSIGNED.get(name, kind)}) -> None: ...\n"
    names.load()
    for name in sorted({*dir(fg.Tensor)} - {*dir(object)} | DUNDERS):
        member = inspect.getattr_static(fg.Tensor, name)
        if name in PROPERTIES:
            text += f"    @property\n    def {name}(self) -> {PROPERTIES[name]}: ...\n"
        elif name not in HIDDEN and callable(member):
            text += method(name, member)
    return text + "    def __hash__(self) -> int: ...\n"


def engine_stub():
    text = HEADER + IMPORTS + BUILTINS + ALIASES + "\nname: str\n\n" + built_in(tensor_class())
    return text + REST + functions({name: getattr(fg, name) for name in ENGINE})


def menu_stub():
    """Return the stub of `fastgrad`, with its names in alphabetical order."""
    text = (
        HEADER
        + IMPORTS
        + "\nfrom fastgrad import data as data\nfrom fastgrad import fft as fft\nfrom fastgrad import func as func\n"
        + "from fastgrad import lib as lib\nfrom fastgrad import linalg as linalg\nfrom fastgrad import nn as nn\n"
        + "from fastgrad import numpy as numpy\nfrom fastgrad import optim as optim\n"
        + "from fastgrad import optimize as optimize\n"
    )
    text += "from fastgrad import testing as testing\n"
    text += "from fastgrad import transforms as transforms\nfrom fastgrad import utils as utils\n"
    moved = (*ENGINE, "Tensor", "no_grad", "enable_grad", "detect_anomaly")
    text += "".join(f"from fastgrad._engine import {name} as {name}\n" for name in sorted(moved))
    text += (
        "from fastgrad.pictures import Explanation as _Explanation\nfrom fastgrad.pictures import Picture as _Picture\n"
    )
    text += BUILTINS  # `bool` is NumPy's in this module
    called, constants = {}, ""
    for name in sorted(dir(fg)):
        value = getattr(fg, name)
        if name.startswith("_") or name in moved or isinstance(value, types.ModuleType):
            continue
        if isinstance(value, type):
            text += f"from {value.__module__} import {value.__name__} as {name}\n"
        elif callable(value):
            called[name] = value
        else:
            kind = "Any" if isinstance(value, (types.SimpleNamespace, Concatenator)) else type(value).__name__
            constants += f"{name}: {kind if value is not None else 'None'}\n"
    body, constants = built_in(functions(called)), built_in(constants)
    aliases = "\n_Operand: TypeAlias = Tensor | npt.ArrayLike\n" + VARIABLES
    return text + aliases + "\n__version__: str\n" + constants + "\n" + body


def class_stub(name, value):
    """Return the stub of an error class, or of a named tuple of Tensors."""
    if fields := getattr(value, "_fields", None):
        return f"class {name}(NamedTuple):\n" + "".join(f"    {field}: Tensor\n" for field in fields)
    bases = (f"{'np.linalg.' * (b.__module__ == 'numpy.linalg')}{b.__name__}" for b in value.__bases__)
    return f"class {name}({', '.join(bases)}): ...\n"


def module_stub(module):
    """Return the stub of a public module: the names in its `__all__`, or those that it defines."""
    exported = getattr(module, "__all__", None)
    names = exported or [
        n for n, v in vars(module).items() if n[0] != "_" and getattr(v, "__module__", "") == module.__name__
    ]
    text = HEADER + IMPORTS + "\nfrom fastgrad._engine import Tensor\nfrom fastgrad.errors import FastgradError\n"
    text += "\n_Operand: TypeAlias = Tensor | npt.ArrayLike\n" + VARIABLES + "\n"
    found = {name: getattr(module, name) for name in sorted(names)}
    for name, value in found.items():
        if isinstance(value, type):
            text += class_stub(name, value)
    text += functions({name: value for name, value in found.items() if not isinstance(value, type)})
    return text + (f"\n__all__ = {exported!r}\n" if exported else "")


def stubs():
    """Return the content of each stub file, by its path in the package."""
    return {
        "__init__.pyi": menu_stub(),
        "_engine.pyi": engine_stub(),
        "fft.pyi": module_stub(fg.fft),
        "linalg/__init__.pyi": module_stub(fg.linalg),
        "nn/functional.pyi": module_stub(fg.nn.functional),
        "optimize/__init__.pyi": module_stub(fg.optimize),
        "testing.pyi": module_stub(fg.testing),
        "transforms/__init__.pyi": module_stub(fg.transforms),
        **{path: HEADER + text for path, text in _stubs_numpy.stubs(RESULTS).items()},
    }


if __name__ == "__main__":
    if fg.engine != "python":  # methods of the compiled engine have no signatures
        command = [sys.executable, "-m", "fastgrad._stubs"]
        raise SystemExit(subprocess.run(command, env=os.environ | {"FASTGRAD_ENGINE": "python"}).returncode)
    for path, text in stubs().items():
        (Path(__file__).parent / path).write_text(text)
