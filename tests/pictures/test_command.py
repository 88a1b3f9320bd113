"""`python -m fastgrad draw`: expressions are parsed and never executed, and every error is one line."""

import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.cli import main
from fastgrad.pictures.expression import MAX_DEPTH, MAX_LENGTH, evaluate, function_names, read_values
from fastgrad.rules.rule import FUNCTIONS

STAGED = "(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)"


def test_the_staged_expression_becomes_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["draw", STAGED, "x=3", "y=-4"]) == 0
    assert capsys.readouterr().out == f"picture: {(tmp_path / 'graph.svg').resolve()}\n"
    root = ET.parse(tmp_path / "graph.svg").getroot()
    said = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"1.546", "2.06", "1.592", "x", "y", "f"} <= set(said)


def test_another_file_another_form_and_an_expression_that_begins_with_a_minus(tmp_path, capsys):
    assert main(["draw", "-x**2", "x=3", "-o", str(tmp_path / "a.html")]) == 0
    assert main(["draw", "sum(x @ w) + pi", "x=[[1, 2], [3, 4]]", "w=[1,-1]", "--out", str(tmp_path / "b.dot")]) == 0
    assert "<svg" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert (tmp_path / "b.dot").read_text(encoding="utf-8").startswith("digraph")
    assert capsys.readouterr().err == ""


def value_of(expression, *pairs):
    return evaluate(expression, read_values(pairs))


def test_values_are_those_of_the_same_expression_in_python():
    assert value_of(STAGED, "x=3", "y=-4").item() == pytest.approx(1.5456448841066441, rel=1e-15)
    assert value_of("2 ** -1 * x - +3 + 0 * 1", "x=5").item() == -0.5
    assert value_of("hypot(x, y) / e", "x=3", "y=4").item() == pytest.approx(5 / np.e)
    assert value_of("atan2(x, 1) + pow(x, 2)", "x=1").item() == pytest.approx(np.pi / 4 + 1)
    assert value_of("x @ [1, 2]", "x=[[1,0],[0,-1]]").tolist() == [1, -2]
    assert value_of("e * 2", "e=1").item() == 2


def test_what_is_written_elsewhere_means_the_same_here():
    assert value_of("1 + x^2 * y", "x=3", "y=2").item() == 19
    assert value_of("-x^2", "x=3").item() == -9
    assert value_of("max(x, y, 5) + min(x, y)", "x=3", "y=2").item() == 7
    assert value_of("max(x)", "x=[1, 4, 2]").item() == 4
    assert value_of("where(x > y, x * 2, y)", "x=3", "y=2").item() == 6
    assert value_of("where(x <= [1, 2, 3], x, -x)", "x=[3, 2, 1]").tolist() == [-3, 2, 1]
    y = value_of("where(x > 0, x * y, 1)", "x=3", "y=2")
    assert [g.item() for g in fg.gradients([y], [y.operands[1].operands[0], y.operands[1].operands[1]])] == [2, 3]


def test_a_folder_and_stdout_are_written(tmp_path, monkeypatch, capfdbinary):
    monkeypatch.chdir(tmp_path)
    assert main(["draw", "x * x", "x=3", "-o", str(tmp_path)]) == 0
    assert capfdbinary.readouterr().out.decode() == f"picture: {(tmp_path / 'graph.svg').resolve()}\n"
    with open(1, "w", encoding="utf-8", closefd=False) as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        assert main(["draw", "x * x", "x=3", "-o", "-"]) == 0
        monkeypatch.undo()
    out, err = capfdbinary.readouterr()
    assert err == b"" and ET.fromstring(out).tag.endswith("svg")
    assert [path.name for path in tmp_path.iterdir()] == ["graph.svg"]
    assert main(["draw", "x * x", "x=3", "-o", str(tmp_path / "absent") + "/"]) == 1
    assert b"no such file or directory" in capfdbinary.readouterr().err


@pytest.mark.parametrize("name", function_names())
def test_every_function_of_the_list_can_be_called(name):
    matrix = "[[1, 2], [3, 4]]"
    special = {
        "acosh": "[1.5, 2]",
        "arccosh": "[1.5, 2]",
        **dict.fromkeys(("diagonal", "svdvals", "svd"), matrix),
    }
    value = special.get(name, "[0.25, 0.5]")
    rule = FUNCTIONS[name].rule
    if rule.forward.__module__.startswith("fastgrad.rules.special"):
        pytest.importorskip("scipy")
    y = value_of(f"{name}({', '.join('x' * rule.n_operands)})", f"x={value}")
    assert y.op == rule.name and fg.draw(y).svg


