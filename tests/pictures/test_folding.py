"""Large graphs are folded: by module, or by leaving out the middle. What is hidden can be unfolded."""

import math

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.pictures.picture import LIMIT
from tests.pictures.graphs import SVG, parsed


def test_a_large_graph_is_elided_with_a_count():
    x = fg.tensor(0.3, requires_grad=True)
    y = x
    n = 10 * LIMIT
    for _ in range(n):
        y = y.sin()
    graph = fg.draw(y).graph
    assert len(graph.nodes) < LIMIT and sum(node.count for node in graph.nodes) == n + 1
    [block] = [node for node in graph.nodes if node.kind == "block"]
    assert block.sign == "⋯ 1,968 × (sin)" and block.op == "1,968 ops" and block.gradient is not None
    (gradient,) = fg.gradients(y, x)
    assert graph.nodes[0].gradient == pytest.approx(gradient.item(), rel=1e-12)
    assert any(f"{n + 1:,} nodes" in note for note in graph.notes)
    assert str(fg.explain(fg.tensor(1.0, requires_grad=True).exp()))


def layers(count, size=3):
    """A loss of `count` equal layers, and the names of their parameters."""
    rng = np.random.default_rng(3)
    names = {}
    x = y = fg.tensor(rng.normal(size=(2, size)))
    for k in range(count):
        names[f"layers.{k}.weight"] = w = fg.tensor(rng.normal(size=(size, size)), requires_grad=True)
        names[f"layers.{k}.bias"] = b = fg.tensor(np.zeros(size), requires_grad=True)
        y = (y @ w + b).tanh() + 0
    return y.sum(), {**names, "x": x}


def test_a_large_graph_is_folded_by_module_where_parameters_have_dotted_names():
    loss, names = layers(2)
    graph = fg.draw(loss, names=names, limit=8).graph
    blocks = {number: node for number, node in enumerate(graph.nodes) if node.kind == "block"}
    assert [node.name for node in blocks.values()] == ["layers.0", "layers.1"]
    assert sum(node.count for node in graph.nodes) == len(fg.draw(loss, limit=1000).graph.nodes)
    for number, node in blocks.items():
        part = graph.parts[number]
        assert [n.name for n in part.nodes if n.kind == "leaf" and "." not in n.name][-2:] == ["weight", "bias"]
        assert part.nodes[-1].value.tolist() == node.value.tolist()
        np.testing.assert_array_equal(part.nodes[-1].gradient, node.gradient)
        assert all(n.gradient is not None for n in part.nodes if n.kind == "gate")


def test_equal_modules_in_a_row_are_one_block_and_the_first_one_unfolds():
    loss, names = layers(20)
    picture = fg.draw(loss, names=names, limit=60)
    graph = picture.graph
    [(number, block)] = [(k, node) for k, node in enumerate(graph.nodes) if node.kind == "block"]
    assert (block.name, block.sign) == ("layers.0 … layers.19", "layers × 20")
    assert sum(node.count for node in graph.nodes) == len(fg.draw(loss, limit=1000).graph.nodes)
    part = graph.parts[number]
    assert [node.name for node in part.nodes if node.kind != "gate"] == ["x", "weight", "bias"]
    root = parsed(picture)
    [panel] = [g for g in root.iter(f"{SVG}g") if g.get("data-of")]
    assert panel.get("display") == "none" and f"{SVG}script" in {e.tag for e in root}
    assert "<details>" in picture._repr_html_() and "<script" not in picture._repr_html_()


def test_modules_of_another_shape_are_not_joined():
    rng = np.random.default_rng(3)
    names, y = {}, fg.tensor(rng.normal(size=(2, 3)))
    for k, act in enumerate((fg.tanh, fg.tanh, fg.sin, fg.tanh, fg.tanh)):
        names[f"layers.{k}.weight"] = w = fg.tensor(rng.normal(size=(3, 3)), requires_grad=True)
        y = act(y @ w)
    graph = fg.draw(y.sum(), names=names, limit=8).graph
    assert [node.sign for node in graph.nodes if node.kind == "block"] == [f"layers.{k}" for k in range(5)]


def test_a_module_that_runs_for_several_steps_says_how_many():
    rng = np.random.default_rng(3)
    w = fg.tensor(rng.normal(size=(3, 3)), requires_grad=True)
    u = fg.tensor(rng.normal(size=(3, 3)), requires_grad=True)
    h = fg.tensor(np.zeros((1, 3)))
    for _ in range(12):
        h = (fg.tensor(rng.normal(size=(1, 3))) @ w + h @ u).tanh()
    graph = fg.draw(h.sum(), names={"cell.w": w, "cell.u": u}, limit=8).graph
    assert [node.sign for node in graph.nodes if node.kind == "block"] == ["cell × 12"]


def test_the_residual_of_a_block_belongs_to_the_block():
    names, y = {}, fg.tensor([1.0, 2.0])
    for k in range(4):
        names[f"net.blocks.{k}.a.w"] = a = fg.tensor([0.5, 1.0], requires_grad=True)
        names[f"net.blocks.{k}.b.w"] = b = fg.tensor([0.5, 1.0], requires_grad=True)
        y = y + ((y * a).exp() * b).tanh()
    loss = y.sum()
    graph = fg.draw(loss, names=names, limit=8).graph
    assert [node.sign for node in graph.nodes if node.kind == "block"] == ["blocks × 4"]
    detailed = fg.draw(loss, names=names, limit=26).graph
    assert {node.name for node in detailed.nodes if node.kind == "block"} >= {"blocks.0.a", "blocks.3.b"}


def test_folding_opens_a_module_that_would_close_a_circle():
    a, b = fg.tensor(2.0, requires_grad=True), fg.tensor(3.0, requires_grad=True)
    y = a.exp() * a  # of module m
    z = y * b  # of module n
    for _ in range(6):
        z = (z * a) * b + y  # to and fro
    picture = fg.draw(z, names={"m.a": a, "n.b": b}, limit=10)
    parsed(picture)
    for number, node in enumerate(picture.graph.nodes):
        assert all(wire.source < number for wire in node.wires)


def test_gradients_around_a_block_add_up():
    a, b = fg.tensor(2.0, requires_grad=True), fg.tensor(3.0, requires_grad=True)
    y = a * b
    for _ in range(100):
        y = (y * b).sin() + a
    y = y * a
    graph = fg.draw(y, names={"a": a, "b": b}, limit=40).graph
    for name, g in zip("ab", fg.gradients(y, (a, b)), strict=True):
        [number] = [k for k, node in enumerate(graph.nodes) if node.name == name]
        flowing = [w.product.item() for node in graph.nodes for w in node.wires if w.source == number]
        assert math.fsum(flowing) == pytest.approx(g.item(), rel=1e-12) == graph.nodes[number].gradient.item()


def test_a_gate_of_very_many_leaves_has_a_block_of_them():
    leaves = [fg.tensor(float(k), requires_grad=True) for k in range(500)]
    graph = fg.draw(fg.stack(leaves).sum(), names={}).graph
    assert len(graph.nodes) < 20 and sum(node.count for node in graph.nodes) == 502
    assert "494 leaves" in [node.op for node in graph.nodes]
    squares = fg.draw(fg.stack([leaf * leaf for leaf in leaves]).sum(), names={})
    assert len(squares.graph.nodes) < 120 and sum(node.count for node in squares.graph.nodes) == 1002
    parsed(squares)
