"""The steps of backpropagation, as in lecture notes: the forward pass value by value, then the backward pass.

Each step has a text, and the values and gradients that appear with it in the picture.
"""

from html import escape

from fastgrad.pictures.formatting import summary
from fastgrad.pictures.graph import BLOCK, GATE

_DIGITS = 4


class Steps:
    """The steps of a graph, numbered from 0.

    Attributes
    ----------
    texts : list of (str, list of str)
        For each step its title and its calculations.
    value, gradient, wire : list of int or None
        For each node, the step at which its value, its gradient, and the gradients of its incoming wires appear.
    at : list of lists of int
        For each node, the steps at which it is computed.
    """

    def __init__(self, graph):
        count = len(graph.nodes)
        self.texts = []
        self.value, self.gradient, self.wire = [0] * count, [None] * count, [None] * count
        self.at = [[] for _ in range(count)]
        self._forward(graph)
        if graph.nodes[-1].gradient is not None:
            self._backward(graph)

    def _forward(self, graph):
        inputs = [v for v, node in enumerate(graph.nodes) if node.kind not in (GATE, BLOCK)]
        lines = [f"{graph.words[v]} = {summary(graph.nodes[v].shown_value, _DIGITS)}" for v in inputs
                 if graph.nodes[v].kind == "leaf" or graph.nodes[v].name]  # fmt: skip
        self.texts.append(("The inputs", lines))
        for v, node in enumerate(graph.nodes):
            if node.kind in (GATE, BLOCK):
                self.value[v] = len(self.texts)
                self.at[v].append(len(self.texts))
                value = summary(node.shown_value, _DIGITS)
                self.texts.append((f"Forward: {node.sign}", [f"{_equation(graph, v)}{' = ' if value else ''}{value}"]))

    def _backward(self, graph):
        root, result = graph.root, graph.result
        self.gradient[root] = len(self.texts)
        start = summary(graph.nodes[root].gradient, _DIGITS)
        self.texts.append(("Backward: the result", [f"∂{result}/∂{result} = {start}"]))
        remaining = [sum(w.product is not None for _, w in used) for used in _incoming(graph)]
        terms = [[] for _ in graph.nodes]
        for v in range(root, -1, -1):
            node = graph.nodes[v]
            live = [wire for wire in node.wires if wire.product is not None]
            if not live:
                continue
            self.wire[v] = step = len(self.texts)
            self.at[v].append(step)
            lines = []
            for wire in live:
                u = wire.source
                lines.append(_product(graph, v, wire))
                terms[u].append(summary(wire.product, _DIGITS))
                remaining[u] -= 1
                if not remaining[u]:
                    self.gradient[u] = step
                    if len(terms[u]) > 1:
                        total = summary(graph.nodes[u].gradient, _DIGITS)
                        lines.append(f"∂{result}/∂{graph.words[u]} = {_sum(terms[u])} = {total}")
            self.texts.append((f"Backward: {node.sign}", lines))

    def list_items(self):
        """Return the steps as items of an HTML list."""
        items = []
        for k, (head, lines) in enumerate(self.texts):
            calculations = "".join(f"<div>{escape(line)}</div>" for line in lines)
            items.append(f'<li value="{k + 1}" data-s="{k}"><b>{escape(head)}</b>{calculations}</li>')
        return "".join(items)


def _incoming(graph):
    """Return for each node the pairs (consumer, wire)."""
    return [[(c, graph.nodes[c].wires[port]) for c, port in used] for used in graph.consumers()]


def _equation(graph, v):
    node = graph.nodes[v]
    return f"{graph.words[v]} = {node.formula}" if node.kind == GATE else node.name or node.op


def _product(graph, v, wire):
    """Return the calculation of the gradient of one wire: the local times the upstream gradient."""
    node, product = graph.nodes[v], summary(wire.product, _DIGITS)
    to = f"to {graph.words[wire.source]}: "
    if wire.local is None or isinstance(wire.local, str):
        how = f"vjp of {node.op}" if node.kind == GATE else "backward pass"
        return f"{to}{how} of the upstream gradient = {product}"
    local, upstream = summary(wire.local, _DIGITS), summary(node.gradient, _DIGITS)
    return f"{to}local gradient {_bracketed(local)} × upstream gradient {_bracketed(upstream)} = {product}"


