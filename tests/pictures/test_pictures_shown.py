"""Where pictures appear: notebooks, files, DOT and tables; and pictures of other graphs than those of Tensors."""

import copy
import math
import os
import subprocess
import sys
import textwrap
import webbrowser
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.pictures import convert
from fastgrad.pictures.picture import SMALL, html_of
from tests.pictures.graphs import STAGED, SVG, by_name, parsed, staged

# --- notebooks, files, other makers ---


def test_notebooks_show_pictures_and_small_graphs_unasked():
    x, _, f = staged()
    assert fg.draw(f)._repr_svg_().startswith("<svg") and "<svg" in fg.draw(f)._repr_html_()
    assert "<svg" in f._repr_html_() and "<table>" in f._repr_html_()
    assert "<svg" not in x._repr_html_()
    for _ in range(SMALL):
        f = f + 1
    assert "<svg" not in f._repr_html_()


def test_showing_a_tensor_survives_a_rule_that_fails():
    def wrong(g, x):
        raise KeyError("mine")

    gate = fg.primitive(lambda x: np.asarray(x) * 1.0, vjp=wrong, name="picture_gate")
    y = gate(fg.tensor(1.0, requires_grad=True))
    assert "picture_gate" in y._repr_html_()
    with pytest.raises(KeyError):
        fg.draw(y)


def test_a_picture_is_saved_by_its_suffix(tmp_path):
    f = staged()[2]
    picture = fg.draw(f)
    assert ET.parse(picture.save(tmp_path / "a.svg")).getroot().tag == f"{SVG}svg"
    assert "<!DOCTYPE html>" in picture.save(str(tmp_path / "a.html")).read_text(encoding="utf-8")
    assert picture.save(tmp_path / "a.dot").read_text(encoding="utf-8") == picture.dot
    for name in ("a", "a.gif"):
        with pytest.raises(ValueError, match=r"end the path in \.svg, \.html, \.png, \.pdf, \.dot or \.gv"):
            picture.save(tmp_path / name)
    with pytest.raises(OSError):
        picture.save(tmp_path / "absent" / "a.svg")


def test_a_picture_becomes_png_and_pdf_where_cairosvg_is_installed(tmp_path):
    pytest.importorskip("cairosvg", exc_type=ImportError)
    x = fg.tensor(np.arange(24.0).reshape(4, 6), requires_grad=True)
    picture = fg.draw(x.tanh().sum(), title="tanh")
    assert picture.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert picture.save(tmp_path / "a.PDF").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("error", [ImportError("No module named 'cairosvg'"), OSError("no library called cairo-2")])
def test_without_cairosvg_the_error_says_what_to_install(tmp_path, monkeypatch, error):
    def absent(name):
        assert name == "cairosvg"
        raise error

    monkeypatch.setattr(convert, "import_module", absent)
    for name in ("a.png", "a.pdf"):
        with pytest.raises(ValueError, match=r"needs CairoSVG.*pip install 'fastgrad\[pictures\]', or save as .svg"):
            fg.draw(staged()[2]).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_show_opens_a_browser_or_says_where_the_file_is(monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    path = fg.draw(staged()[2]).show()
    assert opened == [path.as_uri()] and "<svg" in path.read_text(encoding="utf-8")
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    with pytest.raises(ValueError, match=r"no browser could be opened: open the file .*picture\.html yourself"):
        fg.draw(staged()[2]).show()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_tables_and_pictures_can_be_printed_in_any_encoding(encoding):
    code = "import fastgrad as fg; θ = fg.tensor(-3.0, requires_grad=True); f = θ.exp() * 2 + θ; "
    code += "print(fg.explain(f)); print(repr(fg.draw(f))); print(fg.draw(f, names={'f': θ}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
    )  # fmt: skip
    text = done.stdout.decode(encoding)
    assert "node  op" in text and ("─" if encoding == "utf-8" else "----") in text
    assert "-3" in text or "−3" in text


def test_a_title_is_wrapped_or_left_out():
    f = staged()[2]
    long = "a title of many words that is much wider than the picture " * 4
    heads = [t for t in parsed(fg.draw(f, title=long)).iter(f"{SVG}text") if t.get("class") == "h"]
    assert len(heads) > 2 and " ".join(t.text for t in heads) == " ".join(long.split())
    assert float(parsed(fg.draw(f, title=long)).get("width")) < 1.2 * float(parsed(fg.draw(f)).get("width"))
    for none in (None, ""):
        root = parsed(fg.draw(f, title=none))
        assert not [t for t in root.iter(f"{SVG}text") if t.get("class") == "h"] and "None" not in fg.draw(f).svg


