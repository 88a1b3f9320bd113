"""Names of nodes: those of the caller's variables, or those that the user gives."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.micrograd.engine import Value
from fastgrad.micrograd.nn import MLP
from fastgrad.pictures.names import Names
from tests.pictures.graphs import by_name


def test_names_come_from_the_callers_variables_or_as_they_are_given():
    weights = [fg.tensor(1.0, requires_grad=True), fg.tensor(2.0, requires_grad=True)]
    table = {"bias": fg.tensor(3.0, requires_grad=True)}
    product = weights[0] * weights[1]
    assert set(by_name(fg.draw(product + table["bias"]))) == {"weights[0]", "weights[1]", "table['bias']", "product"}
    assert set(by_name(fg.draw(product, names={"w": weights[0]}))) == {"w"}
    assert set(by_name(fg.draw(product, names={}))) == set()
    module = SimpleNamespace(named_parameters=lambda: [("layer.w", weights[1])])
    assert set(by_name(fg.draw(product, names=module))) == {"layer.w"}


def test_numbered_nodes_never_take_a_name_of_the_users():
    v1, y = fg.tensor(2.0, requires_grad=True), fg.tensor(3.0, requires_grad=True)
    graph = fg.draw((v1 * y).exp(), names={"v1": v1, "y": y}).graph
    assert len(set(graph.words)) == len(graph.words) == 4
    assert graph.result == "f"


def test_plain_variables_come_before_members_of_containers():
    params = [fg.tensor(1.0, requires_grad=True), fg.tensor(2.0, requires_grad=True)]
    w, b = params
    assert set(by_name(fg.draw(w * b))) == {"w", "b"}


def test_variables_of_the_shell_give_no_names():
    x = fg.tensor(1.0, requires_grad=True)
    scope = {"Out": {2: x}, "In": [x], "_": x, "_2": x, "__": x}
    assert Names(None, scope).of(x) == ""
    assert Names(None, {**scope, "x": x}).of(x) == "x"


class Model:
    def __init__(self):
        self.w = fg.tensor([1.0, 2.0], requires_grad=True)
        self.parts = [fg.tensor(3.0, requires_grad=True)]
        self._secret = fg.tensor(4.0, requires_grad=True)

    def picture(self, x):
        y = (x @ self.w) * self.parts[0] + self._secret
        return fg.draw(y)


def test_attributes_are_named_as_they_are_written_and_arrays_by_their_variable():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert set(by_name(Model().picture(x))) == {"x", "self.w", "self.parts[0]", "y"}
    model = Model()
    assert set(by_name(fg.draw(model.w * 2))) == {"model.w"}


def test_an_array_with_other_elements_of_the_same_memory_gives_no_name():
    memory = np.array([1.0, 2.0, 3.0])
    w = fg.tensor([1.0, 2.0], requires_grad=True)
    assert set(by_name(fg.draw(w * memory[:2]))) == {"w"}
    head = memory[:2]
    assert set(by_name(fg.draw(w * head))) == {"w", "head"}


def test_an_array_is_not_named_after_another_one_that_happens_to_be_equal():
    w = fg.tensor([1.0, 2.0], requires_grad=True)
    first = np.array([3.0, 4.0])
    second = first.copy()
    assert set(by_name(fg.draw(w * first))) in ({"w"}, {"w", "first"}) and second is not first
    zeros = np.zeros(2)
    assert set(by_name(fg.draw(w * fg.tensor(np.zeros(2))))) == {"w"} and not zeros.any()


def test_values_of_micrograd_are_named_like_tensors():
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    c.backward()
    assert set(by_name(fg.draw(c))) == {"a", "b", "c"}
    assert set(by_name(fg.draw(c, names={"left": a}))) == {"left"}
    net = MLP(2, [1])
    out = net([a, b])
    assert {"net.layers[0].neurons[0].w[0]", "net.layers[0].neurons[0].b", "a"} <= set(by_name(fg.draw(out)))


def test_a_list_names_the_leaves_in_the_order_of_their_first_use():
    p, q = fg.tensor(2.0, requires_grad=True), fg.tensor(3.0, requires_grad=True)
    y = (p * 2 + fg.tensor(1.0)) * q + p
    nodes = by_name(fg.draw(y, names=["x", "z"]))
    assert nodes["x"].value == 2 and nodes["z"].value == 3
    assert set(by_name(fg.draw(y, names=[("only", q)]))) == {"only"}
    assert fg.explain(y, names=["x", "z"]).rows[-1]["node"] == "x"
    with pytest.raises(ValueError, match="names has 1 names, but the graph has 2 leaves that require a gradient"):
        fg.draw(y, names=["x"])
    with pytest.raises(ValueError, match="names has 3 names, but the graph has 2 leaves"):
        fg.draw(Value(1.0) * Value(2.0), names=["x", "y", "z"])


def test_other_names_are_refused():
    x = fg.tensor(1.0, requires_grad=True)
    for wrong, kind in (("x", "str"), (x, "Tensor"), (3, "int"), ({"x"}, "set"), ([x], "list")):
        with pytest.raises(ValueError, match=f"names has the type {kind}: pass a dict such as"):
            fg.draw(x * 2, names=wrong)
    for wrong in ({x: "x"}, {"x": 1.0}, {1: x}, [("x", None)]):
        with pytest.raises(ValueError, match="each entry must be a str and a Tensor, an array or a Value"):
            fg.draw(x * 2, names=wrong)


def test_the_base_of_a_power_of_values_comes_before_the_exponent():
    for base, exponent in ((2.0, 3.0), (3.0, 2.0)):
        x, n = Value(base), Value(exponent)
        y = x**n
        y.backward()
        rows = str(fg.explain(y)).splitlines()
        assert "x ** n" in rows[2] and f"{exponent * base ** (exponent - 1):g}" in rows[2]
        assert f"{base**exponent * math.log(base):.6g}" in rows[3]
        assert "x ** n" in fg.draw(y).svg
    x = Value(3.0)
    assert "x ** x" in str(fg.explain(x**x))
