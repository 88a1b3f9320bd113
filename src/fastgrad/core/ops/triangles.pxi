# Triangles of matrices: tril and triu.

cdef Tensor record_triangle(int op, PyObject** given):
    cdef Tensor x = given_tensor(given[0]), y, source
    cdef Outside o
    cdef Py_ssize_t k
    if (x is None or x.layout.kernel == NO_KERNEL or x.layout.ndim < 2 or not read_int(<object>given[1], &k)
            or not -LENGTHS < k < LENGTHS):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(x.layout))
    go_outside(&o, x.layout.nbytes, x, None, None, NULL, NULL)
    run_triangle(op, source.layout, source.data, y.data, k, False)
    come_back(&o)
    if link_unwritten(y, op, x, &o) and k != 0:
        keep_parameter(y, <object>given[1])
    return y


cdef void run_triangle(int op, const Layout* layout, const char* x, char* y, Py_ssize_t k, bint add) noexcept:
    cdef Extents e
    extents_at(layout, layout.ndim - 2, layout.ndim - 1, &e)
    triangle_door(layout.kernel, x, y, &e, k, op == TRIU, add)


cdef int backward_triangle(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef Tensor x = resolve(y.x1, y.gen1)
    cdef Outside o
    cdef bint add
    parameter = parameter_of(y)
    cdef Py_ssize_t k = 0 if parameter is None else parameter
    gx = cotangent_buffer_or_reuse(x, g, gs, &add)
    go_outside(&o, y.layout.nbytes, None, None, None, gs, cotangent_block(x))
    run_triangle(y.op, y.layout, g, gx, k, add)
    come_back(&o)
    return 0


cdef dict params_triangle(Tensor y):
    k = parameter_of(y)
    return {"k": 0 if k is None else k}


cdef int TRIL = register_op("tril", "x k", record_triangle, backward_triangle, params_triangle)
cdef int TRIU = register_op("triu", "x k", record_triangle, backward_triangle, params_triangle)
