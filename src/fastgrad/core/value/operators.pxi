# The operators, by micrograd's formulas: -x is x * -1, x - y is x + -y, x / y is x * y**-1; what is reflected turns
# round.
#
# Where only Values of exactly this class and numbers meet, a formula is worked out at once. A subclass may have
# operators of its own: what a formula calls then goes through Python's, so that they are called where micrograd would
# call them. For that a subclass needs Python's own slots, which look methods up by name, and it has them: in the dict
# of the class the operators are methods, not wrappers of the slots. The slots below are those of Value alone.

cdef object plus(object a, object b):
    """`a + b`."""
    cdef Value made
    if is_exact(<PyObject*>a):
        if is_exact(<PyObject*>b):
            return add(<PyObject*>a, <PyObject*>b)
        if not is_value(<PyObject*>b):
            made = leaf(b)
            return add(<PyObject*>a, <PyObject*>made)
    elif (type(a) is float or type(a) is int) and is_exact(<PyObject*>b):
        made = leaf(a)
        return add(<PyObject*>b, <PyObject*>made)
    return a + b


cdef object times(object a, object b):
    """`a * b`."""
    cdef Value made
    if is_exact(<PyObject*>a):
        if is_exact(<PyObject*>b):
            return multiply(<PyObject*>a, <PyObject*>b)
        if not is_value(<PyObject*>b):
            made = leaf(b)
            return multiply(<PyObject*>a, <PyObject*>made)
    elif (type(a) is float or type(a) is int) and is_exact(<PyObject*>b):
        made = leaf(a)
        return multiply(<PyObject*>b, <PyObject*>made)
    return a * b


cdef inline object minus_of(object x):
    return negative(<PyObject*>x) if is_exact(<PyObject*>x) else -x


cdef inline object inverse_of(object x):
    return power(<PyObject*>x, -1) if is_exact(<PyObject*>x) else x ** -1


cdef object own_add(object x, object other):
    """Value.__add__."""
    cdef Value made
    if is_value(<PyObject*>other):
        return add(<PyObject*>x, <PyObject*>other)
    made = leaf(other)
    return add(<PyObject*>x, <PyObject*>made)


cdef object own_multiply(object x, object other):
    """Value.__mul__."""
    cdef Value made
    if is_value(<PyObject*>other):
        return multiply(<PyObject*>x, <PyObject*>other)
    made = leaf(other)
    return multiply(<PyObject*>x, <PyObject*>made)


cdef object own_subtract(object x, object other):
    """Value.__sub__."""
    return plus(x, minus_of(other))


cdef object own_divide(object x, object other):
    """Value.__truediv__."""
    return times(x, inverse_of(other))


cdef object own_power(object x, object other):
    """Value.__pow__."""
    return power(<PyObject*>x, other)


# Reflected ones. Python asks the right operand first if its class derives from that of the left one, and has a
# reflected method of its own; of a left operand with other slots than Python's it does not look whether it has. Hence
# `first`.

cdef object reflected_add(object x, object other):
    """Value.__radd__."""
    return own_add(other, x) if first(x, other, "__radd__") else plus(x, other)


cdef object reflected_multiply(object x, object other):
    """Value.__rmul__."""
    return own_multiply(other, x) if first(x, other, "__rmul__") else times(x, other)


cdef object reflected_subtract(object x, object other):
    """Value.__rsub__."""
    return own_subtract(other, x) if first(x, other, "__rsub__") else plus(other, minus_of(x))


cdef object reflected_divide(object x, object other):
    """Value.__rtruediv__."""
    return own_divide(other, x) if first(x, other, "__rtruediv__") else times(other, inverse_of(x))


cdef bint first(object x, object other, str name) except -1:
    """Whether it is the turn of `other`, a Value, whose class `x` derives from without a reflected method of its
    own."""
    if is_exact(<PyObject*>x) or not is_exact(<PyObject*>other):
        return False
    return getattr(type(x), name, None) is getattr(Value, name)


# The slots. A left operand that is not of exactly this class has had its turn before.

cdef object slot_add(object a, object b):
    cdef Value made
    if is_exact(<PyObject*>a):
        return add(<PyObject*>a, <PyObject*>b) if is_exact(<PyObject*>b) else own_add(a, b)
    if is_value(<PyObject*>a):
        return b + a
    made = leaf(a)
    return add(<PyObject*>b, <PyObject*>made)


cdef object slot_multiply(object a, object b):
    cdef Value made
    if is_exact(<PyObject*>a):
        return multiply(<PyObject*>a, <PyObject*>b) if is_exact(<PyObject*>b) else own_multiply(a, b)
    if is_value(<PyObject*>a):
        return b * a
    made = leaf(a)
    return multiply(<PyObject*>b, <PyObject*>made)


cdef object slot_subtract(object a, object b):
    return own_subtract(a, b) if is_exact(<PyObject*>a) else plus(a, minus_of(b))


cdef object slot_true_divide(object a, object b):
    return own_divide(a, b) if is_exact(<PyObject*>a) else times(a, inverse_of(b))


cdef object slot_power(object a, object b, object modulus):
    if not is_exact(<PyObject*>a) or modulus is not None:
        return NotImplemented
    return power(<PyObject*>a, b)


cdef extern from "Python.h":
    ctypedef struct PyMethodDef:
        const char* ml_name
        void* ml_meth
        int ml_flags
        const char* ml_doc
    int METH_O
    PyObject* PyDescr_NewMethod(PyTypeObject* t, PyMethodDef* method) except NULL
    void PyType_Modified(PyTypeObject* t)

cdef PyMethodDef operators[9]       # descriptors keep pointers to them
cdef int operators_set = 0


cdef int set_operator(const char* name, void* method, const char* doc) except -1:
    """Put a method of two operands in the dict of the class."""
    global operators_set
    cdef PyMethodDef* d = &operators[operators_set]
    operators_set += 1
    d.ml_name, d.ml_meth, d.ml_flags, d.ml_doc = name, method, METH_O, doc
    cdef object made = <object>PyDescr_NewMethod(VALUE, d)
    Py_DECREF(made)
    (<dict>(<TypeObject*>VALUE).tp_dict)[name.decode()] = made
    return 0


cdef int install_operators() except -1:
    """The methods, and the slots; Cython has no spelling for them."""
    cdef PyNumberMethods* numbers = <PyNumberMethods*>(<TypeObject*>VALUE).tp_as_number
    set_operator("__add__", <void*>own_add, "self + other")
    set_operator("__radd__", <void*>reflected_add, "other + self, as self + other")
    set_operator("__sub__", <void*>own_subtract, "self - other, as self + (-other)")
    set_operator("__rsub__", <void*>reflected_subtract, "other - self, as other + (-self)")
    set_operator("__mul__", <void*>own_multiply, "self * other")
    set_operator("__rmul__", <void*>reflected_multiply, "other * self, as self * other")
    set_operator("__truediv__", <void*>own_divide, "self / other, as self * other**-1")
    set_operator("__rtruediv__", <void*>reflected_divide, "other / self, as other * self**-1")
    set_operator("__pow__", <void*>own_power, "self ** other, a Python number")
    PyType_Modified(VALUE)
    numbers.nb_add = <void*>slot_add
    numbers.nb_subtract = <void*>slot_subtract
    numbers.nb_multiply = <void*>slot_multiply
    numbers.nb_true_divide = <void*>slot_true_divide
    numbers.nb_power = <void*>slot_power
    return 0