def test_zeros_have_no_sign_and_empty_arrays_are_empty():
    x = fg.tensor(0.0, requires_grad=True)
    y = x * -1.0
    assert y.item() == 0 and math.copysign(1, y.item()) == -1
    picture, table = fg.draw(y, names={}), str(fg.explain(y))
    assert "−0" not in picture.svg and "-0" not in table.replace("−", "-")
    small = fg.draw(fg.tensor([0.0, 1.0, 2.0, 3.0], requires_grad=True) * -1.0, names={})
    assert "[ 0., -1., -2., -3.]" in small.svg
    for shape, words in (((0,), "empty"), ((0, 3), "empty 0×3")):
        e = fg.tensor(np.zeros(shape), requires_grad=True)
        row = next(line for line in str(fg.explain(e * 2)).splitlines() if line.startswith("e "))
        assert words in row and "norm" not in row and "length" not in row
        assert words in fg.draw(e * 2).svg


def test_the_total_gradient_of_a_fork_is_in_dot():
    x = fg.tensor(3.0, requires_grad=True)
    y = x * x + x
    assert '"x\\n∂y/∂x = 7"' in fg.draw(y).dot


def test_dot_has_each_node_and_wire_once():
    f = staged()[2]
    lines = fg.draw(f).dot.splitlines()
    assert sum(" -> " in line for line in lines) == 12 and lines[0] == "digraph {" and lines[-1] == "}"
    assert sum(line.startswith("  n") and "[label=" in line and "->" not in line for line in lines) == 9


class Value:
    """The part of micrograd's Value that a picture reads."""

    def __init__(self, data, _prev=(), _op="", label="", grad=0.0):
        self.data, self._prev, self._op, self.label, self.grad = data, set(_prev), _op, label, grad


def neuron():
    x1, w1 = Value(2.0, label="x1", grad=-1.5), Value(-3.0, label="w1", grad=1.0)
    product = Value(-6.0, (x1, w1), "*", grad=0.5)
    n = Value(0.8814, (product, Value(6.8814, label="b", grad=0.5)), "+", "n", 0.5)
    return Value(math.tanh(0.8814), (n,), "tanh", "o", 1.0)


def test_a_value_is_drawn_as_it_stands():
    picture = fg.draw(neuron())
    nodes = by_name(picture)
    assert set(nodes) == {"x1", "w1", "b", "n", "o"} and len(picture.graph.nodes) == 6
    wires = {picture.graph.words[w.source]: w for node in picture.graph.nodes for w in node.wires}
    assert wires["x1"].local == -3 and wires["x1"].product == -1.5 and wires["w1"].product == 1
    assert wires["n"].local == pytest.approx(0.5, abs=1e-3)
    parsed(picture)
    assert "<svg" in html_of(neuron()) and "tanh(n)" in str(fg.explain(neuron()))
    with pytest.raises(fg.BackwardError, match="leave cotangent out"):
        fg.draw(neuron(), cotangent=1.0)


def test_a_value_used_twice_has_two_wires_and_before_backward_a_note():
    x = Value(3.0, label="x")
    picture = fg.draw(Value(9.0, (x,), "*"))
    assert len(picture.graph.nodes) == 2 and len(picture.graph.nodes[-1].wires) == 2
    assert any("draw after backward()" in note for note in picture.graph.notes)
    power = Value(0.25, (Value(2, label="t", grad=-0.25),), "**-2", grad=1.0)
    assert fg.draw(power).graph.nodes[-1].wires[0].product == -0.25
    odd = Value("text", (Value(None, label="none"),), "mystery")
    parsed(fg.draw(odd))


def test_a_deep_graph_of_values_needs_no_recursion():
    y = Value(1.0)
    for _ in range(3 * sys.getrecursionlimit()):
        y = Value(1.0, (y,), "tanh")
    assert len(fg.draw(y).graph.nodes) < 50
    while y._prev:
        (y,) = y._prev  # let go of it one by one: Python's own release is recursive


