# The backward of ops without a kernel, by the vjps of their rule.

cdef int backward_rule(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    """Through the op's rule, on Tensors, not recorded."""
    return backward_by_rule(y, cotangent_tensor(y), False, only_wanted, False)


cdef Tensor result_read(Tensor y, bint record):
    """What stands for `y` in its rule: the tensor, or its value as it was kept; recorded as a copy, so that it leads to
    `y`."""
    if y.extra == NULL or (<NodeExtra>y.extra).result is None:
        return y
    cdef Tensor kept = (<NodeExtra>y.extra).result
    if not record:
        return kept
    cdef Tensor read = adopt(kept.layout, kept.storage, kept.data)
    link_unseen(read, (<Function>functions["copy"]).rule, (y,), NO_PARAMS, RULE)
    return read


cdef tuple values_read(tuple operands, bint record):
    """The operands as a rule reads them: a copy in place of a view whose memory was written elsewhere since, because
    the view itself is derived from its owner again when it is used. Recorded, the copy leads to the view."""
    cdef Py_ssize_t k
    cdef Tensor x, read
    cdef list values = None
    for k in range(len(operands)):
        if not is_tensor(operands[k]):
            continue
        x = <Tensor>operands[k]
        if x.flags & VIEW and x.storage.version != x.saved:
            read = private_copy(x)
            if record and x.flags & REQUIRES_GRAD:
                link_unseen(read, (<Function>functions["copy"]).rule, (x,), NO_PARAMS, RULE)
            if values is None:
                values = list(operands)
            values[k] = read
    return operands if values is None else tuple(values)


cdef int backward_by_rule(Tensor y, Tensor g, bint record, bint only_wanted, bint watched) except -1:
    """Every operand's cotangent by the rule, which records as the sweep does, whatever its caller does."""
    cdef Function f = <Function?>rule_for(y).function
    if fg_capture != NULL and f.built_in:
        return captured_backward(f, y, g, record, only_wanted)
    if f.built_in and not record and not watched and enter_context(&backward_context):
        try:
            return rule_cotangents(f, y, g, False, only_wanted, False)
        finally:
            exit_context(&backward_context)
    cdef Scope block = switched(record)
    try:
        return rule_cotangents(f, y, g, record, only_wanted, watched)
    finally:
        close_scope(block)


cdef int rule_cotangents(Function f, Tensor y, Tensor g, bint record, bint only_wanted, bint watched) except -1:
    """Add every operand's cotangent. A rule is Python code: afterwards an operand may belong to another sweep, and a
    value that the next part reads may be another one."""
    cdef tuple operands = node_operands(y)
    cdef Py_ssize_t k
    cdef list together = None
    cdef unsigned int number = y.sweep, flows = flows_of(y), versions = versions_in(operands) + version_of(y)
    if y.flags & FREED:
        raise errors.graph_freed(op_name(y))
    cdef dict params = node_params(y)
    read = result_read(y, record)
    cdef tuple values = values_read(operands, record)
    for k in range(len(operands)):
        o = operands[k]
        if is_tensor(o) and takes(<Tensor>o, only_wanted) and nth_bit(flows, k):
            x = <Tensor>o
            if not f.together:
                gx = <Tensor?>call_vjp(f, k, g, read, values, params)
            else:
                if together is None:
                    together = call_vjp_of_all(f, g, read, values, params)
                gx = <Tensor?>together[k]
            if not same_shape(gx.layout, x.layout) or gx.layout.typenum != x.layout.typenum:
                raise errors.vjp_shape(f.rule.name, k, shape_tuple(gx.layout), shape_tuple(x.layout))
            if watched:
                anomaly.check(op_name(y), True, gx, [g], where_of(y))
            if y.flags & FREED:
                raise errors.graph_freed(op_name(y))
            if versions_in(operands) + version_of(y) != versions:
                check_versions(y)
            if y.sweep != number or x.sweep != number:
                raise errors.graph_changed()
            if watched:
                accumulate_watched(x, gx, record)
            else:
                accumulate_tensor(x, gx, record)
    return 0


cdef object call_vjp(Function f, Py_ssize_t k, Tensor g, object read, tuple operands, dict params):
    """`Rule.pull`, without Python frames but the vjp's own where no conversion is needed."""
    if not f.built_in or f.signature.variadic or (f.holomorphic and is_complex(g.layout.typenum)):
        return checked_call(f.rule.pull, (k, g, read, operands, params))
    cdef Py_ssize_t at = 0 if len(f.vjps) == 1 else k
    gx = checked_call(f.vjps[at], vjp_arguments(f, at, g, read, operands, params))
    return fitted(f, gx, <Tensor>operands[k])


cdef list call_vjp_of_all(Function f, Tensor g, object read, tuple operands, dict params):
    """`Rule.pull_all`, in the same way."""
    cdef Py_ssize_t k
    if not f.built_in or f.signature.variadic or (f.holomorphic and is_complex(g.layout.typenum)):
        return checked_call(f.rule.pull_all, (g, read, operands, params))
    found = list(checked_call(f.vjps[0], vjp_arguments(f, 0, g, read, operands, params)))
    for k in range(len(operands)):
        o = operands[k]
        found[k] = fitted(f, found[k], <Tensor>o) if is_tensor(o) and found[k] is not None else None
    return found


cdef object fitted(Function f, object gx, Tensor x):
    """`Rule._fit`, which is called where the shape or the dtype differs from that of the operand."""
    if is_tensor(gx):
        like = (<Tensor>gx).layout
        if same_shape(like, x.layout) and like.typenum == x.layout.typenum:
            return gx
    return f.rule._fit(gx, x, False)


cdef enum Reader:           # what a parameter of a vjp stands for
    READS_COTANGENT, READS_RESULT, READS_PARAM, READS_OPERAND, READS_SHAPE, READS_DTYPE

cdef tuple READERS = ("cotangent", "result", "param", "operand", "shape", "dtype")     # by Reader


cdef tuple readers_at(Function f, Py_ssize_t at):
    """The readers of vjp number `at`: numbers of READERS and keys, in turn."""
    cdef list found = []
    for kind, key in f.rule._read_by(at):
        found.append(READERS.index(kind))
        found.append(key)
    f.readers[at] = tuple(found)
    return f.readers[at]


cdef tuple vjp_arguments(Function f, Py_ssize_t at, Tensor g, object read, tuple operands, dict params):
    """What vjp number `at` reads."""
    cdef Py_ssize_t j, kind
    readers = <tuple>f.readers[at] if f.readers[at] is not None else readers_at(f, at)
    cdef tuple args = PyTuple_New(len(readers) // 2)
    for j in range(len(readers) // 2):
        kind = readers[2 * j]
        key = readers[2 * j + 1]
        if kind == READS_COTANGENT:
            o = g
        elif kind == READS_RESULT:
            o = read
        elif kind == READS_PARAM:
            o = params[key]
        else:
            o = operands[<Py_ssize_t>key]
            if kind == READS_SHAPE:
                o = shape_tuple((<Tensor>o).layout) if is_tensor(o) else ()
            elif kind == READS_DTYPE:
                o = dtype_of(<Tensor?>o)
        put_item(args, j, o)
    return args


table[<int>RULE].backward = backward_rule      # of every op without a kernel
