"""Names and calls of PyTorch, NumPy, JAX, autograd and micrograd: those that work here, and a table of the others.

`import fastgrad` loads `fastgrad.foreign.names` alone; everything else is loaded when one of the names is used.
"""
