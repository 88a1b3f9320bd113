# Blocks of memory. Released blocks are cached by size class and reused, the newest first, so that a training step gets
# memory that is mapped and warm: glibc returns pages above 128 KiB on every free and faults them in again on every
# malloc, which made elementwise chains of 10^5 elements 4x slower. All memory comes from PyMem_Raw*, which tracemalloc
# sees and `set_nomemory` can make fail.

import os

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport uintptr_t
from fastgrad.core.build cimport FASTGRAD_NO_POOLS
from fastgrad.core.tracebacks cimport *

cdef extern from *:
    """
    #if defined(__linux__)
    #include <sys/mman.h>
    /* As NumPy does for arrays of 4 MiB and more: fewer page faults where the kernel offers huge pages on request. */
    static void fg_advise(char* start, size_t n) {
        size_t shift = 4096u - ((size_t)start) % 4096u;
        if (n > shift) madvise(start + shift, n - shift, MADV_HUGEPAGE);
    }
    #else
    static void fg_advise(char* start, size_t n) { (void)start; (void)n; }
    #endif
    #if FG_ASAN
    #include <sanitizer/asan_interface.h>
    #define fg_fence(start, n) ASAN_POISON_MEMORY_REGION((start), (n))
    #define fg_unfence(start, n) ASAN_UNPOISON_MEMORY_REGION((start), (n))
    #else
    #define fg_fence(start, n) ((void)(start), (void)(n))
    #define fg_unfence(start, n) ((void)(start), (void)(n))
    #endif
    """
    void fg_advise(char* start, size_t n) nogil
    void fg_fence(char* start, Py_ssize_t n) noexcept nogil     # accesses are reported
    void fg_unfence(char* start, Py_ssize_t n) noexcept nogil

cdef enum:
    N_CLASSES = 160
    ALIGNMENT = 64
    HUGE = 4194304

cdef Storage* cached[N_CLASSES]
cdef int k
for k in range(N_CLASSES):
    cached[k] = NULL

cdef Py_ssize_t cached_bytes = 0
cdef Py_ssize_t live_blocks = 0
cdef Py_ssize_t hits = 0
cdef Py_ssize_t misses = 0
cdef Py_ssize_t limit = 0       # set below

storage_hooks = 0
storage_private_new = NULL
storage_private_free = NULL


cdef inline int class_of(Py_ssize_t nbytes) noexcept nogil:
    """The size class, of four to an octave from 64 bytes on: at most a quarter is wasted."""
    cdef int octave = 0
    cdef Py_ssize_t rest = (nbytes - 1) >> 6 if nbytes > 0 else 0
    if rest < 4:
        return <int>rest
    while rest >= 8:
        rest >>= 1
        octave += 1
    return 4 + octave * 4 + <int>(rest - 4)


cdef inline Py_ssize_t class_bytes(int size_class) noexcept nogil:
    if size_class < 4:
        return (<Py_ssize_t>size_class + 1) << 6
    cdef int octave = (size_class - 4) >> 2
    return (<Py_ssize_t>((size_class - 4) & 3) + 5) << (6 + octave)


cdef inline Py_ssize_t slack(Storage* storage) noexcept nogil:
    """Bytes after the payload, left over by its alignment."""
    return <char*>storage.block + sizeof(Storage) + ALIGNMENT - payload(storage)


cdef Storage* allocate(int size_class, Py_ssize_t nbytes) except NULL:
    global live_blocks
    cdef Py_ssize_t capacity = nbytes if FASTGRAD_NO_POOLS else class_bytes(size_class)
    cdef void* block = PyMem_RawMalloc(capacity + sizeof(Storage) + ALIGNMENT)
    if block == NULL:
        # Free the cached blocks and try once more.
        clear_cache()
        block = PyMem_RawMalloc(capacity + sizeof(Storage) + ALIGNMENT)
        if block == NULL:
            raise MemoryError()
    cdef Storage* storage = <Storage*>((<uintptr_t>block + ALIGNMENT - 1) & ~<uintptr_t>(ALIGNMENT - 1))
    storage.block = block
    storage.capacity = capacity
    storage.base = NULL
    storage.size_class = size_class
    if capacity >= HUGE:
        # not of the rest of the size class, whose first page would then be a huge one
        fg_advise(<char*>block, nbytes + (payload(storage) - <char*>block))
    fg_fence(payload(storage) + capacity, slack(storage))
    live_blocks += 1
    return storage


