"""A graph with known gradients, and readers of its picture."""

import xml.etree.ElementTree as ET

import fastgrad as fg

SVG = "{http://www.w3.org/2000/svg}"
STAGED = {"f": 1.5456448841066441, "x": 2.0595697955721652, "y": 1.5922327514838093}


def staged():
    x, y = fg.tensor(3.0, requires_grad=True), fg.tensor(-4.0, requires_grad=True)
    f = (x + y.sigmoid()) / (x.sigmoid() + (x + y) ** 2)
    return x, y, f


def parsed(picture):
    """Parse the SVG; fails if it is not well-formed."""
    return ET.fromstring(picture.svg)


def words(root):
    return [t.text for t in root.iter(f"{SVG}text")]


def by_name(picture):
    return {node.name: node for node in picture.graph.nodes if node.name}