REFUSED = [
    ("x + z", ["x=1"], "z has no value: add z=NUMBER after the expression"),
    ("sigmoidd(x)", ["x=1"], "there is no function sigmoidd: did you mean sigmoid"),
    ("reshape(x, x)", ["x=1"], "there is no function reshape"),
    ("exp", ["x=1"], "exp is a function: call it, as in exp(x)"),
    ("exp(x, x)", ["x=1"], "exp takes one argument, got 2"),
    ("hypot(x)", ["x=1"], "hypot takes 2 arguments, got 1"),
    ("exp(x, where=x)", ["x=1"], "keywords and stars are not allowed"),
    ("exp(*x)", ["x=1"], "keywords and stars are not allowed"),
    ("x.real", ["x=1"], "'x.real' is not allowed"),
    ("__import__('os').system('id')", [], "functions must be called by their name"),
    ("__import__('os')", [], "there is no function __import__"),
    ("(lambda: x)()", ["x=1"], "functions must be called by their name"),
    ("x if x else x", ["x=1"], "is not allowed: write where(x > 0, x, y)"),
    ("where(x, x, x)", ["x=1"], "where takes a comparison and two values: where(x > 0, x, y)"),
    ("where(x > 0)", ["x=1"], "where takes a comparison and two values"),
    ("where(0 < x < 1, x, x)", ["x=1"], "'0 < x < 1' is not allowed: use one of < <= > >= == !="),
    ("where(x in x, x, x)", ["x=1"], "use one of < <= > >= == !="),
    ("ln(x)", ["x=1"], "there is no function ln: did you mean log?"),
    ("[x for x in x]", ["x=1"], "is not allowed"),
    ("[x, 1]", ["x=1"], "lists must contain numbers"),
    ("[[1], [1, 2]] * x", ["x=1"], "lists must contain numbers"),
    ("x[0]", ["x=[1]"], "is not allowed"),
    ("x < 1", ["x=1"], "'x < 1' is not allowed here: compare in where(x > 0, x, y)"),
    ("x // 2", ["x=1"], "is not allowed"),
    ("x := 1", ["x=1"], "is not an expression"),
    ("'a' * x", ["x=1"], "constants must be real numbers"),
    ("True * x", ["x=1"], "constants must be real numbers"),
    ("1j * x", ["x=1"], "constants must be real numbers"),
    ("(x", ["x=1"], "is not an expression: '(' was never closed at character 1"),
    ("x +", ["x=1"], "is not an expression"),
    ("x\0", ["x=1"], "is not an expression"),
    ("", ["x=1"], "the expression is empty"),
    ("1 + 2", [], "applies no op to a name"),
    ("x", ["x=1"], "applies no op to a name"),
    ("x * 1e999", ["x=1"], "too large for a float64"),
    ("x * 1" + "0" * 400, ["x=1"], "too large for a float64"),
    ("x * 9 ** 9 ** 9 ** 9", ["x=1"], "is infinite for these values"),
    ("x ** 99999", ["x=3"], "'x ** 99999' is infinite for these values: choose others"),
    ("x / 0", ["x=3"], "is infinite for these values"),
    ("log(x)", ["x=-1"], "'log(x)' is not a number for these values"),
    ("x @ w", ["x=[[1,2]]", "w=[1,2,3]"], "matmul: shapes (1, 2) and (3,) do not fit"),
    ("-" * 10 * MAX_DEPTH + "x", ["x=1"], f"nested more than {MAX_DEPTH} deep"),
    ("(" * 900 + "x" + ")" * 900, ["x=1"], "is not an expression"),
    ("x + " * (MAX_LENGTH // 4) + "x", ["x=1"], f"more than the maximum of {MAX_LENGTH:,}"),
    ("x * x", ["x=abc"], "x=abc: a value is a number or a list of numbers"),
    ("x * x", ["x=nan"], "a value is a number or a list of numbers"),
    ("x * x", ["x=1e999"], "a value is a number or a list of numbers"),
    ("x * x", ["x=[1,[2]]"], "a value is a number or a list of numbers"),
    ("x * x", ["x=[]"], "a value is a number or a list of numbers"),
    ("x * x", ["x="], "a value is a number or a list of numbers"),
    ("x * x", ["x=exit()"], "a value is a number or a list of numbers"),
    ("x * x", ["x=1", "x=2"], "x is given twice"),
    ("x * x", ["x=1", "w=2"], "the expression does not use w"),
    ("x * x", ["x"], "'x' is not of the form name=value"),
    ("x * x", ["2=3"], "is not of the form name=value"),
    ("x * x", ["x=1", "--fast"], "'--fast' is not of the form name=value"),
]


@pytest.mark.parametrize(("expression", "values", "line"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_not_understood_gets_one_line_and_exit_code_2(expression, values, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["draw", expression, *values]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("fastgrad: ") and err.count("\n") == 1 and line in err, err
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_gets_one_line_and_exit_code_1(tmp_path, capsys):
    for out, line in (
        (tmp_path / "absent" / "a.svg", "no such file or directory; choose another path with -o"),
        (tmp_path / "a.gif", "end the path in .svg, .html, .png, .pdf, .dot or .gv"),
    ):
        assert main(["draw", "x * x", "x=1", "-o", str(out)]) == 1
        printed, err = capsys.readouterr()
        assert printed == "" and line in err and err.count("\n") == 1


def test_importing_fastgrad_does_not_import_the_pictures():
    import subprocess

    code = "import sys, fastgrad; print([m for m in sys.modules if m.startswith('fastgrad.pictures')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
