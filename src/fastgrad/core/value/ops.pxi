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
    VALUE_POWER     # the exponent is a Value too
    N_OPS           # pickles carry these numbers

ctypedef double (*Forward)(double x) except? -1
ctypedef int (*Backward)(Value y) except -1         # add to the gradients of the operands
ctypedef double (*Derivative)(double d) noexcept

cdef struct OpRow:
    const char* symbol
    int n_operands
    Backward backward
    # Of functions of one number:
    Forward forward
    Derivative derivative       # given the result, or the operand where `reads_x`
    bint reads_x
    Kind kind                   # of the derivative

cdef OpRow[N_OPS] table
cdef list derivatives = [None] * N_OPS      # the same by Python's arithmetic


cdef int set_row(int op, const char* symbol, int n_operands, Backward backward) except -1:
    table[op].symbol = symbol
    table[op].n_operands = n_operands
    table[op].backward = backward
    return 0


cdef int set_function(int op, const char* symbol, Forward forward, Derivative derivative, object derivative_object,
                      Kind kind=FLOAT, bint reads_x=False) except -1:
    set_row(op, symbol, 1, backward_function)
    table[op].forward = forward
    table[op].derivative = derivative
    table[op].reads_x = reads_x
    table[op].kind = kind
    derivatives[op] = derivative_object
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
    # Not the operator: where the first operand is the int 0, Cython 3.3 returns the other one, even -0.0.
    return set_grad(held, PyNumber_Add(grad_of(held), g))


cdef int no_backward(Value y) except -1:
    return 0


# Sums and products.

cdef Value add(Value a, Value b):
    cdef Number n = number(a.data_ + b.data_, joined(a.data_kind, b.data_kind))
    if n.kind != OBJECT:
        return node(ADD, <PyObject*>a, <PyObject*>b, n)
    return node_object(ADD, <PyObject*>a, <PyObject*>b, PyNumber_Add(data_of(a), data_of(b)))


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
    cdef Number n = number(a.data_ * b.data_, joined(a.data_kind, b.data_kind))
    if n.kind != OBJECT:
        return node(MULTIPLY, <PyObject*>a, <PyObject*>b, n)
    return node_object(MULTIPLY, <PyObject*>a, <PyObject*>b, data_of(a) * data_of(b))


cdef inline Number times_grad(Value x, Value y) noexcept:
    """`x.data * y.grad`."""
    return number(x.data_ * y.grad_, joined(x.data_kind, y.grad_kind))


cdef int backward_multiply(Value y) except -1:
    if not accumulate_number(<Value>y.x1, times_grad(<Value>y.x2, y)):
        return backward_multiply_objects(y, True)
    cdef Number n = times_grad(<Value>y.x1, y)
    return accumulate(<Value>y.x2, n) if n.kind != OBJECT else backward_multiply_objects(y, False)


cdef int backward_multiply_objects(Value y, bint both) except -1:
    """By Python's arithmetic, for both operands or only the second one."""
    cdef Value x1 = <Value>y.x1, x2 = <Value>y.x2
    if both:
        accumulate_object(x1, data_of(x2) * grad_of(y))
    return accumulate_object(x2, data_of(x1) * grad_of(y))


# Powers.

cdef Value power(Value a, object exponent):
    if not isinstance(exponent, (int, float)):
        if is_value(exponent):
            return power_of_values(a, <Value>exponent)
        raise value_errors.exponent_kind(type(exponent).__name__)
    cdef Number n = power_of(a, number_of(exponent))
    if n.kind != OBJECT:
        return node(POWER, <PyObject*>a, <PyObject*>exponent, n)
    return node_object(POWER, <PyObject*>a, <PyObject*>exponent, data_of(a) ** exponent)


cdef Value power_of_values(Value a, Value b):
    cdef Number n = power_of(a, number_in(b))
    if n.kind != OBJECT:
        return node(VALUE_POWER, <PyObject*>a, <PyObject*>b, n)
    return node_object(VALUE_POWER, <PyObject*>a, <PyObject*>b, data_of(a) ** data_of(b))


cdef inline Number number_in(Value x) noexcept:
    """`x.data`; OBJECT where it is in the dict."""
    cdef Number n
    n.value = x.data_
    n.kind = <Kind>x.data_kind
    return n


cdef inline Number power_of(Value x, Number c) noexcept:
    """`x.data ** c` where that is a finite float; OBJECT elsewhere."""
    cdef Number n = no_number()
    if (x.data_kind == FLOAT or x.data_kind == FLOAT64) and c.kind != OBJECT and x.data_ != 0:
        if x.data_ > 0 or floor(c.value) == c.value:
            n.value = pow(x.data_, c.value)
            if isfinite(n.value):
                n.kind = joined(x.data_kind, c.kind)
    return n


