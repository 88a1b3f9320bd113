# Variables of which every thread has its own.

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #define FG_THREAD_LOCAL __declspec(thread)
    #elif defined(__GLIBC__)
    /* glibc reserves some static TLS, which saves a call on every op; musl refuses it to dlopen. */
    #define FG_THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))
    #else
    #define FG_THREAD_LOCAL __thread
    #endif
    """
