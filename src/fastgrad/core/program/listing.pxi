# What a program consists of, for `fg.explain` and `fg.draw`.

cdef dict RUN_NAMES = {
    <size_t>run_broadcast: "broadcast", <size_t>run_store: "constant", <size_t>run_share: "share",
    <size_t>run_reduce: "reduce", <size_t>run_divide: "divide by n", <size_t>run_copy_strided: "copy",
    <size_t>run_add_strided: "add", <size_t>run_move: "copy", <size_t>run_zero: "zero", <size_t>run_fill: "fill",
    <size_t>run_add_number: "add number", <size_t>run_accumulate: "add",
    <size_t>run_broadcast_backward: "broadcast", <size_t>run_axis_forward: "along axes",
    <size_t>run_axis_backward: "along axes, backward", <size_t>run_product: "matmul", <size_t>run_stacked: "matmul",
    <size_t>run_triangle_kernel: "triangle", <size_t>run_clip: "clip", <size_t>run_clip_backward: "clip, backward",
    <size_t>run_where: "where", <size_t>run_where_backward: "where, backward", <size_t>run_index: "index",
    <size_t>run_gather: "gather", <size_t>run_gather_kernel: "add at places", <size_t>run_labels: "labels",
    <size_t>run_cross_entropy: "cross_entropy", <size_t>run_cross_entropy_backward: "cross_entropy, backward",
    <size_t>run_conv: "conv", <size_t>run_conv_weight: "conv, backward to the weight",
    <size_t>run_conv_input: "conv, backward to the input", <size_t>run_max_pool: "max_pool",
    <size_t>run_max_pool_backward: "max_pool, backward", <size_t>run_avg_pool: "avg_pool",
    <size_t>run_recurrent: "recurrent", <size_t>run_recurrent_backward: "recurrent, backward",
    <size_t>run_norm: "normalize", <size_t>run_accumulate_rows: "add rows",
    <size_t>run_batch_norm_sums: "batch_norm sums", <size_t>run_norm_backward: "normalize, backward",
    <size_t>run_guard: "branch", <size_t>run_set_gradient: "set .grad",
}
cdef tuple KINDS = ("result", "constant", "tensor", "gradient", "argument", "number", "arena")     # by BufferKind


cdef str kernel_name(const Note* s):
    """The name of the elementwise op whose loop or kernel a note calls."""
    cdef int op, dtype
    for op in range(<int>FIRST_STRUCTURED):
        k = &kernels[op]
        if k.nin == 0:
            continue
        if s.run == run_scalar1 and s.f == <void*>k.scalar1 or s.run == run_scalar2 and s.f == <void*>k.scalar2:
            return op_names[op]
        for dtype in range(2):
            if s.run == run_loop1 or s.run == run_loop2 or s.run == run_broadcast:
                if s.f == <void*>k.loop[dtype].run and s.data == k.loop[dtype].data:
                    return op_names[op]
            elif s.run == run_own_forward and s.f == <void*>k.own[dtype]:
                return op_names[op]
            elif s.run == run_backward and s.f != NULL and (
                    s.f == <void*>k.x1[dtype] or s.f == <void*>k.x2[dtype] or s.f == <void*>k.x1_alone[dtype]):
                return op_names[op] + ", backward"
    return None


cdef object note_step(Variant v, Py_ssize_t k, object group):
    """(op, inputs, outputs, elements, group) of a note."""
    cdef const Note* s = &v.c.notes[k]
    cdef list ins = [], outs = []
    cdef int j
    cdef HostStep h
    name = RUN_NAMES.get(<size_t>s.run) or kernel_name(s) or "kernel"
    if s.run == <StepRun>run_host:
        h = <HostStep>s.more
        name = h.name + " (Python)"
        for o in h.args:
            if type(o) is Spot and (<Spot>o).buffer >= 0:
                ins.append((<Spot>o).buffer)
        if h.result is not None and h.result.buffer >= 0:
            outs.append(h.result.buffer)
    elif s.run == run_broadcast:
        name = kernel_name(s) or name
    for j in range(s.places):
        if s.buffer[j] >= 0:
            if s.reads >> j & 1:
                ins.append(s.buffer[j])
            if s.writes >> j & 1:
                outs.append(s.buffer[j])
    elements = length_of(s) or (1 if s.run == run_scalar1 or s.run == run_scalar2 else 0)
    return name, tuple(ins), tuple(outs), elements, group


cdef list listed_steps(Variant v):
    cdef Py_ssize_t k, i
    cdef list found = []
    cdef dict numbers = {}
    for k in range(v.n_code):
        if v.code[k].kind == CALL:
            found.append(note_step(v, v.code[k].what.index, None) + (step_time(v, k),))
        elif v.code[k].kind == BLOCKS:
            for i in range(v.blocks[v.code[k].what.index].count):
                found.append(note_step(v, v.blocks[v.code[k].what.index].calls[i].note, v.code[k].what.index)
                             + (None if i else step_time(v, k),))
        else:
            found.append(note_step(v, v.sources[k], "numbers") + (step_time(v, k),))
    return found


cdef object step_time(Variant v, Py_ssize_t k):
    return v.times[k] if v.times != NULL and v.times[k] else None


cdef list listed_buffers(Variant v):
    """(kind, bytes) of all buffers."""
    cdef int k
    cdef list found = []
    for k in range(v.c.n_buffers):
        found.append((KINDS[v.c.buffers[k].kind], v.c.buffers[k].nbytes))
    return found
