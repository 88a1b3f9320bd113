# The Tensor: value, gradient and graph edges in one object of 112 bytes, the size that decides how fast graphs of 10^5
# and more nodes are (page faults and cache misses cost more there than the arithmetic).

from cpython.ref cimport PyObject
from fastgrad.core.layout cimport Layout
from fastgrad.core.storage cimport Storage

cdef enum Flags:
    REQUIRES_GRAD = 1
    FREED = 2               # a sweep has released the edges
    CONST1 = 4              # x1 holds the bits of a constant float64, no reference
    CONST2 = 8              # x2 likewise
    OBJECT2 = 4096          # and with CONST2: x2 holds a reference to a parameter (index, axes), not a number
    VIEW = 16               # shares its storage with the operand it came from
    RETAIN = 32             # keeps its gradient though it is no leaf
    HOOKED = 64
    COTANGENT = 128         # the slot below is in use
    UNIFORM = 8192          # and holds one number, which stands for every element
    DEFERRED = 32768        # and holds the number of a buffer that is still to be computed
    COTANGENT_TENSOR = 256  # and holds a Tensor: create_graph, or a dtype without kernels
    INPUT = 512             # has been an input of `gradients`, perhaps of the running sweep
    REACHES_INPUT = 1024    # leads to an input
    REACH_KNOWN = 2048      # the search has decided whether it does
    DYING = 16384           # only the sweep holds this tensor: its value is free once its backward has read it

cdef union Slot:
    char[8] value           # of a tensor of at most 8 bytes
    Storage* storage
    PyObject* tensor

cdef class Tensor:
    # --- data
    cdef char* data             # of a dead tensor, the link to the next one
    cdef Layout* layout
    cdef Storage* storage       # NULL: the value is in `own`
    cdef Slot own
    # --- graph
    cdef PyObject* x1           # operands: always older than this tensor, so that the graph has no cycles
    cdef PyObject* x2
    cdef PyObject* extra        # a NodeExtra, or NULL
    cdef PyObject* grad_        # Tensor, or NULL
    # --- scratch of the sweep
    cdef Slot cotangent
    cdef unsigned int pending   # edges of the running sweep that have not arrived
    cdef unsigned int sweep     # which sweep has counted this tensor
    # --- what the rule will need
    cdef unsigned int saved     # sum of the versions of all values that the op's backward reads
    cdef unsigned short gen     # recorded in-place writes to this object; of an inline value, all writes
    cdef unsigned short gen1    # `gen` of x1 when it was recorded
    cdef unsigned short gen2
    cdef unsigned short flags
    cdef unsigned char op       # kernels.Op (numbers below 256)
    cdef unsigned char traced   # how many running transforms differentiate with respect to this tensor

cdef class NodeExtra:
    """What few nodes have: more than two operands, parameters, hooks. GC-tracked, since hooks close over anything."""
    cdef object rule            # of op RULE
    cdef tuple operands         # where not in x1 and x2; with Python scalars and None as they came
    cdef list gens              # of `operands`; None: all 0
    cdef unsigned int reads     # bit k: whether the backward reads operand k, from 31 on all alike; what the rule said
    cdef unsigned int flows     # of op RULE: whether a gradient flows to it
    cdef bint reads_y           # whether the backward reads the result
    cdef dict params
    cdef tuple values           # or the parameters in the order of the rule
    cdef dict hooks             # see HookHandle
    cdef tuple receiver         # of the gradient of a leaf: see backward/receivers.pxi
    # what the rule reads in place of the tensor's value, in memory that somebody else may write; or None
    cdef object result
    cdef list history           # [(gen, Tensor)]: the nodes this tensor stood for before it was written in place
    cdef bint parameter         # made by nn.Parameter: a Module takes it as a parameter, frozen or not
    cdef object where           # "file:line", while anomalies are looked for
    cdef Storage* kept          # what a kernel's forward left for its backward
    cdef Py_ssize_t[4] numbers  # geometry of a structured op
    cdef double number
