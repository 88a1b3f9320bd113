"""micrograd's Value and its little networks, for programs written against them: change the import, keep the rest.

    from fastgrad.micrograd.engine import Value
    from fastgrad.micrograd.nn import MLP

What such a program can see is as in micrograd (github.com/karpathy/micrograd). Two things differ, because its users ask
for them: graphs may be a million nodes deep, and a second `backward()` does not compound the gradients in between.

`vars(v)` is the dict of a Value with all of micrograd's attributes, and what is written to it counts: from then on
that Value lives in its dict, as slow as one of micrograd. Operators that a subclass overrides are called wherever
micrograd's own source would call them.
"""

from fastgrad.micrograd.engine import Value
from fastgrad.micrograd.nn import MLP, Layer, Module, Neuron

__all__ = ["MLP", "Layer", "Module", "Neuron", "Value"]