cdef inline Number base_gradient(Value y, Number c) noexcept:
    """`c * x1.data ** (c - 1) * y.grad`; OBJECT where that takes Python's arithmetic."""
    cdef double exponent = c.value
    c.value -= 1
    cdef Number n = power_of(<Value>y.x1, c)
    if n.kind != OBJECT and y.grad_kind != OBJECT:
        n.value = exponent * n.value * y.grad_
        n.kind = joined(n.kind, y.grad_kind)
        return n
    return no_number()


cdef int backward_power(Value y) except -1:
    cdef Number n = base_gradient(y, number_of(<object>y.x2))
    if n.kind != OBJECT:
        return accumulate(<Value>y.x1, n)
    cdef Value x = <Value>y.x1
    power_ = exponent_of(y)
    return accumulate_object(x, power_ * data_of(x) ** (power_ - 1) * grad_of(y))


cdef int backward_value_power(Value y) except -1:
    cdef Value a = <Value>y.x1, b = <Value>y.x2
    cdef Number n = base_gradient(y, number_in(b))
    if n.kind != OBJECT:
        accumulate(a, n)
    else:
        accumulate_object(a, data_of(b) * data_of(a) ** (data_of(b) - 1) * grad_of(y))
    if a.data_kind != OBJECT and a.data_ > 0 and y.data_kind != OBJECT and y.grad_kind != OBJECT:
        n.value = y.data_ * log(a.data_) * y.grad_
        if isfinite(n.value):
            n.kind = joined(FLOAT, joined(y.data_kind, y.grad_kind))
            return accumulate(b, n)
    base = data_of(a)
    slope = math.log(base) if base > 0 else 0.0 if base == 0 else math.nan      # 0**b is 0 for all b > 0
    return accumulate_object(b, data_of(y) * slope * grad_of(y))


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


cdef Value function(int op, Value x):
    cdef Number n
    cdef double data = x.data_
    if x.data_kind == OBJECT:
        data = data_of(x)
    n.value = table[op].forward(data)
    n.kind = FLOAT
    return node(op, <PyObject*>x, NULL, n)


cdef int backward_function(Value y) except -1:
    cdef OpRow* row = &table[y.op]
    cdef PyObject* read = y.x1 if row.reads_x else <PyObject*>y
    cdef int kind = (<Value>read).data_kind
    cdef Number n
    if kind != OBJECT and y.grad_kind != OBJECT:
        n.value = row.derivative((<Value>read).data_)
        n.kind = joined(FLOAT64 if kind == FLOAT64 else row.kind, y.grad_kind)
        # Python divides by 0, and a bool of NumPy times an int is an int of NumPy.
        if isfinite(n.value) and not (row.kind == INT and kind == FLOAT64 and y.grad_kind == INT):
            n.value *= y.grad_
            return accumulate(<Value>y.x1, n)
    cdef Value x = <Value>y.x1
    return accumulate_object(x, derivatives[y.op](data_of(<Value>read)) * grad_of(y))


cdef double relu_derivative(double y) noexcept: return y > 0
cdef double tanh_derivative(double y) noexcept: return (1 - y) * (1 + y)
cdef double exp_derivative(double y) noexcept: return y
cdef double log_derivative(double x) noexcept: return 1 / x
cdef double sigmoid_derivative(double y) noexcept: return (1 - y) * y
cdef double tanh_forward(double x) except? -1: return tanh(x)


cdef double exp_forward(double x) except? -1:
    cdef double y = exp(x)
    return y if isfinite(y) else math.exp(x)    # which raises OverflowError, except for infinities and NaN


cdef double log_forward(double x) except? -1:
    return log(x) if x > 0 and isfinite(x) else math.log(x)     # which may raise ValueError


cdef double sigmoid_forward(double x) except? -1:
    cdef double z = exp(-fabs(x))
    return (1 if x >= 0 else z) / (1 + z)


set_row(LEAF, b"", 0, no_backward)
set_row(OTHER, b"", 0, no_backward)
set_row(ADD, b"+", 2, backward_add)
set_row(MULTIPLY, b"*", 2, backward_multiply)
set_row(POWER, b"**", 1, backward_power)
set_row(VALUE_POWER, b"**", 2, backward_value_power)
set_function(RELU, b"ReLU", NULL, relu_derivative, lambda y: y > 0, INT)
set_function(TANH, b"tanh", tanh_forward, tanh_derivative, lambda y: (1 - y) * (1 + y))
set_function(EXP, b"exp", exp_forward, exp_derivative, lambda y: y)
set_function(LOG, b"log", log_forward, log_derivative, lambda x: 1 / x, FLOAT, True)
set_function(SIGMOID, b"sigmoid", sigmoid_forward, sigmoid_derivative, lambda y: (1 - y) * y)
