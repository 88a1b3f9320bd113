# A pool of native threads that share the elements of one kernel call. Knows nothing of arrays; workers never run Python
# code, allocate, or take the GIL, which the calling thread keeps.
#
# The calling thread takes parts of the work like every worker, so that a worker that wakes late costs nothing. There is
# one job at a time: a call from another thread meanwhile, or from inside a job, runs all of its work itself. Threads
# are started at the first use, sleep between jobs, and end with the process. They do not exist in a forked child, which
# starts its own: the pool belongs to the process whose number it holds.

from fastgrad import _threads

cdef extern from *:
    """
    #if defined(_WIN32)
    #include <windows.h>
    #include <process.h>
    #define FG_THREADS 1
    static SRWLOCK fg_mutex = SRWLOCK_INIT;
    static CONDITION_VARIABLE fg_conditions[2] = {CONDITION_VARIABLE_INIT, CONDITION_VARIABLE_INIT};
    static void fg_reset(void) {}
    static void fg_lock(void) { AcquireSRWLockExclusive(&fg_mutex); }
    static void fg_unlock(void) { ReleaseSRWLockExclusive(&fg_mutex); }
    static void fg_sleep(int k) { SleepConditionVariableSRW(&fg_conditions[k], &fg_mutex, INFINITE, 0); }
    static void fg_wake(int k) { WakeAllConditionVariable(&fg_conditions[k]); }
    static Py_ssize_t fg_process(void) { return (Py_ssize_t)GetCurrentProcessId(); }
    static unsigned __stdcall fg_body(void* run) { ((void (*)(void))run)(); return 0; }
    static int fg_start(void (*run)(void)) {
        HANDLE made = (HANDLE)_beginthreadex(NULL, 1 << 20, fg_body, (void*)run, 0, NULL);
        return made != NULL && CloseHandle(made);
    }
    #define fg_load(x) InterlockedOr64((volatile LONG64*)(x), 0)
    #define fg_add(x, d) InterlockedExchangeAdd64((volatile LONG64*)(x), d)
    #define fg_swap(x, v) InterlockedExchange64((volatile LONG64*)(x), v)
    #define fg_relax() YieldProcessor()
    #else
    #define fg_load(x) __atomic_load_n(x, __ATOMIC_SEQ_CST)
    #define fg_add(x, d) __atomic_fetch_add(x, d, __ATOMIC_SEQ_CST)
    #define fg_swap(x, v) __atomic_exchange_n(x, v, __ATOMIC_SEQ_CST)
    #if defined(__x86_64__)
    #define fg_relax() __builtin_ia32_pause()
    #elif defined(__aarch64__)
    #define fg_relax() __asm__ __volatile__("yield")
    #else
    #define fg_relax() ((void)0)
    #endif
    #if defined(__wasm__)               /* Pyodide has no threads */
    #define FG_THREADS 0
    static void fg_reset(void) {}
    static void fg_lock(void) {}
    static void fg_unlock(void) {}
    static void fg_sleep(int k) { (void)k; }
    static void fg_wake(int k) { (void)k; }
    static Py_ssize_t fg_process(void) { return 1; }
    static int fg_start(void (*run)(void)) { (void)run; return 0; }
    #else
    #include <pthread.h>
    #include <signal.h>
    #include <unistd.h>
    #define FG_THREADS 1
    static pthread_mutex_t fg_mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t fg_conditions[2] = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER};
    /* In a forked child: the lock may be held, and the conditions waited for, by threads that are not there. */
    static void fg_reset(void) {
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
        fg_mutex = mutex;
        fg_conditions[0] = condition;
        fg_conditions[1] = condition;
    }
    static void fg_lock(void) { pthread_mutex_lock(&fg_mutex); }
    static void fg_unlock(void) { pthread_mutex_unlock(&fg_mutex); }
    static void fg_sleep(int k) { pthread_cond_wait(&fg_conditions[k], &fg_mutex); }
    static void fg_wake(int k) { pthread_cond_broadcast(&fg_conditions[k]); }
    static Py_ssize_t fg_process(void) { return (Py_ssize_t)getpid(); }
    static void* fg_body(void* run) { ((void (*)(void))run)(); return NULL; }
    /* Signals are left to the threads of Python, whose handlers can raise KeyboardInterrupt. */
    static int fg_start(void (*run)(void)) {
        pthread_t thread;
        pthread_attr_t attributes;
        sigset_t all, before;
        if (pthread_attr_init(&attributes) != 0) return 0;
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, 1 << 20);        /* musl's default is 128 kB, less than BLAS may use */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int failed = pthread_create(&thread, &attributes, fg_body, (void*)run);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        return !failed;
    }
    #endif
    #endif
    """
    const int FG_THREADS
    const Py_ssize_t PY_SSIZE_T_MAX
    void fg_reset() noexcept nogil
    void fg_lock() noexcept nogil
    void fg_unlock() noexcept nogil
    void fg_sleep(int condition) noexcept nogil     # unlocks, waits for `fg_wake`, locks
    void fg_wake(int condition) noexcept nogil
    void fg_relax() noexcept nogil
    Py_ssize_t fg_process() noexcept nogil
    bint fg_start(void (*run)() noexcept nogil) noexcept nogil
    Py_ssize_t fg_load(Py_ssize_t* x) noexcept nogil
    Py_ssize_t fg_add(Py_ssize_t* x, Py_ssize_t d) noexcept nogil       # returns what it was, as fg_swap
    Py_ssize_t fg_swap(Py_ssize_t* x, Py_ssize_t value) noexcept nogil

