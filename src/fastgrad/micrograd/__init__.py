"""micrograd's Value and its small networks: programs written for micrograd only change the import.

    from fastgrad.micrograd.engine import Value
    from fastgrad.micrograd.nn import MLP

Attributes, operators and results are those of micrograd (github.com/karpathy/micrograd), with three differences:
graphs may be a million nodes deep, a second `backward()` does not add to the gradients of intermediate results, and
exponents may be Values.

`replay(loss)` makes a graph a program, which computes the loss and the gradients of the leaves without building the
graph again.

`vars(v)` returns the dict of a Value with all of micrograd's attributes, and changes to it take effect. From then on
that Value is stored in its dict, and is as slow as one of micrograd. Operators that a subclass overrides are called
wherever micrograd's own source would call them.
"""

from fastgrad.micrograd.engine import Program, Value, replay
from fastgrad.micrograd.nn import MLP, Layer, Module, Neuron

__all__ = ["MLP", "Layer", "Module", "Neuron", "Program", "Value", "replay"]
