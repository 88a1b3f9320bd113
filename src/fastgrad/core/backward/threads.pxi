# The sweeps that are under way: each on the heap, in the list of its thread. What is here belongs to a thread; others
# only look a sweep up by its number, or count it as gone when the thread is. Runs no Python code but where it says so.
#
# A sweep never lies on the C stack: a hook may switch greenlets, which moves the stack away under whoever points into
# it.

cdef enum:
    NUMBERS = 1024          # of sweeps, that a thread takes at a time

cdef struct Stash:          # scratch of another sweep in a tensor that this one has to use, put back afterwards
    PyObject* tensor        # owned; NULL: nothing to put back, a cotangent nobody wants that is still to be dropped
    Slot cotangent
    unsigned int pending
    unsigned int sweep
    unsigned short flags
    Stash* next

cdef struct Deferred           # steps that are still to run: backward/deferred.pxi
cdef struct Sweeps

cdef struct Sweep:        # a sweep that is under way
    unsigned int number
    unsigned int way        # the number under which the way to what `gradients` wants was searched, or 0
    bint retain             # keep the graph
    bint record             # create_graph
    bint looking            # in the first pass: the references in `ready` are borrowed, and no Python code may run
    bint only_wanted        # `gradients`: go only where what it was asked for lies
    bint partial            # and not beyond it, nor to its hooks
    # nodes of numbers are not taken the short way: recorded, or another sweep was in our tensors
    bint apart
    unsigned short mask     # the flag that says where to go, of a tensor
    unsigned int blocked    # number of another thread's sweep whose scratch was in the way; 0: none was
    Sweeps* owner           # NULL: its thread has ended
    Sweep* outer          # the one that was under way in this thread when this one began
    Stash* stashed          # what was taken from other sweeps of this thread
    Deferred* deferred            # NULL until there is something to note
    PyObject* wanted        # dict by address of what `gradients` was asked for, and found; or NULL
    # list of Sum: what is added to a `.grad` by an op, and gradients of interior tensors; or NULL
    PyObject* sums
    Vector ready            # tensors whose cotangent is complete; while counting, tensors whose edges are to be counted
    Vector leaves

cdef struct Sweeps:         # of one thread
    Sweep* running        # latest first; several at once where a hook or a rule sweeps, or switches greenlets
    Sweep* spare          # for the next sweep: a small one costs no allocation
    Deferred* spare_noted
    unsigned int number     # the last that was handed out
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
    """May run Python code, as whatever allocates what the garbage collector tracks."""
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
    """Lies in the dict of a thread's state, and so goes when the thread does."""
    cdef Sweeps* sweeps

    def __dealloc__(self):
        if self.sweeps != NULL:
            leave_thread(self.sweeps)


cdef void leave_thread(Sweeps* s) noexcept:
    """The thread has ended, perhaps in the process that this one was forked from."""
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
    PyMem_RawFree(s.spare)
    PyMem_RawFree(s.spare_noted)
    PyMem_RawFree(s)


cdef void abandon_sweeps(Sweeps* s) noexcept:
    """Its sweeps will never go on. What they hold is lost with the frames they ran in; their scratch in tensors is that
    of a sweep that failed."""
    cdef Sweep* here = s.running
    s.running = NULL
    while here != NULL:
        here.owner = NULL
        abandon_deferred(here)
        here = here.outer


def forget_other_threads():
    """Called in a forked child: the other threads are not in it, and nobody need wait for their sweeps."""
    cdef Sweeps* s = threads
    while s != NULL:
        if s != <Sweeps*>fg_sweeps:
            abandon_sweeps(s)
        s = s.next


cdef inline unsigned int next_number(Sweeps* s) noexcept:
    """Taken by the thousand, so that threads do not share a counter."""
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
    """The sweep under way, of any thread, that has left this number in a tensor, or NULL."""
    cdef Sweeps* s = threads
    cdef Sweep* r
    if number == 0:
        return NULL
    while s != NULL:
        r = s.running
        while r != NULL:
            if r.number == number or r.way == number:
                return r
            r = r.outer
        s = s.next
    return NULL


cdef inline Sweep* begin_sweep() except NULL:
    """A sweep of this thread, in its list."""
    cdef Sweeps* s = own_sweeps()
    cdef Sweep* here = s.spare
    if here != NULL:
        s.spare = NULL
    else:
        here = new_sweep()
    here.number = next_number(s)
    here.way = 0
    here.looking = False
    here.blocked = 0
    here.owner = s
    here.outer = s.running
    s.running = here
    return here


cdef Sweep* new_sweep() except NULL:
    cdef Sweep* here = <Sweep*>PyMem_RawMalloc(sizeof(Sweep))
    if here == NULL:
        raise MemoryError()
    here.stashed = NULL
    here.deferred = NULL
    here.sums = NULL
    clear_vector(&here.ready)
    clear_vector(&here.leaves)
    return here


cdef inline void leave_sweep(Sweep* here) noexcept:
    """Take a sweep off its thread's list: not always the first, since greenlets end in any order."""
    cdef Sweep** at
    if here.owner == NULL:
        return
    at = &here.owner.running
    while at[0] != NULL and at[0] != here:
        at = &at[0].outer
    if at[0] == here:
        at[0] = here.outer


cdef inline void free_sweep(Sweep* here) noexcept:
    """Of a sweep that has let go of all it held."""
    cdef Sweeps* s = here.owner
    if not FASTGRAD_NO_POOLS and s != NULL and s.spare == NULL:
        s.spare = here
    else:
        PyMem_RawFree(here)


cdef Deferred* new_deferred(Sweep* here) except NULL:
    cdef Deferred* deferred = NULL
    if here.owner != NULL:
        deferred = here.owner.spare_noted
        here.owner.spare_noted = NULL
    if deferred == NULL:
        deferred = <Deferred*>PyMem_RawMalloc(sizeof(Deferred))
        if deferred == NULL:
            raise MemoryError()
    deferred.n_kept = 0
    here.deferred = deferred
    return deferred


cdef void free_deferred(Sweep* here) noexcept:
    """Of a sweep at its end."""
    cdef Deferred* deferred = here.deferred
    if deferred == NULL:
        return
    here.deferred = NULL
    if not FASTGRAD_NO_POOLS and here.owner != NULL and here.owner.spare_noted == NULL:
        here.owner.spare_noted = deferred
    else:
        PyMem_RawFree(deferred)


cdef void abandon_deferred(Sweep* here) noexcept:
    """The sweep will not go on: tensors no longer hold numbers of its buffers."""
    cdef Deferred* deferred = here.deferred
    cdef PyObject* x
    cdef int k
    if deferred == NULL:
        return
    for k in range(deferred.n_kept):
        x = deferred.kept[k]
        if (<Tensor>x).sweep == here.number and (<Tensor>x).flags & DEFERRED:
            (<Tensor>x).flags = (<Tensor>x).flags & ~<int>(COTANGENT | DEFERRED)


def _register_at_fork():
    import os

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget_other_threads)


_register_at_fork()
