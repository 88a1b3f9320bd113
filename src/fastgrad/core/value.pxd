# The Value: 72 bytes, and 16 before them for the cyclic collector; of 96 that Python hands out.

from cpython.object cimport PyObject

cdef class Value:
    cdef double data_           # as `data_kind` says
    cdef double grad_
    cdef PyObject* x1           # operands, Values, older than this one; of POWER, x2 is the exponent, a Python number
    cdef PyObject* x2
    cdef dict __dict__          # NULL until something is kept in it
    cdef object __weakref__     # weak references to it
    cdef unsigned int mark      # the sweep that has last visited it
    cdef unsigned char op       # Op
    cdef unsigned char data_kind
    cdef unsigned char grad_kind
    cdef unsigned char flags
