# Python's binary operators: which operands they take, and what becomes of arrays, numbers and sequences.

cdef extern from "Python.h":
    double PyLong_AsDouble(object o) except? -1


cdef inline double number_value(object o) except? -1:
    """A float, or an int, which Python would first make a float of."""
    return PyFloat_AS_DOUBLE(<PyObject*>o) if type(o) is float else PyLong_AsDouble(o)


cdef object binary_any(int op, object a, object b):
    """`a op b` for whatever Python hands a number slot; NotImplemented where it is no operand."""
    cdef Tensor y
    if is_tensor(a):
        if is_tensor(b):
            return binary(op, <Tensor>a, <Tensor>b)
        if type(b) is float or type(b) is int:
            y = binary_constant(op, <Tensor>a, number_value(b), False)
            return y if y is not None else rule_op(op, (a, b))
        if not is_operand(b) or has_own_operator(op, b):
            return NotImplemented
        return binary_mixed(op, a, b)
    if type(a) is float or type(a) is int:
        y = binary_constant(op, <Tensor>b, number_value(a), True)
        return y if y is not None else rule_op(op, (a, b))
    if not is_operand(a) or has_own_operator(op, a):
        return NotImplemented
    return binary_mixed(op, a, b)


cdef dict slot_of = {ADD: "add", SUBTRACT: "sub", MULTIPLY: "mul", DIVIDE: "truediv", POWER: "pow"}


cdef bint has_own_operator(int op, object o) except -1:
    """Whether `o` is an ndarray of a class that gives the operator another meaning, and its turn comes first."""
    return PyArray_Check(o) and not PyArray_CheckExact(o) and op in slot_of and parameters.own_operator(o, slot_of[op])


cdef bint is_operand(object o):
    return isinstance(o, (bool, int, float, complex, generic_type, ndarray_type, list, tuple))


cdef object binary_mixed(int op, object a, object b):
    """One operand is an array, a NumPy scalar or a sequence."""
    if type(a) is float64_type and is_tensor(b) and (<Tensor>b).layout.kernel == F64:
        a = PyFloat_AS_DOUBLE(<PyObject*>a)     # as a number of Python: its dtype makes no difference
        return binary_any(op, a, b)
    if type(b) is float64_type and is_tensor(a) and (<Tensor>a).layout.kernel == F64:
        b = PyFloat_AS_DOUBLE(<PyObject*>b)
        return binary_any(op, a, b)
    a = array_operand(a)
    b = array_operand(b)
    if is_tensor(a) and is_tensor(b):
        return binary(op, <Tensor>a, <Tensor>b)
    return rule_op(op, (a, b))


cdef object array_operand(object o):
    """An array, a NumPy scalar or a sequence as a Tensor."""
    if is_tensor(o) or PyArray_CheckExact(o):
        return as_tensor(o)
    return o if isinstance(o, (bool, int, float, complex)) and not isinstance(o, generic_type) else as_tensor(o)
