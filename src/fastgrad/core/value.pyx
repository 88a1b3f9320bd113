# micrograd's Value, compiled: one number, its gradient, and the two it came from. Knows nothing of tensors.
#
# What a micrograd program can see is made when it looks: `_prev` (a set), `_op`, `_backward` (a callable), the dict of
# other attributes. A node takes 96 bytes and unknown to the cyclic collector, until something is hung on it that could
# close a cycle.

cimport cython  # no-cython-lint
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc  # no-cython-lint
from cpython.object cimport PyObject, PyTypeObject  # no-cython-lint
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.math cimport exp, fabs, floor, isfinite, log, pow, tanh
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy  # no-cython-lint
from fastgrad.core.build cimport FASTGRAD_NO_POOLS  # no-cython-lint

import math

import numpy as np  # no-cython-lint

from fastgrad import value_errors

include "object/thread.pxi"         # what every thread has of its own
include "value/number.pxi"      # Python's ints and floats in a double
include "value/lifetime.pxi"    # making Values, dropping graphs of any depth, the cyclic collector
include "value/forward.pxi"
include "value/operators.pxi"   # which go through the methods of a subclass
include "backward/vector.pxi"    # shared with Tensors
include "value/backward.pxi"
include "value/value_class.pxi"       # attributes and methods; installs the slots

cdef object html_of = None


def install_html(function):
    """Set the function that draws a Value as HTML, for notebooks."""
    global html_of
    html_of = function
