"""Pictures of graphs show the numbers of backpropagation, and making them changes nothing."""

import math
from importlib.util import find_spec

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.pictures import heat
from fastgrad.rules.rule import FUNCTIONS, RULES
from tests.pictures.graphs import STAGED, SVG, by_name, parsed, staged, words

# --- the numbers ---


def test_the_staged_expression_has_the_known_value_and_gradients():
    x, y, f = staged()
    picture = fg.draw(f)
    nodes = by_name(picture)
    assert nodes["f"].value == STAGED["f"] and nodes["f"].gradient == 1
    assert nodes["x"].gradient == pytest.approx(STAGED["x"], rel=1e-15)
    assert nodes["y"].gradient == pytest.approx(STAGED["y"], rel=1e-15)
    assert [node.op for node in picture.graph.nodes].count("sigmoid") == 2
    assert x.grad is None and y.grad is None
    f.backward()  # the graph is still there
    assert x.grad.item() == pytest.approx(STAGED["x"], rel=1e-15)


def test_the_picture_draws_each_node_once_and_writes_values_and_gradients():
    x, y, f = staged()
    root = parsed(fg.draw(f, names={"x": x, "y": y, "f": f}, title="staged"))
    nodes = [g for g in root.iter(f"{SVG}g") if g.get("class") == "n"]
    assert len(nodes) == 9
    said = words(root)
    assert [said.count(name) for name in ("x", "y", "f", "σ", "+", "÷", "(·)²", "staged")] == [1, 1, 1, 2, 3, 1, 1, 1]
    for number in ("3", "−4", "1.546", "2.06", "1.592", "0.5121", "−0.03576", "0.009046"):
        assert number in said, number
    assert root.get("width") and root.get("viewBox") and root.get("role") == "img"


def test_hovering_tells_local_gradient_upstream_gradient_and_product():
    x, y, f = staged()
    titles = [t.text for t in parsed(fg.draw(f, names={"x": x, "y": y, "f": f})).iter(f"{SVG}title")]
    [wire] = [t for t in titles if t.startswith("from x to sigmoid(x)")]
    local = math.exp(-3) / (1 + math.exp(-3)) ** 2
    upstream = -0.7915933
    assert f"local gradient, ∂v3/∂x: {local:.10}"[:40] in wire
    assert "upstream gradient, ∂f/∂v3: −0.79159" in wire
    assert f"their product: −{-local * upstream:.5f}"[:22] in wire


def test_what_flows_through_the_branches_of_a_fork_adds_up():
    x = fg.tensor(3.0, requires_grad=True)
    graph = fg.draw(x * x + x).graph
    [leaf] = [number for number, node in enumerate(graph.nodes) if not node.wires]
    flowing = [w.product.item() for node in graph.nodes for w in node.wires if w.source == leaf]
    assert sorted(flowing) == [1, 3, 3] and graph.nodes[leaf].gradient == 7
    assert len(graph.nodes) == 3


def samples():
    rng = np.random.default_rng(8)
    for name, rule in RULES.items():
        if not rule.has_vjp or (
            rule.forward.__module__.startswith("fastgrad.rules.special") and not find_spec("scipy")
        ):
            continue
        if rule.samples is not None:
            yield from ((name, *sample) for sample in rule.samples(rng))
            continue
        count = max(rule.n_operands, 1)
        domains = rule.domain if isinstance(rule.domain[0], tuple) else (rule.domain,) * count
        for shapes in (((2, 3),) * count, ((2, 3),) + ((3,),) * (count - 1), ((),) * count):
            yield name, tuple(rng.uniform(*d, s) for d, s in zip(domains, shapes, strict=False)), {}