def _bracketed(number):
    return f"({number})" if number.startswith("−") else number


def _sum(terms):
    return " + ".join(map(_bracketed, terms))


def html(steps, picture, full_page):
    """Return the picture with buttons, arrow keys and the list of steps. Printed, all steps are visible."""
    return _STEPS.format(
        style=_STYLE, script=_SCRIPT, picture=picture, items=steps.list_items(), keys="page" if full_page else "element"
    )


_STYLE = """
.fastgrad-steps{font-family:ui-sans-serif,system-ui,sans-serif;outline-offset:4px}
.fastgrad-steps nav{display:none;gap:8px;align-items:center;margin:10px 0;flex-wrap:wrap}
.fastgrad-steps button{font:inherit;min-width:44px;min-height:36px;cursor:pointer}
.fastgrad-steps output{min-width:9em;font-variant-numeric:tabular-nums}
.fastgrad-steps ol{padding-left:2.2em;max-width:70em;font-variant-numeric:tabular-nums}
.fastgrad-steps li{margin:6px 0}
@media screen{
.fastgrad-steps.live nav{display:flex}
.fastgrad-steps.live ol{min-height:7em}
.fastgrad-steps.live li{display:none}
.fastgrad-steps.live li.now{display:list-item}
.fastgrad-steps.live svg .later{visibility:hidden}
.fastgrad-steps.live svg .now text{font-weight:700}
.fastgrad-steps.live svg .n.now rect{stroke-width:3.6}
}
@media print{
.fastgrad-steps li{break-inside:avoid}
.fastgrad-steps svg{max-width:100%!important;height:auto}
}
"""
_SCRIPT = """
document.querySelectorAll(".fastgrad-steps:not(.live)").forEach(function (box) {
  var marked = box.querySelectorAll("svg [data-s]"), nodes = box.querySelectorAll("svg [data-at]");
  var items = box.querySelectorAll("li"), output = box.querySelector("output"), now = 0;
  function go(to) {
    now = Math.max(0, Math.min(items.length - 1, to));
    marked.forEach(function (e) {
      var step = Number(e.getAttribute("data-s"));
      e.classList.toggle("later", step > now);
      e.classList.toggle("now", step === now);
    });
    nodes.forEach(function (e) {
      e.classList.toggle("now", e.getAttribute("data-at").split(" ").indexOf(String(now)) >= 0);
    });
    items.forEach(function (e, k) { e.classList.toggle("now", k === now); });
    output.textContent = "step " + (now + 1) + " of " + items.length;
  }
  box.classList.add("live");
  box.querySelectorAll("button").forEach(function (button) {
    button.addEventListener("click", function () {
      var by = button.getAttribute("data-by");
      go(by === "first" ? 0 : by === "last" ? items.length : now + Number(by));
    });
  });
  (box.getAttribute("data-keys") === "page" ? document : box).addEventListener("keydown", function (event) {
    var by = {ArrowRight: 1, ArrowLeft: -1, Home: -items.length, End: items.length}[event.key];
    if (by) { event.preventDefault(); go(now + by); }
  });
  go(0);
});
"""
_STEPS = """<div class="fastgrad-steps" data-keys="{keys}" tabindex="0"><style>{style}</style>
<div style="overflow-x:auto">{picture}</div>
<nav aria-label="steps"><button type="button" data-by="first" aria-label="first step">|◀</button>
<button type="button" data-by="-1" aria-label="previous step">◀</button>
<button type="button" data-by="1" aria-label="next step">▶</button>
<button type="button" data-by="last" aria-label="last step">▶|</button><output aria-live="polite"></output>
<span>or the arrow keys</span></nav>
<ol>{items}</ol><script>{script}</script></div>"""
