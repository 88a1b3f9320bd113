# Finds NumPy's loops and runs them over arrays of any strides.
#
# A ufunc's `types` lists its signatures in the order of its `functions`; the first match is the SIMD one. Each loop is
# run once on known values at import and is not used if it gives anything else. FASTGRAD_NO_NUMPY_LOOPS=1, for a NumPy
# whose internals have changed, refuses all but matmul's: forwards then use the rules, and backwards loops_own.pxi.

import os

import numpy as np
cimport numpy as cnp
from libc.string cimport memcmp, memcpy
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from fastgrad.core.layout cimport F32, F64
from fastgrad.core.workers cimport LANES, split_from, split_work

cnp.import_array()
cnp.import_umath()

cdef extern from "numpy/ufuncobject.h":
    ctypedef struct PyUFuncObject:
        int nin
        int nout
        int ntypes
        Loop* functions
        void** data

cdef extern from *:
    """
    #if FASTGRAD_SIMD
    static int fg_cpu_runs(int level) {
        __builtin_cpu_init();
        if (level == 1) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    }
    #else
    static int fg_cpu_runs(int level) { return 0; }
    #endif
    """
    bint fg_cpu_runs(int level)

include "loops_own.pxi"

ctypedef fused element:
    uint64_t
    uint32_t
    uint8_t

cdef list used = []
cdef dict signatures = {}
own_loops = {}      # names of the loops of our own that take the place of NumPy's, in order
_refused = os.environ.get("FASTGRAD_NO_NUMPY_LOOPS", "") == "1"


def loops_in_use():
    """Names of the loops that kernels call directly, NumPy's as "exp:d->d" and ours as "exp:d->d (own)"."""
    return [f"{name} (own)" if name in own_loops else name for name in dict.fromkeys([*used, *own_loops])]


def instruction_sets():
    """The instruction sets that kernels were compiled for and this CPU has, the widest first."""
    return [name for level, name in ((2, "avx512"), (1, "avx2"), (0, "base")) if level == 0 or fg_cpu_runs(level)]


def numpy_has_avx512():
    """Whether NumPy's loops are those for AVX-512, which compute elementary functions without the C library."""
    try:
        from numpy._core._multiarray_umath import __cpu_features__ as found
    except ImportError:
        return True
    return found.get("X86_V4") or found.get("AVX512_SKX", False)


numpy_is_wide = numpy_has_avx512()
own_loops_allowed = not _refused


cdef BoundLoop numpy_loop(str name, int kernel) except *:
    """NumPy's loop for one ufunc and dtype; `run` is NULL if there is none that gives the right values."""
    cdef BoundLoop found
    found.run = NULL
    found.data = NULL
    ufunc = getattr(np, name)
    letter = "d" if kernel == F64 else "f"
    wanted = letter * ufunc.nin + "->" + letter * ufunc.nout
    if name not in signatures:
        signatures[name] = ufunc.types      # NumPy makes a new list each time
    types = signatures[name]
    if wanted not in types or (_refused and name != "matmul"):
        return found
    cdef PyUFuncObject* c_ufunc = <PyUFuncObject*><void*>ufunc
    at = types.index(wanted)
    if at >= c_ufunc.ntypes or c_ufunc.nin != ufunc.nin:
        return found
    found.run = c_ufunc.functions[at]
    found.data = c_ufunc.data[at] if c_ufunc.data != NULL else NULL
    if found.run == NULL or (name != "matmul" and not matches_ufunc(&found, ufunc, letter)):
        found.run = NULL
        return found
    used.append(f"{name}:{wanted}")
    return found


cdef dict probes = {letter: (np.array([0.25, 0.5, 0.75, 0.875, 0.125], letter),
                             np.array([0.5, 0.25, 0.75, 0.125, 0.0625], letter),
                             np.array([1.25, 1.5, 1.75, 1.875, 1.125], letter)) for letter in "df"}


cdef bint matches_ufunc(BoundLoop* loop, ufunc, str letter) except *:
    """Whether the loop gives what its ufunc gives, at a few values in the domain of every ufunc."""
    cdef cnp.ndarray x1, x2, above, expected
    cdef char[64] y
    x1, x2, above = probes[letter]
    if ufunc is np.arccosh:
        x1 = above
    cdef Py_ssize_t step = x1.itemsize
    if ufunc.nin == 1:
        expected = ufunc(x1)
        apply1(loop, cnp.PyArray_DATA(x1), y, 5, step)
    else:
        expected = ufunc(x1, x2)
        apply2(loop, cnp.PyArray_DATA(x1), step, cnp.PyArray_DATA(x2), step, y, 5, step)
    return memcmp(y, cnp.PyArray_DATA(expected), 5 * step) == 0


