# A Python int or float, or NumPy's float64, as a double and its kind; ints as long as they are exact in a double. All
# else is an object, and so is what Python or NumPy would raise or warn about: their own arithmetic then does it.

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
    OTHER           # made by the program, which also gives its `_prev` and `_backward`

cdef enum Kind:
    FLOAT
    INT
    FLOAT64         # numpy.float64, which a float or int becomes that meets one
    OBJECT          # too large for a double, complex, of NumPy, ...: the object is in the dict

cdef enum Flags:
    TRACKED = 1     # the cyclic collector knows this Value
    GIVEN = 2       # its `_prev` is in the dict: the program has seen it, or given one
    SHOWN = 4       # the program has seen the dict: all of micrograd's attributes are in it, and nowhere else

cdef extern from "Python.h":
    double PyFloat_AS_DOUBLE(object o)

cdef object float64 = np.float64
cdef double EXACT = 9007199254740992.0      # 2**53: what is rounded to less was not rounded

cdef struct Number:
    double value
    Kind kind


cdef inline Number number(double value, Kind kind) noexcept:
    """What an operation on them gives; OBJECT where the int may not be exact, or NumPy may have to warn."""
    cdef Number n
    n.value = value
    n.kind = kind
    if kind == INT:
        n.value = value + 0.0       # no int is -0
        if fabs(value) >= EXACT:
            n.kind = OBJECT
    elif kind == FLOAT64 and not isfinite(value):
        n.kind = OBJECT
    return n


cdef inline Kind joined(Kind a, Kind b) noexcept:
    """Of a sum or product."""
    if a == b:
        return a
    return FLOAT64 if a == FLOAT64 or b == FLOAT64 else FLOAT


cdef inline Number number_of(object o):
    """What a Value holds of `o`."""
    cdef Number n
    n.value = 0
    n.kind = OBJECT
    if type(o) is float:
        n.value = o
        n.kind = FLOAT
    elif type(o) is int and -EXACT < o < EXACT:
        n.value = o
        n.kind = INT
    elif type(o) is float64:
        n.value = PyFloat_AS_DOUBLE(o)
        n.kind = FLOAT64
    return n


cdef inline object as_object(double value, Kind kind):
    return int(value) if kind == INT else value if kind == FLOAT else float64(value)