cdef void free_block(Storage* storage) noexcept:
    global live_blocks
    live_blocks -= 1
    fg_unfence(payload(storage) + storage.capacity, slack(storage))
    PyMem_RawFree(storage.block)


cdef Storage* storage_new(Py_ssize_t nbytes) except NULL:
    """A block of at least `nbytes` bytes, one reference, its payload not initialised."""
    global cached_bytes, hits, misses
    if nbytes > (<Py_ssize_t>1 << 46):
        raise MemoryError(f"an array of {nbytes} bytes is more than this machine can address")
    cdef int size_class = class_of(nbytes)
    cdef Storage* storage
    if storage_hooks:
        storage = storage_private_new(nbytes, size_class)
        if storage != NULL:
            return as_new(storage)
    storage = cached[size_class]
    if storage != NULL:
        cached[size_class] = storage.next
        cached_bytes -= storage.capacity
        hits += 1
    else:
        misses += 1
        storage = allocate(size_class, nbytes)
    return as_new(storage)


cdef inline Storage* as_new(Storage* storage) noexcept:
    storage.refs = 1
    storage.version = 0
    storage.taken = 0
    storage.flags = 0
    storage.writes = NULL
    return storage


cdef Storage* storage_block(int size_class) noexcept:
    try:
        return allocate(size_class, class_bytes(size_class))
    except MemoryError:
        return NULL


cdef Storage* storage_foreign(object base) except NULL:
    """A header for memory that `base` owns."""
    cdef Storage* storage = storage_new(1)
    storage.base = <void*>base
    Py_INCREF(base)
    return storage


cdef void storage_forget_writes(Storage* storage) noexcept:
    PyMem_RawFree(storage.writes)
    storage.writes = NULL


cdef void storage_free(Storage* storage) noexcept:
    global cached_bytes
    cdef PyObject* base = <PyObject*>storage.base
    if storage.writes != NULL:
        storage_forget_writes(storage)
    if storage.size_class >= PRIVATE:
        storage.base = NULL
        storage_private_free(storage)
    elif not FASTGRAD_NO_POOLS and storage.capacity <= limit - cached_bytes:
        storage.base = NULL
        storage.next = cached[storage.size_class]
        cached[storage.size_class] = storage
        cached_bytes += storage.capacity
    else:
        free_block(storage)
    if base != NULL:
        Py_DECREF(<object>base)


cdef void storage_discard(Storage* storage) noexcept:
    """Release a reference to a block that nothing will soon have use for: a large one is not cached."""
    if storage.refs == 1 and storage.capacity >= HUGE and storage.base == NULL:
        if storage.writes != NULL:
            storage_forget_writes(storage)
        free_block(storage)
    else:
        storage_release(storage)


cpdef Py_ssize_t clear_cache() noexcept:
    """Free all cached blocks; returns how many bytes that was."""
    global cached_bytes
    cdef Py_ssize_t freed = cached_bytes
    cdef int c
    for c in range(N_CLASSES):
        while cached[c] != NULL:
            storage = cached[c]
            cached[c] = storage.next
            cached_bytes -= storage.capacity
            free_block(storage)
    return freed


def set_cache_limit(Py_ssize_t nbytes):
    global limit
    if nbytes < 0:
        raise ValueError(f"the cache limit must be 0 (no cache) or more, got {nbytes} bytes")
    before = limit
    limit = nbytes
    if cached_bytes > limit:
        clear_cache()
    return before


def cache_info():
    bound = 0 if FASTGRAD_NO_POOLS else limit
    return {"bytes": cached_bytes, "limit": bound, "blocks": live_blocks, "hits": hits, "misses": misses}


def default_limit():
    """An eighth of this machine's memory, at most 1 GiB; 256 MiB if its size is not known."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 256 << 20
    return min(memory // 8, 1 << 30)


_bound = os.environ.get("FASTGRAD_CACHE_BYTES")
if _bound is not None and not _bound.isdigit():
    raise ImportError(f"FASTGRAD_CACHE_BYTES={_bound!r} is not a number of bytes")
set_cache_limit(default_limit() if _bound is None else int(_bound))
