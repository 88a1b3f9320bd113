# Storage: reference-counted blocks of memory, and their bounded cache. Knows no shapes.

cdef enum StorageFlags:
    READ_ONLY = 1           # the owner's array was not writeable
    FOREIGN_WRITABLE = 2    # others may write at any time: a recorded op keeps a copy of its own
    BEING_WRITTEN = 8       # by NumPy, which gives up the GIL: readers wait
    POSTPONED = 4           # no value yet: the payload says how to compute it (ops/postponed.pxi)

cdef struct Region:         # of a strided array
    char* low               # its first byte, and the one after its last
    char* high
    Py_ssize_t width        # bytes that lie together
    Py_ssize_t step         # all of their places are multiples of it apart; 0 where there is one

cdef struct Write:
    unsigned int version    # of the storage after it
    Region region

cdef struct Writes:         # and behind it, the entries
    Py_ssize_t n
    Py_ssize_t room

cdef struct Storage:        # 64 bytes, so that the payload behind it is aligned to a cache line
    Py_ssize_t refs
    unsigned int version    # counts in-place writes
    unsigned int flags      # StorageFlags
    Py_ssize_t capacity     # payload in bytes; 0 where `base` owns the memory
    void* base              # PyObject* that owns foreign memory, or NULL
    void* block             # what the allocator gave
    Storage* next           # in the cache
    int size_class
    unsigned int taken      # version of the last in-place write that was recorded
    Writes* writes          # the last in-place writes to parts, in the order of their versions; or NULL

cdef Storage* storage_new(Py_ssize_t nbytes) except NULL
cdef Storage* storage_block(int size_class) noexcept        # a new block, without a reference, or NULL
# While a program is captured in some thread: blocks for the capture of this thread, and blocks of captures that have
# lost their last reference, whose size class is PRIVATE or more.
cdef int storage_hooks
cdef Storage* (*storage_private_new)(Py_ssize_t nbytes, int size_class) noexcept
cdef void (*storage_private_free)(Storage* storage) noexcept
cdef enum:
    PRIVATE = 1024          # added to the size class of a block that belongs to a capture
cdef Storage* storage_foreign(object base) except NULL
cdef void storage_free(Storage* storage) noexcept
cdef void storage_discard(Storage* storage) noexcept
cdef void storage_forget_writes(Storage* storage) noexcept

cdef inline Write* writes_of(Writes* writes) noexcept nogil:
    return <Write*>(writes + 1)

cdef inline char* payload(Storage* storage) noexcept nogil:
    return <char*>(storage + 1)

cdef inline Storage* storage_keep(Storage* storage) noexcept nogil:
    storage.refs += 1
    return storage

cdef inline void storage_release(Storage* storage) noexcept:
    storage.refs -= 1
    if storage.refs == 0:
        storage_free(storage)
