# The table of ops, and each op's forward and backward: first for doubles, then, where an object takes part or Python's
# arithmetic would raise or change the type, by that arithmetic.
#
# Python's arithmetic may run any code, which may initialise, sweep or drop the same Values: what is used after it is
# held, and read again.

cdef enum Op:
    LEAF
    ADD
    MULTIPLY
    POWER           # x2 is the exponent, a Python number
    RELU
    TANH
    EXP
    LOG
    SIGMOID
    OTHER           # of the program, which also assigns `_prev` and `_backward`
    N_OPS           # pickles carry these numbers

ctypedef double (*Forward)(double x) except? -1
# Add to the gradients of the operands.
ctypedef int (*Backward)(Value y) except -1
# The derivative of `y` with respect to its one operand, as a number (OBJECT: not possible) and by Python's arithmetic.
ctypedef Number (*Local)(Value y) noexcept
ctypedef object (*LocalObject)(Value y)

cdef struct OpRow:
    const char* symbol
    int n_operands
    Backward backward
    Local local             # NULL unless `backward` is that of one operand
    LocalObject local_object
    Forward forward         # NULL unless it is a function of a float

cdef OpRow[N_OPS] table


cdef int set_row(int op, const char* symbol, int n_operands, Backward backward, Local local=NULL,
                 LocalObject local_object=NULL, Forward forward=NULL) except -1:
    cdef OpRow* row = &table[op]
    row.symbol = symbol
    row.n_operands = n_operands
    row.backward = backward
    row.local, row.local_object, row.forward = local, local_object, forward
    return 0


cdef inline PyObject* second_operand(Value y) noexcept:
    return y.x2 if y.op != POWER else NULL


cdef inline object exponent_of(Value y):
    """The exponent of a power; None of other ops."""
    return <object>y.x2 if y.op == POWER else None


cdef object op_text(Value y):
    cdef dict kept = dict_in(y)
    if kept is not None and "_op" in kept:
        return kept["_op"]
    exponent = exponent_of(y)
    return table[y.op].symbol.decode() if exponent is None else f"**{exponent}"     # which may run Python code


# Accumulating gradients.

cdef inline bint accumulate_number(Value x, Number n) noexcept:
    """`x.grad += n`. Returns False, with nothing changed, where that takes Python's arithmetic."""
    if n.kind == OBJECT or x.grad_kind == OBJECT:
        return False
    n = number(x.grad_ + n.value, joined(x.grad_kind, n.kind))
    if n.kind == OBJECT:
        return False
    x.grad_ = n.value
    x.grad_kind = <unsigned char>n.kind
    return True


cdef inline int accumulate(Value x, Number n) except -1:
    """`x.grad += n`, a number."""
    return 0 if accumulate_number(x, n) else accumulate_object(x, as_object(n.value, n.kind))


cdef int accumulate_object(Value x, object g) except -1:
    cdef Value held = x
    return set_grad(held, grad_of(held) + g)


cdef inline Number times_grad(double value, int kind, Value y) noexcept:
    """`value * y.grad` as a number."""
    if kind == OBJECT or y.grad_kind == OBJECT:
        return no_number()
    return number(value * y.grad_, joined(kind, y.grad_kind))


cdef int no_backward(Value y) except -1:
    return 0


cdef int backward_one_operand(Value y) except -1:
    cdef Number n = table[y.op].local(y)
    if n.kind != OBJECT and y.grad_kind != OBJECT:
        n.value *= y.grad_
        n.kind = joined(n.kind, y.grad_kind)
        return accumulate(<Value>y.x1, n)
    cdef Value x = <Value>y.x1
    return accumulate_object(x, table[y.op].local_object(y) * grad_of(y))


# Sums and products.

cdef inline bint are_numbers(Value a, Value b) noexcept:
    return a.data_kind != OBJECT and b.data_kind != OBJECT


cdef Value add(Value a, Value b):
    cdef Number n
    if are_numbers(a, b):
        n = number(a.data_ + b.data_, joined(a.data_kind, b.data_kind))
        if n.kind != OBJECT:
            return node(ADD, <PyObject*>a, <PyObject*>b, n)
    return node_object(ADD, <PyObject*>a, <PyObject*>b, data_of(a) + data_of(b))


cdef int backward_add(Value y) except -1:
    cdef Number n
    n.value = y.grad_
    n.kind = <Kind>y.grad_kind
    if accumulate_number(<Value>y.x1, n):
        return accumulate(<Value>y.x2, n)
    cdef Value x1 = <Value>y.x1, x2 = <Value>y.x2
    accumulate_object(x1, grad_of(y))
    return accumulate_object(x2, grad_of(y))


cdef Value multiply(Value a, Value b):
    cdef Number n
    if are_numbers(a, b):
        n = number(a.data_ * b.data_, joined(a.data_kind, b.data_kind))
        if n.kind != OBJECT:
            return node(MULTIPLY, <PyObject*>a, <PyObject*>b, n)
    return node_object(MULTIPLY, <PyObject*>a, <PyObject*>b, data_of(a) * data_of(b))


cdef int backward_multiply(Value y) except -1:
    cdef Number n
    if not accumulate_number(<Value>y.x1, times_grad((<Value>y.x2).data_, (<Value>y.x2).data_kind, y)):
        return backward_multiply_objects(y, True)
    n = times_grad((<Value>y.x1).data_, (<Value>y.x1).data_kind, y)
    return accumulate(<Value>y.x2, n) if n.kind != OBJECT else backward_multiply_objects(y, False)


