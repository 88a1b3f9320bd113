# The running sweeps, in a list per thread. Other threads only look up a sweep by its number, or mark the sweeps of a
# thread that has ended as abandoned. Runs Python code only where a docstring says so.
#
# A sweep is allocated on the heap: a hook may switch greenlets, which moves the C stack.

cdef enum:
    NUMBERS = 1024          # sweep numbers that a thread takes at a time

cdef struct Stash:          # the scratch of another sweep in a tensor that this one uses, put back afterwards
    PyObject* tensor        # owned; NULL: nothing to put back, only a cotangent to drop
    Slot cotangent
    unsigned int pending
    unsigned int sweep
    unsigned short flags
    Stash* next

cdef struct Deferred        # steps that are still to run: backward/deferred.pxi

cdef struct Sweep:
    unsigned int number
    unsigned int search     # the number under which `mark_reachable` searched for the inputs of `gradients`, or 0
    bint retain             # keep the graph
    bint record             # create_graph
    bint captured           # a program is recorded: every node by itself
    bint watched            # cotangents are checked for anomalies; rules and hooks run unwatched
    bint counting           # in the first pass: the references in `ready` are borrowed, and no Python code may run
    bint only_wanted        # `gradients`: follow only edges that lead to its inputs; all do if every leaf is an input
    bint leaves_counted     # looking at the leaves: whether every one is an input, or all have one receiver
    bint weighted           # the cotangents of the roots have the weight that the receiver gives those of the leaves
    bint strays             # and one is not
    bint partial            # and stop at them, without their hooks
    bint ordered            # forward mode: only list the tensors that lead to the inputs, in `leaves`
    bint outside            # its thread runs a kernel without the GIL
    bint left               # and has done so since this was cleared
    bint interleaved        # may share tensors with other sweeps: no scalar path, and ownership is checked
    unsigned short mask     # the flag of tensors to which the sweep goes
    unsigned int blocker    # number of another thread's sweep that uses our tensors, or 0
    Sweeps* owner           # NULL: its thread has ended
    Sweep* outer            # the one that was running in this thread when this one began
    Stash* stashed
    Deferred* deferred      # NULL until it is needed
    PyObject* gradients     # the Targets of `gradients`; NULL for `backward`
    PyObject* sums          # list of Sum, or NULL
    PyObject* finder        # borrowed: of the receiver of all leaves so far
    PyObject* receivers     # dict of those that were told of a leaf, with a Reception each, or NULL
    Vector ready            # tensors whose cotangent is complete; in the first pass, those still to be visited
    Vector leaves

cdef struct Sweeps:         # of one thread
    Sweep* running          # latest first; several where a hook or a rule sweeps, or switches greenlets
    Sweep* spare            # for the next sweep: a small one allocates nothing
    unsigned int number     # the last that was used
    unsigned int last       # of those taken
    Sweeps* next            # of another thread

cdef extern from *:
    """
    static FG_THREAD_LOCAL void* fg_sweeps = NULL;
    static inline void fg_set_sweeps(void* s) { fg_sweeps = s; }
    """
    void* fg_sweeps             # of this thread
    void fg_set_sweeps(void* s) noexcept

cdef extern from "Python.h":
    PyObject* PyThreadState_GetDict() noexcept

# Written when a thread sweeps for the first time and when it ends, read under the GIL.
cdef Sweeps* threads = NULL
cdef unsigned int numbers_taken = 0


cdef inline Sweeps* own_sweeps() except NULL:
    return <Sweeps*>fg_sweeps if fg_sweeps != NULL else enter_thread()


cdef Sweeps* enter_thread() except NULL:
    """Add this thread to the list. May run Python code: the garbage collector."""
    global threads
    cdef Sweeps* s = <Sweeps*>PyMem_RawMalloc(sizeof(Sweeps))
    cdef PyObject* state = PyThreadState_GetDict()
    cdef ThreadEnd end
    if s == NULL:
        raise MemoryError()
    memset(s, 0, sizeof(Sweeps))
    s.next = threads
    threads = s
    fg_set_sweeps(s)
    if state != NULL:
        end = ThreadEnd.__new__(ThreadEnd)
        (<dict>state)[ThreadEnd] = end
        end.sweeps = s
    return s


