# Capturing a program. While a function is recorded, every kernel call passes a door (doors.pxi) that runs it and notes
# it: the kernel, its numbers, and the memory that it reads and writes. A replay makes the same calls in the same
# order, and so computes the same bits. This is how CUDA graphs work, for kernels of the CPU.
#
# Why a replay is right: every address in a note belongs to a known buffer, and nothing is read that no step has
# written and that is not known to come from outside. A value that was computed behind the doors is therefore an error
# at recording, never a wrong number later.

cdef extern from *:
    """
    static int fg_captures = 0;                         /* captures in any thread */
    static FG_THREAD_LOCAL PyObject* fg_captured = NULL;
    #if defined(__GNUC__)
    #define fg_capturing __builtin_expect(fg_captures != 0, 0)
    #else
    #define fg_capturing (fg_captures != 0)
    #endif
    #define fg_capture (fg_capturing ? fg_captured : NULL)
    static inline void fg_set_capture(PyObject* c) { fg_captured = c; }
    /* Far from the code of the fast paths, which they would slow down. */
    FG_COLD static void fg_capture_object(PyObject* o);
    FG_COLD static int fg_watch_operand(PyObject* x);
    """
    int fg_captures
    const bint fg_capturing     # whether there are any
    PyObject* fg_capture        # the Capture of this thread, borrowed, or NULL
    void fg_set_capture(PyObject* c) noexcept

cdef extern from "Python.h":
    PyObject* PyList_GET_ITEM(object o, Py_ssize_t k)

cdef enum BufferKind:
    OWN                     # a block that was allocated while capturing: the program's own memory
    HELD                    # made by other code while capturing: a constant, kept where it is
    OUTSIDE                 # the value of a Tensor from outside, where it lies at every call
    GRAD_OUTSIDE            # the `.grad` of such a Tensor
    ARGUMENT
    IN_CELL                 # 8 bytes: a small value or cotangent, inside of a Tensor object
    IN_ARENA                # OWN, and nobody else holds it: it gets a place when the program is finished

cdef struct Memory:
    int kind
    int owner               # number in `Capture.owners`, or of the argument, of the block in `own`, of the cell
    Storage* storage        # OWN and HELD
    char* low
    char* seen              # where the value of the owner was
    Layout* layout          # and what it was; NULL: the owner does not matter
    Py_ssize_t nbytes
    Py_ssize_t writes       # steps that write to it
    Py_ssize_t reads

cdef struct Block:          # memory and the buffer that it is now
    char* low
    char* high
    int buffer
    bint ready              # has a value: written by a step, or known to come from outside

cdef struct SmallCell:      # likewise, for 8 bytes inside of a Tensor
    char* at                # NULL: a free entry
    int buffer              # -1 before its first use
    bint ready

cdef enum:
    MOST_PLACES = 8
    NOWHERE = -1

# One call of a kernel. `run` makes it again; below 0, an exception is set.
ctypedef int (*StepRun)(const Note* s) noexcept
cdef struct Note:
    StepRun run
    const void* f           # the kernel
    const void* data
    void* more              # what else it reads: a struct of its own, or a Layout
    address[MOST_PLACES] at
    Py_ssize_t[6] n
    double c
    int[MOST_PLACES] buffer
    unsigned short reads    # bit k: whether it reads at place k
    unsigned short writes
    unsigned char places
    unsigned char dtype
    unsigned char add
    unsigned char flag
    int op                  # for the list of steps: number of the op, or of a HostStep


@cython.final
@cython.no_gc
cdef class Capture:
    cdef Note* notes
    cdef Py_ssize_t n, room
    cdef Memory* buffers
    cdef int n_buffers, buffer_room
    cdef Block* blocks              # by address
    cdef int n_blocks, block_room
    cdef SmallCell* cells           # a hash table
    cdef size_t n_cells, cell_room
    cdef int n_slots
    cdef Storage** own              # all blocks that were allocated; NULL: its values are in the arena
    cdef Py_ssize_t n_own, own_room
    cdef Storage* free[PRIVATE]     # of them, by size class, linked by `next`
    cdef list owners
    cdef list hosts                 # HostSteps
    cdef list guards
    cdef list lifted                # what the function gets for the leaves of the arguments
    cdef list numbers               # of them, those that stand for numbers
    cdef set number_places          # and their buffers
    cdef dict converted             # by buffer and dtype
    cdef dict first_grads           # by the id of a Tensor from outside: (it, its first `.grad` or None)
    cdef bint failed
    cdef bint ended                 # its blocks are ordinary ones, with a reference of the capture's
    cdef bint suspended             # nothing is noted
    cdef bint effects               # something was done that is seen outside
    cdef int n_guards
    cdef int in_rule                # code of a built-in rule is running
    cdef str problem
    cdef int op

    def __dealloc__(self):
        cdef Py_ssize_t k
        for k in range(self.n):
            forget_note(&self.notes[k])
        for k in range(self.n_buffers):
            if self.buffers[k].kind == HELD and self.buffers[k].storage != NULL:
                storage_release(self.buffers[k].storage)
            if self.buffers[k].layout != NULL:
                release(self.buffers[k].layout)
        if self.ended:
            for k in range(self.n_own):
                if self.own[k] != NULL:
                    storage_release(self.own[k])
        PyMem_RawFree(self.notes)
        PyMem_RawFree(self.buffers)
        PyMem_RawFree(self.blocks)
        PyMem_RawFree(self.cells)
        PyMem_RawFree(self.own)