def test_every_op_is_drawn_with_the_gradients_of_a_sweep():
    drawn = 0
    for name, operands, params in samples():
        given = [
            fg.tensor(o, requires_grad=True) if isinstance(o, np.ndarray) and o.dtype.kind in "fc" else o
            for o in operands
        ]
        y = FUNCTIONS[name](*given, **params)
        leaves = [t for t in given if isinstance(t, fg.Tensor)]
        if not y.requires_grad:
            continue
        picture = fg.draw(y, names={str(k): t for k, t in enumerate(leaves)})
        parsed(picture)
        swept = fg.gradients(y, leaves, np.ones(y.shape, y.dtype), retain_graph=True, allow_unused=True)
        nodes = by_name(picture)
        for k, g in enumerate(swept):
            if g is not None:
                tolerance = 1e-5 if g.dtype.itemsize == 4 else 1e-9  # a kernel sums in another order than its rule
                np.testing.assert_allclose(nodes[str(k)].gradient, g.detach().numpy(), tolerance, tolerance, name)
        assert str(fg.explain(y))
        drawn += 1
    assert drawn > 100


def test_local_gradients_of_broadcast_operands_have_the_shape_of_the_result():
    x, b = fg.tensor(np.ones((4, 3)), requires_grad=True), fg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    wires = fg.draw(x * b).graph.nodes[-1].wires
    assert wires[0].local.tolist() == [[1, 2, 3]] * 4 and wires[1].local.tolist() == [[1, 1, 1]] * 4
    assert wires[1].product.tolist() == [4, 4, 4]
    assert fg.draw(x @ x.T).graph.nodes[-1].wires[0].local == "Jacobian of 4×4 by 4×3"


def test_a_result_of_many_elements_starts_from_ones_and_says_so():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    picture = fg.draw(x * x)
    assert any("cotangent of ones" in note for note in picture.graph.notes)
    assert by_name(picture)["x"].gradient.tolist() == [2, 4]
    given = fg.draw(x * x, cotangent=[1.0, 10.0])
    assert by_name(given)["x"].gradient.tolist() == [2, 40]
    with pytest.raises(fg.ShapeError, match="the cotangent has shape"):
        fg.draw(x * x, cotangent=[1.0])


def test_what_needs_no_gradient_is_drawn_with_its_value_and_a_note():
    for y in (fg.tensor(2.0) * 3, fg.tensor([1, 2]), fg.tensor(np.zeros((0, 3))), fg.tensor(np.eye(5) > 0)):
        picture = fg.draw(y, names={})
        [node] = picture.graph.nodes
        assert node.gradient is None
        assert any(note.startswith("nothing was recorded") for note in picture.graph.notes)
        parsed(picture)
    with pytest.raises(fg.BackwardError, match="does not require a gradient"):
        fg.draw(fg.tensor(2.0), cotangent=1.0)


def test_no_hook_is_run_and_no_grad_touched():
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    ran = []
    x.register_hook(ran.append)
    y = (x * x).sum()
    fg.draw(y)
    fg.explain(y)
    assert not ran and x.grad is None


def test_of_a_freed_graph_the_result_is_drawn_and_a_note_says_what_to_do():
    x = fg.tensor(3.0, requires_grad=True)
    y = x * x + x
    y.backward()
    picture = fg.draw(y)
    [node] = picture.graph.nodes
    assert (node.name, node.value, node.gradient, node.op) == ("y", 12, 1, "add")
    note = "backward() freed the graph: draw before backward(), or call backward(retain_graph=True)"
    assert note in picture.graph.notes and any(note in text for text in words(parsed(picture)))
    assert note in str(fg.explain(y))
    assert "<svg" not in y._repr_html_()
    z = x * x
    z.backward(retain_graph=True)
    assert len(fg.draw(z).graph.nodes) == 2


def test_a_graph_that_was_freed_in_part_is_drawn_as_far_as_it_is_known():
    x = fg.tensor(3.0, requires_grad=True)
    inner = x.exp()
    outer = inner * 2
    inner.backward()
    picture = fg.draw(outer)
    nodes = by_name(picture)
    assert set(nodes) == {"inner", "outer"} and nodes["inner"].freed and nodes["inner"].gradient == 2
    assert nodes["inner"].formula == "exp(…)"
    parsed(picture)


