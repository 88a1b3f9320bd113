"""The table of foreign names: it is complete, names nothing that exists, and its answers reach the user."""

import subprocess
import sys

import pytest

import fastgrad as fg
from fastgrad.foreign import functions, markdown, names, table, tensor

PLACES = {"fg": fg, "Tensor": fg.Tensor, "nn": fg.nn, "nn.functional": fg.nn.functional, "optim": fg.optim}
ROWS = [pytest.param(row, id=f"{row.library}:{row.where}.{row.name}") for row in table.rows()]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_about_a_name_that_is_not_here_or_differs(row):
    assert hasattr(PLACES[row.where], row.name) == row.differs
    assert row.answer()
    if not row.differs:
        with pytest.raises(AttributeError) as error:
            getattr(PLACES[row.where], row.name)
        assert table.find(row.where, row.name).answer() in str(error.value)


def test_no_name_has_two_rows_in_one_library():
    spelled = [(row.library, row.where, row.name, row.differs) for row in table.rows()]
    assert len(set(spelled)) == len(spelled)


def test_tensor_knows_exactly_the_names_of_the_table_and_of_the_methods():
    of_table = {row.name for row in table.rows() if row.where == "Tensor" and not row.differs}
    assert set(names.FOREIGN.split()) == of_table
    assert set(names.METHODS.split()) == set(tensor.install())


def test_functions_are_listed_in_the_menu():
    for name in functions.ALIASES:
        assert hasattr(fg, name), name


def test_unknown_names_say_what_to_use():
    x = fg.tensor([1.0])
    with pytest.raises(AttributeError, match=r"has no attribute 'pmap': there is one device"):
        fg.pmap  # noqa: B018
    with pytest.raises(AttributeError, match=r"a Tensor has no attribute 'half': Tensors hold float32 and float64"):
        x.half()
    with pytest.raises(AttributeError, match=r"use x.reshape\(shape\) \(the shape of a tensor does not change\)"):
        x.resize((1, 1))
    with pytest.raises(AttributeError, match=r"'fastgrad.nn' has no attribute 'Dense': use nn.Linear"):
        fg.nn.Dense  # noqa: B018
    with pytest.raises(AttributeError, match=r"'fastgrad.optim' has no attribute 'SparseAdam': there are no sparse"):
        fg.optim.SparseAdam  # noqa: B018
    for place in (fg, fg.nn, fg.optim):
        with pytest.raises(AttributeError, match=r"has no attribute 'no_such_name'$"):
            place.no_such_name  # noqa: B018


def test_dir_shows_the_menu_only():
    shown = set(dir(fg))
    assert {"tensor", "grad", "cat", "randn", "nn", "FloatTensor"} <= shown
    assert not {"core", "functions", "rules", "foreign", "parameters", "leaving", "annotations"} & shown
    assert not [name for name in shown if name[0] == "_" and name[:2] != "__"]
    assert not set(names.FOREIGN.split()) & set(dir(fg.tensor(1.0)))
    assert {"view", "sum", "data"} <= set(dir(fg.tensor(1.0)))


def test_every_public_attribute_of_tensor_has_a_docstring():
    tensor.install()
    fields = {"array", "node", "parameter", "storage", "view_version"}  # of the pure-Python engine
    public = [name for name in dir(fg.tensor(1.0)) if name[0] != "_" and name not in fields]
    bare = [name for name in public if not getattr(fg.Tensor, name).__doc__]
    assert bare == []


@pytest.mark.parametrize("library", table.LIBRARIES)
def test_markdown_has_a_line_for_each_row(library):
    text = markdown.markdown(library, level=3)
    assert text.startswith("### Names that mean something else")
    for row in table.rows(library):
        spelled = f"x.{row.name}" if row.where == "Tensor" else f"{row.where}.{row.name}"
        assert f"| `{spelled}` |" in text
    assert all(line.count(" | ") in (1, 2) for line in text.splitlines() if line.startswith("| "))


def test_markdown_refuses_an_unknown_library():
    with pytest.raises(
        ValueError, match=r"library must be one of pytorch, numpy, jax, autograd, micrograd, got 'lisp'"
    ):
        markdown.markdown("lisp")


def test_the_command_prints_the_pages():
    command = [sys.executable, "-m", "fastgrad.foreign"]
    done = subprocess.run([*command, "jax"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("# Coming from JAX\n") and "`fg.lax`" in done.stdout
    failed = subprocess.run([*command, "lisp"], capture_output=True, text=True)
    assert failed.returncode == 1 and "unknown library 'lisp'" in failed.stderr


def test_importing_fastgrad_does_not_load_the_names():
    code = "import sys, fastgrad; print(sorted(n for n in sys.modules if n.startswith('fastgrad.foreign')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['fastgrad.foreign', 'fastgrad.foreign.names']"
