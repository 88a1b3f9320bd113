# Running a program: forward, then backward, on doubles, with the arithmetic of the ops of Values. Where that of Python
# would raise, it is asked to do so. Leaves change only when everything has been computed.

cdef object integer = np.integer


cdef double replay_once(Program p) except? -1:
    cdef Py_ssize_t k
    cdef double value
    if p.running:       # numbers of the user's classes may run any code
        raise value_errors.program_running()
    p.running = True
    try:
        load_leaves(p)
        run_forward(p)
        run_backward(p)
        value = p.values[p.root]
        store_gradients(p)
        for k in range(len(p.refreshed)):
            if p.refreshed_slots[k] >= p.n_inputs:
                set_data(<Value>p.refreshed[k], p.values[p.refreshed_slots[k]])
    finally:
        p.running = False
    return value


cdef int load_leaves(Program p) except -1:
    cdef double* values = p.values
    cdef double* grads = p.values + p.n_slots
    cdef Py_ssize_t k
    cdef Value x
    for k in range(len(p.held)):
        x = <Value>p.held[k]
        values[k] = x.data_ if x.data_kind != OBJECT else float_of(data_of(x), "data")
        grads[k] = x.grad_ if x.grad_kind != OBJECT else float_of(grad_of(x), "grad")
    return 0


cdef double float_of(object o, str name) except? -1:
    """A number that was not stored as a double. Those that compute otherwise than float64 are refused."""
    if not isinstance(o, (float, int, integer)):
        raise value_errors.program_number(name, type(o).__name__)
    return float(o)


cdef int store_gradients(Program p) except -1:
    cdef double* grads = p.values + p.n_slots
    cdef Py_ssize_t k
    cdef Value x
    for k in range(len(p.held)):
        x = <Value>p.held[k]
        if x.grad_kind != OBJECT:
            x.grad_ = grads[k]
            x.grad_kind = FLOAT
        else:
            set_grad(x, grads[k])
    return 0


cdef int run_forward(Program p) except -1:
    cdef double* v = p.values
    cdef double* y = v + p.n_inputs
    cdef Step* step = p.steps
    cdef Step* end = step + p.n_steps
    cdef uint32_t* pair
    cdef uint32_t* last
    cdef uint32_t op
    cdef double total
    while step < end:
        op = step.code & ((1 << OP_BITS) - 1)
        if op == PRODUCTS:
            total = v[step.x1]
            pair = p.pairs + 2 * <Py_ssize_t>step.x2
            last = pair + 2 * (step.code >> OP_BITS)
            while pair < last:
                total += v[pair[0]] * v[pair[1]]
                pair += 2
            y[0] = total
        elif op == ADD:
            y[0] = v[step.x1] + v[step.x2]
        elif op == MULTIPLY:
            y[0] = v[step.x1] * v[step.x2]
        elif op == RELU:
            y[0] = 0 if v[step.x1] < 0 else v[step.x1]
        elif op == POWER or op == VALUE_POWER:
            y[0] = float_power(v[step.x1], v[step.x2])
        else:
            y[0] = table[op].forward(v[step.x1])
        y += 1
        step += 1
    return 0


cdef int run_backward(Program p) except -1:
    cdef double* v = p.values
    cdef double* g = v + p.n_slots
    cdef Step* step = p.steps + p.n_steps
    cdef Py_ssize_t y = p.n_slots, n_leaves = len(p.held)
    cdef uint32_t op
    cdef double d
    memset(g + n_leaves, 0, (p.n_slots - n_leaves) * sizeof(double))
    g[p.root] = 1
    while step > p.steps:
        step -= 1
        y -= 1
        d = g[y]
        op = step.code & ((1 << OP_BITS) - 1)
        if op == PRODUCTS:
            backward_products(step, p.pairs, v, g, d)
        elif op == ADD:
            g[step.x1] += d
            g[step.x2] += d
        elif op == MULTIPLY:
            g[step.x1] += v[step.x2] * d
            g[step.x2] += v[step.x1] * d
        elif op == RELU:
            g[step.x1] += (v[y] > 0) * d
        elif op == POWER:
            g[step.x1] += v[step.x2] * float_power(v[step.x1], v[step.x2] - 1) * d
        elif op == VALUE_POWER:
            g[step.x1] += v[step.x2] * float_power(v[step.x1], v[step.x2] - 1) * d
            g[step.x2] += v[y] * log_slope(v[step.x1]) * d
        else:
            g[step.x1] += table[op].derivative(v[step.x1 if table[op].reads_x else y]) * d
    return 0


cdef inline void backward_products(Step* step, uint32_t* pairs, double* v, double* g, double d) noexcept:
    """In the order of a sweep over the Values: the term before the products is the operand of the first sum, so that
    only the first product comes after it."""
    cdef uint32_t* first = pairs + 2 * <Py_ssize_t>step.x2
    cdef uint32_t* pair = first + 2 * (step.code >> OP_BITS)
    cdef double a, b
    while pair > first:
        pair -= 2
        if pair == first:
            g[step.x1] += d
        a, b = v[pair[0]], v[pair[1]]
        g[pair[0]] += b * d
        g[pair[1]] += a * d


cdef double float_power(double x, double c) except? -1:
    cdef double y
    if x > 0 or (c >= 0 if x == 0 else floor(c) == c):
        y = pow(x, c)
        if isfinite(y):
            return y
    made = <object>x ** <object>c       # which may raise
    if type(made) is not float:
        raise value_errors.program_complex(x, c)
    return made


cdef inline double log_slope(double base) noexcept:
    return log(base) if base > 0 else 0 if base == 0 else NAN      # 0**b is 0 for all b > 0
