"""The shape of the sources: who may import whom, how long a file is, and that nothing promised is missing."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import fastgrad as fg
from fastgrad._docs import DOCS
from fastgrad.tensor_methods import METHODS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "fastgrad"
if not SOURCE.exists():
    SOURCE = Path(fg.__file__).parent

# Lowest first. A module imports from its own layer and from lower ones.
LAYERS = (
    (
        "errors",
        "modes",
        "_hooks",
        "_numpy_errors",
        "_lazy",
        "_docs",
        "_tree",
        "_collector",
        "_progress",
        "_threads",
        "_interrupt",
        "_generator",
        "tracebacks",
        "made_functions",
    ),
    (
        "parameters",
        "view_keys",
        "batching",
        "devices",
        "primitive_errors",
        "direction_errors",
        "program_errors",
        "program_guards",
        "program_checks",
        "value_errors",
        "anomaly",
        "leaving",
        "op_functions",
        "call_plans",
        "sweep_arguments",
        "transform_arguments",
    ),
    ("engine_python", "core"),
    ("_engine",),
    ("rules",),
    ("functions",),
    ("fft", "linalg"),
    ("foreign", "shape_methods", "_families"),
    ("tensor_methods", "numpy_calls"),
    ("counterparts",),
    ("protocols",),
    ("transforms", "programs"),
    ("primitives", "_state", "optim", "optimize", "data"),
    ("nn",),
    ("func", "lib", "utils", "parallel"),
    ("testing",),
    ("pictures",),
    ("micrograd",),
    ("representation",),
    ("_assemble",),
    ("__init__",),
    ("numpy",),
    ("autograd",),
    ("benchmark",),
    ("demo",),
    ("cli",),
    ("__main__", "_stubs", "_stubs_numpy"),
)
# Inside the two engines, file by file.
ENGINE_PYTHON = (
    "leaving",
    "tensor",
    "views",
    "writes",
    "record",
    "numpy_function",
    "sweep",
    "forward",
    "transform",
    "program",
    "__init__",
)
CORE = (
    "build",
    "capi",
    "tracebacks",
    "workers",
    "layout",
    "loops",
    "storage",
    "kernels",
    "simd",
    "tensor",
    "value",
    "__init__",
)

# Names a user may rely on, group by group.
FUNCTIONS = """
    add subtract multiply divide negative power abs sign sqrt square reciprocal exp expm1 exp2 log log1p log2 log10
    logaddexp sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh
    maximum minimum where clip hypot
    sum prod mean max min var std logsumexp cumsum matmul dot outer einsum tensordot
    reshape ravel transpose permute_dims swapaxes moveaxis squeeze expand_dims broadcast_to concat stack split repeat
    tile flip roll pad tril triu diagonal trace erf
"""
VERBS = """
    Tensor tensor asarray no_grad enable_grad is_grad_enabled gradients grad value_and_grad vjp jvp jacobian hessian hvp
    elementwise_grad checkpoint primitive testing detect_anomaly engine nn draw explain
"""
ERRORS = """
    FastgradError ShapeError DTypeError BackwardError GraphFreedError MutationError NotDifferentiableError AnomalyError
    GradientWarning
"""
TENSOR = """
    shape ndim size dtype itemsize nbytes strides T mT device requires_grad grad is_leaf op operands
    backward detach numpy item tolist astype copy requires_grad_ retain_grad register_hook zero_grad
    exp log log1p expm1 sqrt square sin cos tan sinh cosh tanh arcsin arccos arctan abs sign sigmoid relu softplus clip
    sum mean prod var std max min argmax argmin any all cumsum logsumexp softmax
    reshape ravel flatten transpose permute_dims swapaxes squeeze expand_dims broadcast_to repeat matmul dot outer
    __add__ __radd__ __iadd__ __sub__ __mul__ __truediv__ __floordiv__ __mod__ __pow__ __rpow__ __matmul__ __rmatmul__
    __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __and__ __or__ __xor__ __invert__ __abs__ __neg__ __getitem__ __setitem__
    __len__ __iter__ __bool__ __float__ __int__ __index__ __complex__ __hash__ __repr__ __format__ __copy__ __deepcopy__
    _repr_html_ __dlpack__ __array__ __array_ufunc__ __array_function__ __array_namespace__