cdef enum:
    SPLIT = 262144      # bytes of a result from which splitting pays
    PARTS = 4           # per thread: those that the others have not begun are done by whoever is early
    SPINS = 2000        # looks of an idle worker, or of the caller when only others work, before it sleeps
    JOB = 0             # conditions: there is a job
    DONE = 1            # the last worker has left it

cdef struct Pool:
    Py_ssize_t process      # that the workers belong to
    int started
    int asleep
    Py_ssize_t busy         # whether there is a job
    Py_ssize_t seats        # workers that may still join it; the number of a worker is the seat that it takes
    Py_ssize_t active       # workers in it
    Py_ssize_t waiting      # whether the caller sleeps until they are done
    Py_ssize_t next         # element that nobody has taken
    Py_ssize_t n, part
    Part run
    const void* job

cdef Pool pool
cdef int wanted = 1
split_from = PY_SSIZE_T_MAX


cdef int threads_wanted() noexcept nogil:
    return wanted


cdef void take_parts(int who) noexcept nogil:
    cdef Py_ssize_t first = fg_add(&pool.next, pool.part)
    while first < pool.n:
        pool.run(pool.job, first, min(first + pool.part, pool.n), who)
        first = fg_add(&pool.next, pool.part)


cdef void serve() noexcept nogil:
    """The life of a worker."""
    cdef int who, looks
    while True:
        looks = 0
        while looks < SPINS and fg_load(&pool.seats) == 0:
            fg_relax()
            looks += 1
        fg_lock()
        while pool.seats == 0:
            pool.asleep += 1
            fg_sleep(JOB)
            pool.asleep -= 1
        who = <int>fg_add(&pool.seats, -1)
        fg_add(&pool.active, 1)
        fg_unlock()
        take_parts(who)
        if fg_add(&pool.active, -1) == 1 and fg_load(&pool.waiting):
            fg_lock()
            fg_wake(DONE)
            fg_unlock()


cdef void own_pool() noexcept nogil:
    """Forget the workers of the parent of a forked process."""
    cdef Py_ssize_t process = fg_process()
    if pool.process != process:
        fg_reset()
        pool.started = pool.asleep = 0
        pool.busy = pool.seats = pool.active = pool.waiting = 0
        pool.process = process


cdef void split_work(Part run, const void* job, Py_ssize_t n, Py_ssize_t grain) noexcept nogil:
    """Call `run(job, first, last, who)` for parts that cover range(n) and begin at multiples of `grain`. Calls with the
    same `who`, a number below that of the threads wanted, follow one another."""
    split_among(wanted, run, job, n, grain)


cdef void split_among(int threads, Part run, const void* job, Py_ssize_t n, Py_ssize_t grain) noexcept nogil:
    cdef Py_ssize_t part = (n + threads * PARTS - 1) // (threads * PARTS)
    cdef int looks = 0
    own_pool()
    part = (part + grain - 1) // grain * grain
    if threads == 1 or part >= n or not FG_THREADS or fg_swap(&pool.busy, 1):
        run(job, 0, n, 0)
        return
    while pool.started < threads - 1 and fg_start(serve):
        pool.started += 1
    fg_lock()
    pool.run = run
    pool.job = job
    pool.n = n
    pool.part = part
    fg_swap(&pool.next, 0)
    fg_swap(&pool.seats, min(<Py_ssize_t>threads - 1, (n - 1) // part))
    if pool.asleep:
        fg_wake(JOB)
    fg_unlock()
    take_parts(0)
    fg_lock()
    fg_swap(&pool.seats, 0)
    fg_unlock()
    while looks < SPINS and fg_load(&pool.active):
        fg_relax()
        looks += 1
    if fg_load(&pool.active):       # a worker that the system has suspended needs a core
        fg_lock()
        fg_swap(&pool.waiting, 1)
        while fg_load(&pool.active):
            fg_sleep(DONE)
        fg_swap(&pool.waiting, 0)
        fg_unlock()
    fg_swap(&pool.busy, 0)


def get_num_threads():
    return wanted


def set_num_threads(n):
    global wanted, split_from
    before = wanted
    wanted = _threads.checked(n)
    split_from = SPLIT if wanted > 1 and FG_THREADS else PY_SSIZE_T_MAX
    return before


def started_threads():
    """How many native threads the pool of this process has started."""
    return pool.started if pool.process == fg_process() else 0


def note_blas(serial):
    """Whether NumPy's BLAS has one thread: only then products of large matrices are split."""
    global blas_is_serial
    blas_is_serial = serial


set_num_threads(_threads.from_environment())
