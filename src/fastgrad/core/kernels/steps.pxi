# A list of backward kernels run block by block: cotangents in between stay in the first-level cache.

cdef void run_steps(const Step* steps, int count, const StreamedOutput* outs, int n_outs, int dtype,
                    Py_ssize_t n) noexcept nogil:
    """Run all steps on the first `RUN_BLOCK` elements, then all on the next, and so on."""
    cdef Py_ssize_t item = item_bytes(dtype)
    cdef Py_ssize_t at = 0, m
    while at < n:
        m = min(n - at, <Py_ssize_t>RUN_BLOCK)
        for k in range(count):
            s = &steps[k]
            s.kernel(s.g.start + at * s.g.step, s.x1.start + at * s.x1.step, s.x2.start + at * s.x2.step,
                     s.y.start + at * s.y.step, s.out.start + at * s.out.step, m, s.c, &helpers[dtype], s.add)
        for k in range(n_outs):
            fg_stream(outs[k].block, outs[k].y + at * item, m * item, NULL, NULL)
        at += m
    if n_outs:
        fg_stream_end()