"""
LOSSES = """
    relu sigmoid logsigmoid softplus gelu silu leaky_relu elu softmax log_softmax logsumexp cross_entropy
    binary_cross_entropy_with_logits mse_loss multiclass_hinge_loss hinge_loss
"""


def sources(*endings):
    return sorted(path for path in SOURCE.rglob("*") if path.suffix in endings and "__pycache__" not in path.parts)


def name_of(path):
    return str(path.relative_to(SOURCE))


CYTHON_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+fastgrad(?P<package>(?:\.\w+)*)[ \t]+c?import[ \t]+(?P<names>\([^)]*\)|[^#\n]+)"
    r"|c?import[ \t]+(?P<modules>fastgrad\b[^#\n]*))",
    re.MULTILINE,
)


def imported(path):
    """Dotted names below `fastgrad` that a file imports, anywhere in it, with those it declares as lazy modules."""
    text = path.read_text()
    found = imported_by_python(path, text) if path.suffix == ".py" else imported_by_cython(text)
    return [name.removesuffix(".*") or "__init__" for name in found]


def imported_by_cython(text):
    found = []
    for match in CYTHON_IMPORT.finditer(text):
        if match["modules"]:
            words = [word.split()[0] for word in match["modules"].split(",")]
            found += [word.removeprefix("fastgrad").lstrip(".") for word in words]
        else:
            names = [word.split()[0] for word in match["names"].strip("() \t").split(",") if word.split()]
            found += [f"{match['package'][1:]}.{name}".strip(".") for name in names]
    return found


def imported_by_python(path, text):
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: relative import"
            package, _, rest = node.module.partition(".")
            if package == "fastgrad":
                found += [f"{rest}.{alias.name}".strip(".") for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name.partition(".") for alias in node.names]
            found += [rest for package, _, rest in names if package == "fastgrad"]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("lazy_module", "lazy_functions"):
            found.append(node.args[0].value.removeprefix("fastgrad").lstrip("."))
    return found


def late_imports(path):
    """Lines in the bodies of functions that import from fastgrad."""
    text = path.read_text()
    if path.suffix != ".py":
        return [m[0].strip() for m in CYTHON_IMPORT.finditer(text) if m[0][0] in " \t"]
    bodies = [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.FunctionDef, ast.Lambda))]
    inside = [node for body in bodies for node in ast.walk(body) if isinstance(node, (ast.Import, ast.ImportFrom))]
    return sorted(line for line in set(map(ast.unparse, inside)) if re.match(r"(from|import) fastgrad\b", line))


def layer(name):
    """The number of a module's layer; what is no module of its own comes from the menu."""
    first = name.split(".")[0]
    for number, names in enumerate(LAYERS):
        if first in names:
            return number
    return layer("__init__")


def test_the_table_of_layers_names_every_module():
    page = ROOT / "docs" / "architecture.md"
    if not page.exists():
        pytest.skip("the documentation is not here")
    table = page.read_text(encoding="utf-8").partition("| layer |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)/?`", "\n".join(row.split(" | ")[0] for row in table.splitlines())))
    assert {name for layer in LAYERS for name in layer} - named == set()


@pytest.mark.parametrize("path", sources(".py", ".pyx", ".pxd", ".pxi"), ids=name_of)
def test_dependencies_point_one_way(path):
    own = path.relative_to(SOURCE).with_suffix("").parts[0]
    assert any(own in names for names in LAYERS), f"{own} has no layer: give it its place in LAYERS"
    for name in imported(path):
        assert layer(name) <= layer(own), f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", sources(".py", ".pyx", ".pxd", ".pxi"), ids=name_of)
def test_imports_stand_at_the_top(path):
    if layer(path.relative_to(SOURCE).parts[0]) > layer("__init__"):
        return  # a program, which nothing imports: each command reads what it needs when it runs
    assert late_imports(path) == [], "import at the top of the file, or declare a lazy_module there"


