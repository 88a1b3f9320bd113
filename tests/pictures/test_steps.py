"""`fg.draw(f, steps=True)`: the forward and backward pass, step by step."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

import fastgrad as fg
from tests.pictures.graphs import SVG, staged


def lines(picture):
    return [line for _, lines in picture.steps.texts for line in lines]


def test_the_steps_of_the_staged_expression_are_those_of_the_notes():
    x, y, f = staged()
    picture = fg.draw(f, names={"x": x, "y": y, "f": f}, steps=True)
    heads = [head for head, _ in picture.steps.texts]
    assert heads[0] == "The inputs" and heads[1:8] == [
        f"Forward: {sign}" for sign in ["σ", "+", "σ", "+", "(·)²", "+", "÷"]
    ]
    assert heads[8] == "Backward: the result" and len(heads) == 16
    said = lines(picture)
    assert said[:3] == ["x = 3", "y = −4", "v1 = sigmoid(y) = 0.01799"]
    assert "∂f/∂f = 1" in said
    assert "to v6: local gradient (−0.7916) × upstream gradient 1 = −0.7916" in said
    assert "to v4: local gradient (−2) × upstream gradient (−0.7916) = 1.583" in said
    assert "∂f/∂x = 1.583 + (−0.03576) + 0.5121 = 2.06" in said


def test_values_appear_forward_and_gradients_backward():
    f = staged()[2]
    picture = fg.draw(f, names={}, steps=True)
    steps, graph = picture.steps, picture.graph
    for v, node in enumerate(graph.nodes):
        for wire in node.wires:
            assert steps.value[wire.source] < steps.value[v] < steps.gradient[graph.root]
            assert steps.gradient[v] < steps.wire[v] <= steps.gradient[wire.source]
    assert max(steps.gradient) == len(steps.texts) - 1


def test_the_page_has_buttons_keys_and_every_step_in_print(tmp_path):
    picture = fg.draw(staged()[2], names={}, steps=True)
    text = picture.save(tmp_path / "steps.html").read_text(encoding="utf-8")
    assert text.count("<li value=") == len(picture.steps.texts) == 16
    assert text.count("<button") == 4 and "ArrowRight" in text and 'data-keys="page"' in text
    rules = text[text.index(".fastgrad-steps{") :]
    before, screen = rules[: rules.index("</style>")].split("@media screen{")
    screen, printed = screen.split("@media print{")
    assert "li{display:none}" in screen and ".later{visibility:hidden}" in screen
    assert not any(hidden in part for hidden in ("li{display:none", "hidden") for part in (before, printed))
    svg = ET.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    appearing = {int(g.get("data-s")) for g in svg.iter(f"{SVG}g") if g.get("data-s")}
    assert appearing == set(range(16))
    assert 'data-keys="element"' in picture._repr_html_()
    assert "data-s=" not in picture.svg


def test_without_gradients_only_the_forward_pass_has_steps():
    picture = fg.draw(fg.tensor([1.0, 2.0]), names={}, steps=True)
    assert [head for head, _ in picture.steps.texts] == ["The inputs"]
    x = fg.tensor(2.0, requires_grad=True)
    y = x * 3
    y.backward()
    assert [head for head, _ in fg.draw(y, steps=True).steps.texts] == [
        "The inputs", "Forward: ×", "Backward: the result",
    ]  # fmt: skip


def test_arrays_and_blocks_have_steps():
    rng = np.random.default_rng(0)
    w = fg.tensor(rng.normal(size=(3, 2)), requires_grad=True)
    y = (fg.tensor(rng.normal(size=(4, 3))) @ w).tanh().sum()
    said = lines(fg.draw(y, names={"w": w}, steps=True))
    assert any(line.startswith("to w: vjp of matmul of the upstream gradient = 3×2, norm") for line in said)
    z = w
    for _ in range(300):
        z = z.sin()
    assert any("⋯" in head for head, _ in fg.draw(z.sum(), steps=True).steps.texts)


@pytest.mark.parametrize("width", [199, "wide", True, float("nan")])
def test_a_width_that_is_none_is_refused(width):
    with pytest.raises(ValueError, match="the width of the page in pixels must be a number of at least 200, or None"):
        fg.draw(staged()[2], width=width)
