# Kernels that run without the GIL, so that threads compute independent graphs at the same time.
#
# Meanwhile other threads run any code, as at a call into Python: the caller holds references to the Tensors, and to the
# blocks that the kernel reads, and afterwards looks again at everything else. Nobody else knows the block that is
# written. Sweeps of other threads wait for one that is outside, however long that takes, since it will go on by itself.

cdef enum:
    LEAVES_GIL = 4194304       # multiplications of a product: 0.1 ms. To take the GIL back may take 5 ms


cdef inline bint can_leave_gil() noexcept:
    """Not while a program is captured, nor with native threads, which use the cores already."""
    return fg_captures == 0 and threads_wanted() == 1


cdef inline void hold_memory(Storage** memory, Storage* a, Storage* b, Storage* c) noexcept:
    memory[0], memory[1], memory[2] = a, b, c
    for k in range(3):
        if memory[k] != NULL:
            storage_keep(memory[k])


cdef inline void release_memory(Storage** memory) noexcept:
    """May run Python code: the memory of others."""
    for k in range(3):
        if memory[k] != NULL:
            storage_release(memory[k])


cdef void product_outside(int kernel, Py_ssize_t m, Py_ssize_t n, Py_ssize_t p, const Factor* a, const Factor* b,
                          char* y, char* scratch, Storage* a_memory, Storage* b_memory) noexcept:
    cdef Sweeps* own = <Sweeps*>fg_sweeps
    cdef Sweep* here = own.running if own != NULL else NULL
    cdef Storage* memory[3]
    hold_memory(memory, a_memory, b_memory, NULL)
    if here != NULL:
        here.outside = here.interleaved = True
    with nogil:
        if scratch == NULL:
            matmul_strided(kernel, m, n, p, a, b, y)
        else:
            own_product(kernel, m, n, p, a, b, y, scratch)
    if here != NULL:
        here.outside = False
    release_memory(memory)
