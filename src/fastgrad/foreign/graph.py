"""`x.grad_fn`: the node of a result, as PyTorch shows it."""


class GradFn:
    """The op of a result and those of its operands. For reading only.

    Parameters
    ----------
    y : Tensor
        The result of an op.
    """

    def __init__(self, y):
        self._op, self._operands = y.op, y.operands

    def name(self):
        """Return the name of the op."""
        return self._op

    @property
    def next_functions(self):
        """Pairs of the node of an operand, or None for a leaf, and 0."""
        return tuple((GradFn(x) if x.op is not None else None, 0) for x in self._operands)

    def __repr__(self):
        return f"<GradFn {self._op}>"