cdef void stream_loop(const BoundLoop* loop, int nin, const char* x1, npy_intp step1, const char* x2, npy_intp step2,
                      char* y, npy_intp n, npy_intp step) noexcept nogil:
    """y = loop(x1) or loop(x1, x2), written past the cache block by block."""
    cdef char[STREAM_BLOCK + 64] buffer
    cdef char* block = <char*>((<size_t>buffer + 63) & ~<size_t>63)
    cdef address[3] args
    cdef npy_intp[3] steps = [step1, step if nin == 1 else step2, step]
    cdef npy_intp m
    while n > 0:
        m = min(n, <npy_intp>STREAM_BLOCK // step)
        args[0] = <char*>x1
        args[1] = block if nin == 1 else <char*>x2
        args[2] = block
        loop.run(args, &m, steps, loop.data)
        x1 += m * step1
        x2 += m * step2
        fg_stream(block, y, m * step, x1 if step1 else NULL, x2 if step2 else NULL)
        y += m * step
        n -= m
    fg_stream_end()


cdef struct LoopJob:        # of `split_loop`
    const BoundLoop* loop
    int nin
    const char* x1
    const char* x2
    char* y
    npy_intp step1, step2, step
    bint stream


cdef void loop_part(const void* job, Py_ssize_t first, Py_ssize_t last, int who) noexcept nogil:
    j = <const LoopJob*>job
    x1 = j.x1 + first * j.step1
    x2 = j.x2 + first * j.step2
    y = j.y + first * j.step
    if j.stream:
        stream_loop(j.loop, j.nin, x1, j.step1, x2, j.step2, y, last - first, j.step)
    elif j.nin == 1:
        apply1(j.loop, x1, y, last - first, j.step)
    else:
        apply2(j.loop, x1, j.step1, x2, j.step2, y, last - first, j.step)


cdef void split_loop(const BoundLoop* loop, int nin, const char* x1, npy_intp step1, const char* x2, npy_intp step2,
                     char* y, npy_intp n, npy_intp step) noexcept nogil:
    """y = loop(x1) or loop(x1, x2), by several threads."""
    cdef LoopJob job = [loop, nin, x1, x2, y, step1, step2, step, FG_BYPASS and n * step >= FG_STREAM]
    split_work(loop_part, &job, n, LANES)


cdef int collapse(int count, int ndim, const Py_ssize_t* shape, steps_t* strides,
                  Py_ssize_t* dims, Py_ssize_t (*steps)[64]) noexcept nogil:
    """Merge neighbouring axes where the strides of all operands allow it; drop axes of length 1. Returns the number of
    axes left."""
    cdef int left = 0, k, j
    cdef bint merge
    for k in range(ndim):
        if shape[k] == 1:
            continue
        if left > 0:
            merge = True
            for j in range(count):
                if steps[j][left - 1] != strides[j][k] * shape[k]:
                    merge = False
                    break
            if merge:
                dims[left - 1] *= shape[k]
                for j in range(count):
                    steps[j][left - 1] = strides[j][k]
                continue
        dims[left] = shape[k]
        for j in range(count):
            steps[j][left] = strides[j][k]
        left += 1
    if left == 0:
        dims[0] = 1
        for j in range(count):
            steps[j][0] = 0
        left = 1
    return left


cdef struct Walk:           # axes that `collapse` has left
    const BoundLoop* loop
    int count               # operands, with the result
    int ndim
    address* base
    Py_ssize_t[64] dims
    Py_ssize_t[4][64] steps


cdef void walk_part(const void* job, Py_ssize_t first, Py_ssize_t last, int who) noexcept nogil:
    """Run the loop along the last axis, for every index of the others; of the first axis, from `first` to `last`."""
    cdef const Walk* w = <const Walk*>job
    cdef Py_ssize_t[64] at
    cdef npy_intp[4] inner
    cdef address[4] args
    cdef address[4] moving
    cdef int k, j
    cdef npy_intp n = w.dims[w.ndim - 1] if w.ndim > 1 else last - first
    for j in range(w.count):
        inner[j] = w.steps[j][w.ndim - 1]
        moving[j] = w.base[j] + first * w.steps[j][0]
    for k in range(w.ndim):
        at[k] = 0
    at[0] = first
    while True:
        for j in range(w.count):
            args[j] = moving[j]
        w.loop.run(args, &n, inner, w.loop.data)
        k = w.ndim - 2
        while k >= 0:
            at[k] += 1
            for j in range(w.count):
                moving[j] += w.steps[j][k]
            if at[k] < (w.dims[k] if k else last):
                break
            at[k] = 0
            for j in range(w.count):
                moving[j] -= w.steps[j][k] * w.dims[k]
            k -= 1
        if k < 0:
            return


cdef void walk(const BoundLoop* loop, int count, int ndim, const Py_ssize_t* shape, steps_t* strides,
               address* base, Py_ssize_t weight) noexcept nogil:
    """Run the loop over all elements; no element of the result, the last operand, is visited twice. An element takes as
    long as moving `weight` bytes."""
    cdef Walk w
    cdef Py_ssize_t size = weight
    cdef int k
    w.loop = loop
    w.count = count
    w.base = base
    w.ndim = collapse(count, ndim, shape, strides, w.dims, w.steps)
    for k in range(w.ndim):
        size *= w.dims[k]
    if size >= split_from:
        split_work(walk_part, &w, w.dims[0], LANES if w.ndim == 1 and weight == 8 else 1)
    else:
        walk_part(&w, 0, w.dims[0], 0)


cdef void broadcast_apply(const BoundLoop* loop, int nin, const Layout* out, char* y, address* x,
                          layout_t* layouts) noexcept nogil:
    """y = loop(*x) with broadcasting; `out` is the broadcast layout, `x` are at most 3 operands."""
    cdef Py_ssize_t expanded[3][64]
    cdef steps_t[4] strides
    cdef address[4] base
    cdef int j
    if out.size == 0:
        return
    for j in range(nin):
        broadcast_strides(out, layouts[j], layouts[j].strides, expanded[j])
        strides[j] = expanded[j]
        base[j] = x[j]
    strides[nin] = out.strides
    base[nin] = y
    walk(loop, nin + 1, out.ndim, out.shape, strides, base, 8)


cdef void move(char** args, const npy_intp* dims, const npy_intp* steps, element* data) noexcept nogil:
    """y = x. As uint8_t, elements of any type, whose size is `data`."""
    cdef npy_intp _i, n = dims[0], sx = steps[0], sy = steps[1]
    cdef size_t size = <size_t>data if element is uint8_t else sizeof(element)
    cdef const char* x = args[0]
    cdef char* y = args[1]
    if sx == <npy_intp>size and sy == <npy_intp>size:
        memcpy(y, x, n * size)
        return
    for _i in range(n):
        if element is uint8_t:
            memcpy(y, x, size)
        else:
            (<element*>y)[0] = (<const element*>x)[0]
        x += sx
        y += sy


cdef void copy_strided(int itemsize, const Layout* shape, const char* x, const Py_ssize_t* x_strides, char* y,
                       const Py_ssize_t* y_strides) noexcept nogil:
    """y[...] = x[...], elements of any type; x and y do not overlap."""
    cdef BoundLoop loop
    cdef steps_t[2] strides = [x_strides, y_strides]
    cdef address[2] base = [<char*>x, y]
    loop.run = <Loop>(<void*>move[uint64_t] if itemsize == 8 else <void*>move[uint32_t] if itemsize == 4
                      else <void*>move[uint8_t])
    loop.data = <void*><size_t>itemsize
    if shape.size > 0:
        walk(&loop, 2, shape.ndim, shape.shape, strides, base, 8)


cdef void add_strided(int kernel, const Layout* shape, const char* x, const Py_ssize_t* x_strides, char* y,
                      const Py_ssize_t* y_strides) noexcept nogil:
    """y[...] += x[...]; no element of `y` is visited twice."""
    cdef steps_t[3] strides = [y_strides, x_strides, y_strides]
    cdef address[3] base = [y, <char*>x, y]
    if shape.size > 0:
        walk(&helpers[kernel].add, 3, shape.ndim, shape.shape, strides, base, 8)


cdef BoundLoop trusted_or(void* own, void* data, str name, int kernel) except *:
    """NumPy's loop if it gives the right values, or else `own` with its last argument."""
    cdef BoundLoop found = numpy_loop(name, kernel)
    if found.run == NULL:
        found.run = <Loop>own
        found.data = data
    return found


cdef int fill_helpers(floating* unused, int kernel, Helpers* h) except -1:
    h.exp = trusted_or(<void*>each1[floating], <void*>exp, "exp", kernel)
    h.log = trusted_or(<void*>each1[floating], <void*>log, "log", kernel)
    h.log1p = trusted_or(<void*>each1[floating], <void*>log1p, "log1p", kernel)
    h.sin = trusted_or(<void*>each1[floating], <void*>sin, "sin", kernel)
    h.cos = trusted_or(<void*>each1[floating], <void*>cos, "cos", kernel)
    h.tanh = trusted_or(<void*>each1[floating], <void*>tanh, "tanh", kernel)
    h.add = trusted_or(<void*>add[floating], <void*>plus, "add", kernel)
    h.multiply = trusted_or(<void*>each2[floating], <void*>times, "multiply", kernel)
    h.power = trusted_or(<void*>each2[floating], <void*>pow, "power", kernel)
    h.maximum = trusted_or(<void*>each2[floating], <void*>larger, "maximum", kernel)
    h.minimum = trusted_or(<void*>each2[floating], <void*>smaller, "minimum", kernel)
    h.matmul = numpy_loop("matmul", kernel)
    if h.matmul.run == NULL:
        raise ImportError(f"this NumPy ({np.__version__}) has no usable inner loop for matmul: "
                          "run with FASTGRAD_ENGINE=python")
    return 0


fill_helpers(<double*>NULL, F64, &helpers[<int>F64])
fill_helpers(<float*>NULL, F32, &helpers[<int>F32])