cdef void forget_note(Note* s) noexcept:
    """Release what a note holds, but for a HostStep, which the capture has in a list."""
    cdef int k
    if s.run == <StepRun>run_set_gradient and s.data != NULL:
        release(<Layout*>s.data)
    if s.run == <StepRun>run_host or s.run == <StepRun>run_set_gradient:
        return
    if s.run == run_broadcast or s.run == run_where or s.run == run_where_backward:
        release((<Broadcast*>s.more).out)
        for k in range(3):
            if (<Broadcast*>s.more).layouts[k] != NULL:
                release(<Layout*>(<Broadcast*>s.more).layouts[k])
    elif s.run == run_copy_strided or s.run == run_add_strided:
        release((<Strided*>s.more).shape)
    PyMem_RawFree(s.more)


cdef Capture begin_capture():
    global fg_captures, fg_watchers, storage_hooks, pool_mask
    cdef Capture c = Capture.__new__(Capture)
    ready_all()
    c.owners = []
    c.hosts = []
    c.guards = []
    c.lifted = []
    c.numbers = []
    c.number_places = set()
    c.converted = {}
    c.first_grads = {}
    c.cell_room = 256
    c.cells = <SmallCell*>PyMem_RawCalloc(c.cell_room, sizeof(SmallCell))
    if c.cells == NULL:
        raise MemoryError()
    fg_captures += 1
    pool_mask = 0
    fg_watchers += 1
    storage_hooks += 1
    Py_INCREF(c)
    fg_set_capture(<PyObject*>c)
    return c


cdef int end_capture(Capture c) except -1:
    """Stop noting. The blocks of the capture become ordinary ones; each has a reference of the capture's."""
    global fg_captures, fg_watchers, storage_hooks, pool_mask
    cdef Py_ssize_t k
    fg_set_capture(NULL)
    fg_captures -= 1
    if fg_captures == 0:
        pool_mask = BINS - 1
    fg_watchers -= 1
    storage_hooks -= 1
    for k in range(c.n_own):
        c.own[k].size_class -= PRIVATE
        c.own[k].refs += 1
        c.own[k].next = NULL
    c.ended = True
    Py_DECREF(c)
    return 0


cdef int fail(Capture c, str problem) noexcept:
    """Give up the capture: the next op raises. `problem` is None where memory is missing."""
    if not c.failed:
        c.failed = True
        c.problem = problem
        if problem is not None and c.n:
            try:
                s = &c.notes[c.n - 1]
                reader = RUN_NAMES.get(<size_t>s.run) or kernel_name(s)
                c.problem = f"{problem} (read by {reader!r})"
            except MemoryError:
                pass    # without the name
    return -1


cdef object capture_error(Capture c):
    """What the op after a failure raises."""
    return MemoryError() if c.problem is None else program_errors.not_captured(c.problem)


# --- notes

cdef Note* begin_note(StepRun run, int places) noexcept:
    """The next note; NULL where nothing is noted here."""
    cdef Capture c
    cdef Note* s
    if fg_capture == NULL:
        return NULL
    c = <Capture>fg_capture
    if c.failed or c.suspended:
        return NULL
    if c.n == c.room:
        made = grown(c.notes, &c.room, sizeof(Note))
        if made == NULL:
            fail(c, None)
            return NULL
        c.notes = <Note*>made
    s = &c.notes[c.n]
    memset(s, 0, sizeof(Note))
    s.run = run
    s.places = <unsigned char>places
    s.op = c.op
    c.n += 1
    return s


cdef int buffer_at(Capture c, const char* p, bint reads, bint writes) noexcept:
    """The number of the buffer at `p`, which is about to be read or written; NOWHERE where there is none."""
    cdef Block* block = find_block(c, p)
    cdef SmallCell* cell
    cdef bint ready
    cdef Memory* b
    cdef int number
    if block != NULL:
        ready = block.ready
        block.ready = ready or writes
        number = block.buffer
    else:
        cell = find_cell(c, p)
        if cell == NULL:
            fail(c, "memory that is not known")
            return NOWHERE
        ready = cell.ready
        cell.ready = ready or writes
        if cell.buffer < 0:
            cell.buffer = enter_buffer(c, IN_CELL, c.n_slots, NULL, cell.at, 8)
            c.n_slots += 1
        number = cell.buffer
        if number < 0:
            return NOWHERE
    b = &c.buffers[number]
    b.reads += reads
    b.writes += writes
    if writes and b.kind == HELD:
        fail(c, "a write to a constant")
    if writes and OUTSIDE <= b.kind <= ARGUMENT:
        c.effects = True
    if reads and not ready:
        fail(c, "a value that no step has computed")
    return number


cdef void note_place(Note* s, int k, const void* p, bint reads, bint writes) noexcept:
    """Place `k` of the note is the address `p`."""
    s.at[k] = <char*>p
    s.buffer[k] = NOWHERE
    if p != NULL:
        s.reads |= <unsigned short>reads << k
        s.writes |= <unsigned short>writes << k
        s.buffer[k] = buffer_at(<Capture>fg_capture, <char*>p, reads, writes)


cdef inline void reads(Note* s, int k, const void* p) noexcept:
    note_place(s, k, p, True, False)


cdef inline void writes(Note* s, int k, const void* p) noexcept:
    note_place(s, k, p, False, True)


cdef inline void updates(Note* s, int k, const void* p, bint add) noexcept:
    """Written, and read before if `add`."""
    note_place(s, k, p, add, True)


cdef void* note_more(Note* s, const void* more, size_t size) noexcept:
    """A copy of `more` that belongs to the note."""
    s.more = PyMem_RawMalloc(size)
    if s.more == NULL:
        fail(<Capture>fg_capture, None)
        s.run = run_nothing
        return NULL
    memcpy(s.more, more, size)
    return s.more


cdef int run_nothing(const Note* s) noexcept:
    return 0
