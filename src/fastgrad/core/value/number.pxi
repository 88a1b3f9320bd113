# A Python int or float, or NumPy's float64, as a double and its kind; ints as long as a double holds them exactly. All
# other numbers are objects, and Python's own arithmetic computes with them. It also computes whatever it would raise
# or NumPy would warn about.

cdef enum Kind:     # `joined` depends on the order
    FLOAT
    INT
    FLOAT64         # numpy.float64
    OBJECT          # too large for a double, complex, of NumPy, ...: the object is in the dict

cdef extern from "Python.h":
    double PyFloat_AS_DOUBLE(object o) noexcept
    long long PyLong_AsLongLongAndOverflow(object o, int* overflow) noexcept

cdef object float64 = np.float64
cdef double EXACT = 9007199254740992.0      # 2**53: a result that is smaller was not rounded

cdef struct Number:
    double value
    Kind kind


cdef inline Number number(double value, Kind kind) noexcept:
    """A computed result; OBJECT where an int may have been rounded, or NumPy may have to warn."""
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


cdef inline Number no_number() noexcept:
    cdef Number n
    n.value = 0
    n.kind = OBJECT
    return n


cdef inline Kind joined(int a, int b) noexcept:
    """The kind of a sum or product: of a float and an int FLOAT, else the later one."""
    cdef int later = a if a > b else b
    return <Kind>later if a == b or later >= FLOAT64 else FLOAT


cdef inline Number number_of(object o) noexcept:
    """Convert `o`; OBJECT where a Value has to hold the object itself."""
    cdef Number n = no_number()
    cdef int overflow
    cdef long long i
    if type(o) is float:
        n.value = o
        n.kind = FLOAT
    elif type(o) is int:
        i = PyLong_AsLongLongAndOverflow(o, &overflow)
        if not overflow and -EXACT < i < EXACT:
            n.value = i
            n.kind = INT
    elif type(o) is float64:
        n.value = PyFloat_AS_DOUBLE(o)
        n.kind = FLOAT64
    return n


cdef inline object as_object(double value, int kind):
    return int(value) if kind == INT else value if kind == FLOAT else float64(value)