# --- the table ---


def test_the_table_of_the_staged_expression_is_the_sweep():
    x, y, f = staged()
    table = fg.explain(f, names={"x": x, "y": y, "f": f})
    rows = table.rows
    assert (rows[0]["node"], rows[0]["value"], rows[0]["upstream"]) == ("f", STAGED["f"], 1)
    leaves = {row["node"]: row for row in rows if row["op"] == "leaf"}
    assert leaves["x"]["upstream"] == pytest.approx(STAGED["x"], rel=1e-15)
    assert leaves["y"]["upstream"] == pytest.approx(STAGED["y"], rel=1e-15)
    for row in rows:
        if row["operand"]:
            assert row["local"] * row["upstream"] == pytest.approx(row["downstream"], rel=1e-14)
    for name in "xy":
        flows = [row["downstream"].item() for row in rows if row["operand"] == name]
        assert math.fsum(flows) == pytest.approx(STAGED[name], rel=1e-14)
    order = [row["node"] for row in rows]
    for row in rows:
        assert not row["operand"] or order.index(row["node"]) < order.index(row["operand"])
    text = str(table).splitlines()
    assert " ".join(text[0].split()) == "node op value upstream gradient operand local gradient downstream gradient"
    assert "1.54564" in text[2] and repr(table) == str(table)


def test_the_table_of_arrays_tells_shapes_and_norms():
    x = fg.tensor(np.ones((4, 3)), requires_grad=True)
    text = str(fg.explain((x @ x.T).sum()))
    assert "4×4, norm 12" in text and "Jacobian of 4×4 by 4×3" in text


def test_drawing_twice_gives_the_same_text():
    first, second = (fg.draw(staged()[2], names={}) for _ in range(2))
    assert first.svg == second.svg and first.dot == second.dot
    assert copy.copy(first).svg == first.svg


PROMPT = """
import sys
import textwrap
sys.ps1 = ">>> "
import numpy as np
import fastgrad as fg
"""


def at_a_prompt(code):
    subprocess.run([sys.executable, "-c", PROMPT + textwrap.dedent(code)], check=True)


def test_at_a_prompt_a_small_graph_can_be_drawn_after_backward():
    at_a_prompt("""
        x, y = fg.tensor(3.0, requires_grad=True), fg.tensor(-4.0, requires_grad=True)
        f = (x + y.sigmoid()) / (x.sigmoid() + (x + y) ** 2)
        before = fg.draw(f).svg
        f.backward()
        assert fg.draw(f).svg == before and "<svg" in f._repr_html_()
        assert x.grad.item() == [n for n in fg.draw(f).graph.nodes if n.name == "x"][0].gradient
        assert f.operands == () and x.grad is not None
        for again in (f.backward, lambda: fg.gradients(f, x), lambda: (f * 2).backward()):
            try:
                again()
            except fg.GraphFreedError:
                pass
            else:
                raise AssertionError("the graph was not freed")
        with fg.no_grad():
            x -= 0.1 * x.grad
        nodes = {n.name: n for n in fg.draw(f).graph.nodes if n.name}
        assert nodes["x"].value is None and nodes["f"].value == f.item()
    """)


def test_at_a_prompt_arrays_parameters_and_writes_in_place_are_drawn_after_backward():
    at_a_prompt("""
        x = fg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
        y = fg.concat([x * 2, x[:1], x], axis=0)
        y[:2] += 1
        part = y[1:]
        f = fg.where(fg.tensor([True, False, True]), y, 2.0).sum() + part.sum(axis=0).max()
        before = fg.draw(f, names={}).svg
        f.backward()
        assert fg.draw(f, names={}).svg == before
        try:
            part += 1
        except fg.FastgradError:
            pass
    """)


def test_at_a_prompt_too_a_large_graph_is_freed():
    at_a_prompt("""
        big = fg.tensor(np.ones(10_000), requires_grad=True)
        y = x = fg.tensor(0.5, requires_grad=True)
        for _ in range(300):
            y = y.sin()
        for f in (big.sum(), (big * 2).sum(), y):
            f.backward()
            picture = fg.draw(f)
            assert len(picture.graph.nodes) == 1 and picture.graph.nodes[0].freed
            assert any("freed the graph" in note for note in picture.graph.notes)
    """)
