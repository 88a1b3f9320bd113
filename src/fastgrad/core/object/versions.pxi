# Versions: how often memory was written, and which node an edge meant before it was.

cdef inline int check_fresh(Tensor x) except -1:
    """Refuse a value that was written behind the back of its graph."""
    if x.storage != NULL and x.storage.version != 0:
        check_written(x)
    return 0


cdef int check_written(Tensor x) except -1:
    cdef Tensor owner = x
    cdef unsigned int version = x.storage.version
    if x.op == LEAF:
        # A constant view made before a recorded value was written into its memory knows nothing of that record.
        if x.flags & VIEW and x.saved < x.storage.taken:
            raise errors.stale(None)
        return 0
    while owner.flags & VIEW and owner.op != LEAF:
        if owner.extra != NULL and (<NodeExtra>owner.extra).operands is not None:
            owner = nth_operand(<NodeExtra>owner.extra, 0)
        elif owner.x1 != NULL:
            owner = resolve(owner.x1, owner.gen1)
        else:
            break
    if owner.op != LEAF and (x.storage.taken != version or (x.flags & VIEW and x.saved != version)):
        raise errors.stale(op_name(x))
    return 0


cdef PyObject* resolve_at(PyObject* edge, unsigned int gen) noexcept:
    """Borrowed: the tensor an edge meant. Where it was written in place since, the node it stood for at the time."""
    if (<Tensor>edge).gen == gen or (<Tensor>edge).extra == NULL or (<NodeExtra>(<Tensor>edge).extra).history is None:
        return edge
    return former(edge, (<NodeExtra>(<Tensor>edge).extra).history, gen)


cdef PyObject* former(PyObject* x, list history, unsigned int gen) noexcept:
    """The first of the history, whose generations ascend, that is as young as `gen`; `x` itself where none is. By
    halving: a chain of writes, each with a consumer, asks once for every write."""
    cdef Py_ssize_t low = 0, high = len(history), middle
    while low < high:
        middle = (low + high) // 2
        if <unsigned int>(<tuple>history[middle])[0] < gen:
            low = middle + 1
        else:
            high = middle
    return <PyObject*>(<tuple>history[low])[1] if low < len(history) else x


cdef inline Tensor resolve(PyObject* edge, unsigned int gen):
    return <Tensor>resolve_at(edge, gen)


cdef int check_versions(Tensor y) except -1:
    """Raise where a value that the backward of `y` reads was overwritten since."""
    cdef unsigned int now = 0, reads
    cdef NodeExtra extra
    cdef Py_ssize_t k
    if y.flags & VIEW:
        return 0        # reads nothing; `saved` is the version that the view was taken of
    if y.extra != NULL and (<NodeExtra>y.extra).operands is not None:
        extra = <NodeExtra>y.extra
        for k in range(len(extra.operands)):
            if type(extra.operands[k]) is Tensor and nth_bit(extra.reads, k):
                now += version_of(nth_operand(extra, k))
        if extra.reads_y:
            now += version_of(y)
    else:
        reads = reads_at(y)
        if reads & READS_X1 and not y.flags & CONST1:
            now += version_of(resolve(y.x1, y.gen1))
        if reads & READS_X2 and not y.flags & CONST2 and y.x2 != NULL:
            now += version_of(resolve(y.x2, y.gen2))
        if reads & READS_Y:
            now += version_of(y)
    if now != y.saved:
        raise errors.mutated(op_name(y), "a value it reads", y.saved, now)
    return 0


cdef Tensor nth_operand(NodeExtra extra, Py_ssize_t k):
    """Operand number `k`, which is a Tensor, as it was recorded."""
    o = extra.operands[k]
    return resolve(<PyObject*>o, 0 if extra.gens is None else extra.gens[k])


cdef unsigned int versions_in(object operands) except? 0xFFFFFFFF:
    """The sum of the versions of all that are Tensors: another one once Python code has written to any of them."""
    cdef unsigned int total = 0
    for o in operands:
        if type(o) is Tensor:
            total += version_of(<Tensor>o)
    return total