cdef int backward_multiply_objects(Value y, bint both) except -1:
    """To both operands, or to the second one only."""
    cdef Value x1 = <Value>y.x1, x2 = <Value>y.x2
    if both:
        accumulate_object(x1, data_of(x2) * grad_of(y))
    return accumulate_object(x2, data_of(x1) * grad_of(y))


# Powers.

cdef Value power(Value a, object exponent):
    cdef Number n
    if not isinstance(exponent, (int, float)):
        raise AssertionError("only supporting int/float powers for now")
    n = power_of(a, number_of(exponent))
    if n.kind != OBJECT:
        return node(POWER, <PyObject*>a, <PyObject*>exponent, n)
    return node_object(POWER, <PyObject*>a, <PyObject*>exponent, data_of(a) ** exponent)


cdef inline Number power_of(Value x, Number c) noexcept:
    """`x.data ** c` where that is a finite float; OBJECT elsewhere."""
    cdef Number n = no_number()
    if (x.data_kind == FLOAT or x.data_kind == FLOAT64) and c.kind != OBJECT and x.data_ != 0:
        if x.data_ > 0 or floor(c.value) == c.value:
            n.value = pow(x.data_, c.value)
            if isfinite(n.value):
                n.kind = joined(x.data_kind, c.kind)
    return n


cdef Number power_local(Value y) noexcept:
    cdef Number c = number_of(<object>y.x2), n
    cdef double exponent = c.value
    c.value -= 1
    n = power_of(<Value>y.x1, c)
    n.value *= exponent
    return n


cdef object power_local_object(Value y):
    cdef Value x = <Value>y.x1
    exponent = exponent_of(y)
    return exponent * data_of(x) ** (exponent - 1)


# Functions.

cdef Value relu(Value x):
    cdef Number n
    if x.data_kind == OBJECT:
        data = data_of(x)
        return node_object(RELU, <PyObject*>x, NULL, 0 if data < 0 else data)
    n.value = x.data_
    n.kind = <Kind>x.data_kind
    if x.data_ < 0:
        n.value = 0
        n.kind = INT
    return node(RELU, <PyObject*>x, NULL, n)


cdef Number relu_local(Value y) noexcept:
    cdef Number n = float_local(y, y.data_ > 0)
    if y.data_kind == FLOAT64:
        n.kind = OBJECT if y.grad_kind == INT else FLOAT64      # a bool of NumPy times an int is an int of NumPy
    elif n.kind == FLOAT:
        n.kind = INT
    return n


cdef object relu_local_object(Value y):
    return data_of(y) > 0


cdef Value function(int op, Value x):
    cdef Number n
    cdef double data = x.data_
    if x.data_kind == OBJECT:
        data = data_of(x)
    n.value = table[op].forward(data)
    n.kind = FLOAT
    return node(op, <PyObject*>x, NULL, n)


cdef inline Number float_local(Value y, double local) noexcept:
    """A local gradient computed from `y.data`."""
    cdef Number n
    n.value = local
    n.kind = FLOAT if y.data_kind != OBJECT else OBJECT
    return n


cdef double tanh_forward(double x) except? -1:
    return tanh(x)


cdef Number tanh_local(Value y) noexcept:
    return float_local(y, (1 - y.data_) * (1 + y.data_))


cdef object tanh_local_object(Value y):
    data = data_of(y)
    return (1 - data) * (1 + data)


cdef double exp_forward(double x) except? -1:
    cdef double y = exp(x)
    return y if isfinite(y) else math.exp(x)    # which raises OverflowError, except for infinities and NaN


cdef Number exp_local(Value y) noexcept:
    return float_local(y, y.data_)


cdef double log_forward(double x) except? -1:
    return log(x) if x > 0 and isfinite(x) else math.log(x)     # which may raise ValueError


cdef Number log_local(Value y) noexcept:
    cdef Value x = <Value>y.x1
    if x.data_kind == OBJECT or x.data_ == 0:
        return no_number()
    return float_local(y, 1 / x.data_)


cdef object log_local_object(Value y):
    return 1 / data_of(<Value>y.x1)


cdef double sigmoid_forward(double x) except? -1:
    cdef double z = exp(-fabs(x))
    return (1 if x >= 0 else z) / (1 + z)


cdef Number sigmoid_local(Value y) noexcept:
    return float_local(y, (1 - y.data_) * y.data_)


cdef object sigmoid_local_object(Value y):
    data = data_of(y)
    return (1 - data) * data


set_row(LEAF, b"", 0, no_backward)
set_row(OTHER, b"", 0, no_backward)
set_row(ADD, b"+", 2, backward_add)
set_row(MULTIPLY, b"*", 2, backward_multiply)
set_row(POWER, b"**", 1, backward_one_operand, power_local, power_local_object)
set_row(RELU, b"ReLU", 1, backward_one_operand, relu_local, relu_local_object)
set_row(TANH, b"tanh", 1, backward_one_operand, tanh_local, tanh_local_object, tanh_forward)
set_row(EXP, b"exp", 1, backward_one_operand, exp_local, data_of, exp_forward)
set_row(LOG, b"log", 1, backward_one_operand, log_local, log_local_object, log_forward)
set_row(SIGMOID, b"sigmoid", 1, backward_one_operand, sigmoid_local, sigmoid_local_object, sigmoid_forward)
