# The Value: 72 bytes, and 16 before them for the cyclic collector; of 96 that Python hands out.

from cpython.object cimport PyObject

cdef class Value:
    cdef double data_           # as `data_kind` says; of a dead Value, the link to the next one
    cdef double grad_
    cdef PyObject* x1           # operands, Values, older than this one; of POWER, x2 is the exponent, a Python number
    cdef PyObject* x2
    cdef dict __dict__          # NULL until an attribute is stored in it
    cdef object __weakref__     # list of weak references to this Value
    cdef unsigned int mark      # number of the last sweep that visited it
    cdef unsigned char op       # Op
    cdef unsigned char data_kind
    cdef unsigned char grad_kind
    cdef unsigned char flags