def test_an_overwritten_value_is_left_out_and_gradients_that_need_it_are_unknown():
    a = fg.tensor([1.0, 2.0], requires_grad=True)
    b = a * 2
    b += 1
    b *= a
    picture = fg.draw(b.sum())
    first = next(node for node in picture.graph.nodes if node.formula == "a * 2")
    assert first.value.tolist() == [2, 4]  # the former value is kept, since `b *= a` reads it
    assert by_name(picture)["a"].gradient.tolist() == [5, 9]
    assert by_name(picture)["b"].value.tolist() == [3, 10]
    e = a.exp()
    y = e * e
    with fg.no_grad():
        e += 1
    picture = fg.draw(y)
    assert "values that were overwritten in place are left out" in picture.graph.notes
    assert by_name(picture)["a"].gradient == "unknown" and by_name(picture)["y"].gradient.tolist() == [1, 1]
    assert "gradients that need an overwritten value are unknown" in picture.graph.notes
    assert "unknown" in words(parsed(picture)) and "unknown" in picture.dot and "unknown" in str(fg.explain(y))


def test_a_step_of_gradient_descent_makes_only_the_gradients_that_need_the_weight_unknown():
    w, x = fg.tensor([1.0, 2.0], requires_grad=True), fg.tensor([3.0, 4.0], requires_grad=True)
    loss = (w * x).sum()
    loss.backward(retain_graph=True)
    with fg.no_grad():
        w -= 0.1 * w.grad
    nodes = by_name(fg.draw(loss))
    assert nodes["w"].value is None and nodes["loss"].value == 11
    assert nodes["x"].gradient == "unknown"


def test_a_write_to_a_slice_is_drawn_with_its_gradients():
    x = fg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 2
    y[:2] += 1
    f = y.sum()
    nodes = by_name(fg.draw(f))
    assert nodes["x"].gradient.tolist() == [2, 2, 2] and nodes["y"].value.tolist() == [3, 5, 6]
    assert [node.overwritten for node in fg.draw(f).graph.nodes] == [False, True, False, False, False, False]


def test_a_picture_keeps_its_values_when_the_tensors_are_written():
    w = fg.tensor([1.0, 2.0], requires_grad=True)
    picture = fg.draw((w * 3).sum())
    table = fg.explain((w * 3).sum())
    with fg.no_grad():
        w -= 0.5
    assert by_name(picture)["w"].value.tolist() == [1, 2] and "[1, 2]" in words(parsed(picture))
    assert "[1, 2]" in str(table)


def _leaf_by_no_grad(x, c, array):
    with fg.no_grad():
        x -= 0.5
    return "x"


def _constant_by_no_grad(x, c, array):
    with fg.no_grad():
        c += 5
    return "c"


def _array_of_the_user(x, c, array):
    array += 7
    return "w"


def _element_through_numpy(x, c, array):
    c.numpy(writable=True)[0] = 100
    return "c"


@pytest.fixture(params=["computed", "postponed"])
def values(request):
    """Whether results of more than 8 bytes are computed where they are read, as those of 8 MiB are."""
    if request.param == "computed":
        yield
        return
    if fg.engine != "cython":
        pytest.skip("this engine postpones nothing")
    from fastgrad.core.tensor import set_postponed_from

    before = set_postponed_from(9)
    yield
    set_postponed_from(before)


@pytest.mark.usefixtures("values")
@pytest.mark.parametrize("write", [_leaf_by_no_grad, _constant_by_no_grad, _array_of_the_user, _element_through_numpy])
def test_an_operand_that_was_overwritten_later_is_not_drawn_as_current(write):
    x = fg.tensor([1.0, 2.0], requires_grad=True)
    c, array = fg.tensor([3.0, 4.0]), np.array([5.0, 6.0])
    w = fg.asarray(array)
    y = ((x + c) * 3 + w).sum()
    names = {"x": x, "c": c, "w": w}
    assert {n.name: n.value is None for n in fg.draw(y, names=names).graph.nodes if n.name in names} == {
        "x": False, "c": False, "w": False,
    }  # fmt: skip
    overwritten = write(x, c, array)
    picture = fg.draw(y, names=names)
    nodes = by_name(picture)
    assert {name: nodes[name].value is None for name in names} == {name: name == overwritten for name in names}
    assert "values that were overwritten in place are left out" in picture.graph.notes
    assert nodes["x"].gradient.tolist() == [3, 3]
    parsed(picture)
    assert "overwritten" in str(fg.explain(y, names=names))