@cython.final
cdef class ThreadEnd:
    """Lives in the dict of a thread's state, and so dies with the thread."""
    cdef Sweeps* sweeps

    def __dealloc__(self):
        if self.sweeps != NULL:
            leave_thread(self.sweeps)


cdef void leave_thread(Sweeps* s) noexcept:
    """Remove a thread that has ended, perhaps in the process that this one was forked from."""
    global threads
    cdef Sweeps** at = &threads
    while at[0] != NULL and at[0] != s:
        at = &at[0].next
    if at[0] == NULL:
        return
    at[0] = s.next
    if fg_sweeps == s:
        fg_set_sweeps(NULL)
    abandon_sweeps(s)
    if s.spare != NULL:
        PyMem_RawFree(s.spare.deferred)
    PyMem_RawFree(s.spare)
    PyMem_RawFree(s)


cdef void abandon_sweeps(Sweeps* s) noexcept:
    """Mark the sweeps of a thread as failed: they never resume. What they hold is lost with the frames they ran in."""
    cdef Sweep* here = s.running
    s.running = NULL
    while here != NULL:
        here.owner = NULL
        if here.deferred != NULL:
            settle_deferred(here, False)
        here = here.outer


def forget_other_threads():
    """Abandon the sweeps of all other threads, which do not exist in a forked child."""
    cdef Sweeps* s = threads
    while s != NULL:
        if s != <Sweeps*>fg_sweeps:
            abandon_sweeps(s)
        s = s.next


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_other_threads)


cdef inline unsigned int next_number(Sweeps* s) noexcept:
    """A new sweep number. Each thread takes them by the thousand, so that threads do not share a counter."""
    global numbers_taken
    if s.number == s.last:
        s.number = numbers_taken
        numbers_taken += NUMBERS
        s.last = s.number + NUMBERS - 1
        if s.number == 0:           # means: in no sweep
            s.number = 1
        return s.number
    s.number += 1
    return s.number


cdef Sweep* sweep_numbered(unsigned int number) noexcept:
    """The running sweep, of any thread, that wrote this number to a tensor, or NULL."""
    cdef Sweeps* s = threads
    while s != NULL and number != 0:
        r = s.running
        while r != NULL:
            if r.number == number or r.search == number:
                return r
            r = r.outer
        s = s.next
    return NULL


cdef inline Sweep* begin_sweep() except NULL:
    """Add a sweep to the list of this thread."""
    cdef Sweeps* s = own_sweeps()
    cdef Sweep* here = s.spare
    if here != NULL:
        s.spare = NULL
    else:
        here = new_sweep()
    here.number = next_number(s)
    here.search = 0
    here.counting = False
    here.ordered = False
    here.leaves_counted = False
    here.blocker = 0
    here.owner = s
    here.outer = s.running
    s.running = here
    return here


cdef Sweep* new_sweep() except NULL:
    cdef Sweep* here = <Sweep*>PyMem_RawMalloc(sizeof(Sweep))
    if here == NULL:
        raise MemoryError()
    memset(here, 0, sizeof(Sweep))
    clear_vector(&here.ready)
    clear_vector(&here.leaves)
    return here


cdef inline void leave_sweep(Sweep* here) noexcept:
    """Remove a sweep from its thread's list: not always the first, since greenlets end in any order."""
    if here.owner == NULL:
        return
    cdef Sweep** at = &here.owner.running
    while at[0] != NULL and at[0] != here:
        at = &at[0].outer
    if at[0] == here:
        at[0] = here.outer


cdef inline void free_sweep(Sweep* here) noexcept:
    """Free a sweep that holds nothing any more, or keep its memory for the next one."""
    cdef Sweeps* s = here.owner
    if not FASTGRAD_NO_POOLS and s != NULL and s.spare == NULL:
        s.spare = here
    else:
        PyMem_RawFree(here.deferred)
        PyMem_RawFree(here)
