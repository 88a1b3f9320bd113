"""micrograd's Value and its little networks, for programs written against them: change the import, keep the rest.

    from fastgrad.micrograd.engine import Value
    from fastgrad.micrograd.nn import MLP

What such a program can see is as in micrograd (github.com/karpathy/micrograd). Two things differ, because its users ask
for them: graphs may be a million nodes deep, and a second `backward()` does not compound the gradients in between.
"""

from fastgrad.micrograd.engine import Value
from fastgrad.micrograd.nn import MLP, Layer, Module, Neuron

__all__ = ["MLP", "Layer", "Module", "Neuron", "Value"]