def test_a_result_that_was_overwritten_later_is_not_drawn_as_current():
    x = fg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 3
    total = y.sum()
    with fg.no_grad():
        y[0] = 100
    picture = fg.draw(total)
    assert by_name(picture)["y"].value is None
    assert by_name(picture)["total"].value == 18 and by_name(picture)["x"].value.tolist() == [1, 2, 3]


def test_a_write_before_the_op_removes_nothing():
    w = fg.tensor([1.0, 2.0], requires_grad=True)
    with fg.no_grad():
        w -= 0.5
    picture = fg.draw((w * 3).sum())
    assert by_name(picture)["w"].value.tolist() == [0.5, 1.5]
    assert not any("overwritten" in note for note in picture.graph.notes)


def test_checkpoints_user_ops_and_infinities_are_drawn():
    x = fg.tensor([0.0, 4.0], requires_grad=True)
    parsed(fg.draw(fg.checkpoint(lambda t: t.tanh() * t)(x).sum()))
    assert np.isinf(by_name(fg.draw(fg.sqrt(x)))["x"].gradient[0])
    parsed(fg.draw(fg.log(x)))
    c = fg.tensor([1 + 2j, 3j], requires_grad=True)
    parsed(fg.draw(fg.abs(c * c).sum()))


def test_what_has_no_graph_is_refused_by_name():
    for thing in (3, np.ones(3), "x", None, fg.Tensor):
        with pytest.raises(fg.NotDifferentiableError, match=f"type {type(thing).__name__} has no graph to draw"):
            fg.draw(thing)
    x = fg.tensor(1.0, requires_grad=True)
    for limit in (7, True, 2.5):
        with pytest.raises(ValueError, match="a whole number of at least 8"):
            fg.draw(x * x, limit=limit)


# --- words ---


def test_constants_stand_in_the_gate():
    x = fg.tensor(2.0, requires_grad=True)
    y = (3 - x * 0.5) ** -2 / 4 + 1e10
    signs = [node.sign for node in fg.draw(y).graph.nodes if node.op]
    assert signs == ["× 0.5", "3 − (·)", "(·)⁻²", "÷ 4", "+ 1e10"]
    m = fg.tensor(np.ones((3, 4)), requires_grad=True)
    assert [n.sign for n in fg.draw(m.T[1:, 0]).graph.nodes if n.op] == ["T", "[1:, 0]"]


def test_every_text_is_escaped():
    x = fg.tensor(1.0, requires_grad=True)
    wild = "<b>&\"'\x00\n]]>\ud800 -->"
    picture = fg.draw(x * 2, names={wild: x}, title="<script>alert(1)</script>" + wild)
    root = parsed(picture)
    assert "<script" not in picture.svg and "<b>" not in picture.svg
    assert any("<b>&\"'?" in (text or "") for text in words(root))
    assert '\\"' in picture.dot and picture.dot.count("\n") == len(picture.dot.splitlines())


# --- large arrays ---


def test_large_arrays_are_heat_maps_of_few_cells():
    rng = np.random.default_rng(1)
    x = fg.tensor(rng.normal(size=(300, 200)), requires_grad=True)
    picture = fg.draw(x.tanh().sum())
    root = parsed(picture)
    assert "300×200" in words(root)
    assert len(picture.svg) < 60_000
    cells = [
        p
        for p in root.iter(f"{SVG}path")
        if p.get("class") in {f"{s}{k}" for s in "pm" for k in range(1, heat._LEVELS + 1)}
    ]
    assert cells
    for shape in ((7,), (1, 50), (50, 1), (2, 3, 4, 5)):
        parsed(fg.draw(fg.tensor(rng.normal(size=shape), requires_grad=True) * 2))