def test_imports_are_seen_in_every_spelling():
    text = """
from fastgrad.core.layout cimport F32, F64 as G
from fastgrad import (errors,
                      modes)
    import fastgrad.rules.docs  # late
cimport fastgrad.core.loops as loops
cdef int import_nothing = 0
from fastgradient import x
"""
    seen = imported_by_cython(text)
    assert seen == ["core.layout.F32", "core.layout.F64", "errors", "modes", "rules.docs", "core.loops"]
    python = (
        "from fastgrad import errors\ndef f():\n    import fastgrad.modes\ndocs = lazy_module('fastgrad.rules.docs')\n"
    )
    assert sorted(imported_by_python(SOURCE, python)) == ["errors", "modes", "rules.docs"]


@pytest.mark.parametrize(("package", "order"), [("engine_python", ENGINE_PYTHON), ("core", CORE)])
def test_inside_an_engine_too(package, order):
    for path in sources(".py", ".pyx", ".pxd"):
        if path.parent.name != package:
            continue
        assert path.stem in order, f"{name_of(path)} has no place in the order of {package}"
        for name in imported(path):
            if name.startswith(package + ".") and name.split(".")[1] in order:
                assert order.index(name.split(".")[1]) <= order.index(path.stem), f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("package", ["bench", "src/fastgrad/benchmark", "src/fastgrad/cli", "src/fastgrad/demo"])
def test_no_circles_among_the_modules_of_a_program(package):
    """Imports in the bodies of functions count as well."""
    if not (ROOT / package).is_dir():
        pytest.skip("run from an installation")
    files = {}
    for path in (ROOT / package).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        files[".".join(part for part in parts if part not in ("src", "__init__"))] = path
    uses = {}
    for name, path in files.items():
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        named = [(node.module, f"{node.module}.{alias.name}") for node in nodes for alias in node.names]
        uses[name] = {full if full in files else module for module, full in named} & files.keys()
    assert len(list(TopologicalSorter(uses).static_order())) == len(files)


def written_by_hand():
    for folder, pattern in ((SOURCE, "*"), (ROOT / "tests", "*"), (ROOT / "bench", "*"), (ROOT / "examples", "*")):
        for path in folder.rglob(pattern):
            if path.suffix in (".py", ".pyx", ".pxd", ".pxi"):
                yield path


def test_no_file_is_longer_than_500_lines():
    lengths = {path: len(path.read_text().splitlines()) for path in written_by_hand()}
    assert {str(path): n for path, n in lengths.items() if n > 500} == {}


def test_every_file_opens_with_its_job():
    for path in written_by_hand():
        text = path.read_text()
        if path.suffix == ".py":
            assert not text.strip() or ast.get_docstring(ast.parse(text)), path
        else:
            assert text.startswith(("#", '"""')), path


def test_nothing_is_left_for_later():
    for path in written_by_hand():
        if path != Path(__file__):
            assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text()), path


def test_every_promised_name_is_there():
    missing = [f"fg.{name}" for name in (FUNCTIONS + VERBS + ERRORS).split() if not hasattr(fg, name)]
    missing += [f"fg.Tensor.{name}" for name in TENSOR.split() if not hasattr(fg.Tensor, name)]
    functional = getattr(getattr(fg, "nn", None), "functional", None)
    missing += [f"fg.nn.functional.{name}" for name in LOSSES.split() if not hasattr(functional, name)]
    assert missing == []


def test_both_engines_share_their_docstrings():
    for name, doc in DOCS.items():
        where = fg if name.partition(".")[0] == "Tensor" else fg._engine
        for part in name.split("."):
            where = getattr(where, part)
        assert where.__doc__ == doc, name
    for name, method in METHODS.items():
        if callable(method) and not name.startswith("__"):
            assert getattr(fg.Tensor, name).__doc__ == method.__doc__, name
    for path in (SOURCE / "core" / "object" / "tensor_class.pxi", SOURCE / "engine_python" / "tensor.py"):
        if path.exists():
            assert DOCS["Tensor.zero_grad"] not in path.read_text(), path
