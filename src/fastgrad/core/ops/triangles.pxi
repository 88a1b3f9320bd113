# Triangles of matrices: tril and triu.

cdef Tensor record_triangle(int op, PyObject** given):
    cdef Tensor x = given_tensor(given[0]), y, source
    cdef Py_ssize_t k
    if (x is None or x.layout.kernel == NO_KERNEL or x.layout.ndim < 2 or not read_int(<object>given[1], &k)
            or not -LENGTHS < k < LENGTHS):
        return None
    check_fresh(x)
    source = contiguous(x)
    y = new_tensor(layout_contiguous(x.layout))
    run_triangle(op, source.layout, source.data, y.data, k, False)
    if link_wanted(y, op, x) and k != 0:
        keep_parameter(y, <object>given[1])
    return y


cdef void run_triangle(int op, const Layout* layout, const char* x, char* y, Py_ssize_t k, bint add) noexcept:
    cdef Extents e
    extents_at(layout, layout.ndim - 2, layout.ndim - 1, &e)
    triangle_door(layout.kernel, x, y, &e, k, op == TRIU, add)


cdef int backward_triangle(Tensor y, char* g, Storage* gs, bint only_wanted) except -1:
    cdef bint add
    k = parameter_of(y)
    gx = cotangent_buffer_or_reuse(resolve(y.x1, y.gen1), g, gs, &add)
    run_triangle(y.op, y.layout, g, gx, 0 if k is None else k, add)
    return 0


cdef dict params_triangle(Tensor y):
    k = parameter_of(y)
    return {"k": 0 if k is None else k}


cdef int TRIL = register_op("tril", "x k", record_triangle, backward_triangle, params_triangle)
cdef int TRIU = register_op("triu", "x k", record_triangle, backward_triangle, params_triangle)
