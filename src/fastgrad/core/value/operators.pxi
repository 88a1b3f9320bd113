# The operators, by micrograd's formulas: -x is x * -1, x - y is x + -y, x / y is x * y**-1; the reflected ones swap
# their operands.
#
# Values of exactly this class and numbers are computed with at once. A subclass may override operators: whatever a
# formula calls on it goes through Python, so that an override is called where micrograd would call it. A subclass
# therefore needs Python's own slots, which look methods up by name, and gets them: in the dict of the class the
# operators are methods, not wrappers of the slots. The slots below are those of Value alone.

ctypedef Value (*Operation)(Value a, Value b)       # `add` or `multiply`
ctypedef object (*PythonOperator)(object a, object b)


cdef inline object operate(Operation operation, object x, object other):
    """Value.__add__ or __mul__; `x` is a Value, `other` a Value or a number."""
    if is_value(other):
        return operation(<Value>x, <Value>other)
    cdef Value made = leaf(other)
    return operation(<Value>x, made)


cdef inline object evaluate(Operation operation, PythonOperator operator, object a, object b):
    """The operation as part of a formula, of any two objects."""
    if is_exact(a):
        if is_exact(b) or not is_value(b):
            return operate(operation, a, b)
    elif (type(a) is float or type(a) is int) and is_exact(b):
        return operate(operation, b, a)
    return operator(a, b)


cdef object plus(object a, object b): return evaluate(add, PyNumber_Add, a, b)
cdef object times(object a, object b): return evaluate(multiply, PyNumber_Multiply, a, b)


cdef object minus_of(object x):
    if not is_exact(x):
        return -x
    cdef Value minus = leaf(-1)
    return multiply(<Value>x, minus)


cdef inline object inverse_of(object x):
    return power(<Value>x, -1) if is_exact(x) else x ** -1


# Methods.

cdef object value_add(object x, object other): return operate(add, x, other)
cdef object value_multiply(object x, object other): return operate(multiply, x, other)
cdef object value_subtract(object x, object other): return plus(x, minus_of(other))
cdef object value_divide(object x, object other): return times(x, inverse_of(other))
cdef object value_power(object x, object other): return power(<Value>x, other)


cdef object value_radd(object x, object other):
    return value_add(other, x) if is_others_turn(x, other, "__radd__") else plus(x, other)


cdef object value_rmultiply(object x, object other):
    return value_multiply(other, x) if is_others_turn(x, other, "__rmul__") else times(x, other)


cdef object value_rsubtract(object x, object other):
    return value_subtract(other, x) if is_others_turn(x, other, "__rsub__") else plus(other, minus_of(x))


cdef object value_rdivide(object x, object other):
    return value_divide(other, x) if is_others_turn(x, other, "__rtruediv__") else times(other, inverse_of(x))


cdef object value_rpower(object x, object other):
    return power(<Value>other if is_value(other) else leaf(other), x)


cdef bint is_others_turn(object x, object other, str name) except -1:
    """Whether a reflected method of `x` was called too early.

    Python calls it before the method of the left operand `other` if the class of `x` derives from that of `other` and
    has a reflected method of its own. It does not check the latter where the left operand has slots that are not
    Python's, as a Value has.
    """
    if is_exact(x) or not is_exact(other):
        return False
    return getattr(type(x), name, None) is getattr(Value, name)


# Slots. A left operand that is a Value of a subclass has already been asked. Those of the subtraction and the division
# are the methods.

cdef inline object call_slot(Operation operation, PythonOperator operator, object a, object b):
    if is_exact(a):
        return operate(operation, a, b)
    return operator(b, a) if is_value(a) else operate(operation, b, a)


cdef object slot_add(object a, object b):
    return call_slot(add, PyNumber_Add, a, b)


cdef object slot_multiply(object a, object b):
    return call_slot(multiply, PyNumber_Multiply, a, b)


cdef object slot_power(object a, object b, object modulus):
    if modulus is not None:
        return NotImplemented
    return power(<Value>a, b) if is_exact(a) else value_rpower(b, a)


cdef extern from "Python.h":
    int METH_O

cdef PyMethodDef[10] operators       # descriptors keep pointers to them
cdef int n_operators = 0


cdef int set_operator(const char* name, void* method, const char* doc) except -1:
    """Put a method of two operands in the dict of the class."""
    global n_operators
    cdef PyMethodDef* d = &operators[n_operators]
    n_operators += 1
    d.ml_name, d.ml_meth, d.ml_flags, d.ml_doc = name, method, METH_O, doc
    (<dict>POOLED.tp_dict)[name.decode()] = PyDescr_NewMethod(POOLED, d)
    return 0


cdef int install_operators() except -1:
    """Install the methods, and the slots, which Cython cannot declare."""
    cdef PyNumberMethods* numbers = <PyNumberMethods*>POOLED.tp_as_number
    set_operator("__add__", <void*>value_add, "self + other")
    set_operator("__radd__", <void*>value_radd, "other + self, as self + other")
    set_operator("__sub__", <void*>value_subtract, "self - other, as self + (-other)")
    set_operator("__rsub__", <void*>value_rsubtract, "other - self, as other + (-self)")
    set_operator("__mul__", <void*>value_multiply, "self * other")
    set_operator("__rmul__", <void*>value_rmultiply, "other * self, as self * other")
    set_operator("__truediv__", <void*>value_divide, "self / other, as self * other**-1")
    set_operator("__rtruediv__", <void*>value_rdivide, "other / self, as other * self**-1")
    set_operator("__pow__", <void*>value_power, "self ** other, a Python number or a Value")
    set_operator("__rpow__", <void*>value_rpower, "other ** self")
    PyType_Modified(POOLED)
    numbers.nb_add = <void*>slot_add
    numbers.nb_subtract = <void*>value_subtract
    numbers.nb_multiply = <void*>slot_multiply
    numbers.nb_true_divide = <void*>value_divide
    numbers.nb_power = <void*>slot_power
    return 0
