# What the build decides. The C compiler sees constants, so that what is switched off costs nothing.

cdef extern from *:
    """
    #if UINTPTR_MAX < 0xFFFFFFFFFFFFFFFFu
    #error "fastgrad keeps a float64 in the slot of a pointer and needs 64-bit ones: FASTGRAD_PURE=1 builds without C"
    #endif
    #ifndef FASTGRAD_DEBUG
    #define FASTGRAD_DEBUG 0
    #endif
    #ifndef FASTGRAD_NO_POOLS
    #define FASTGRAD_NO_POOLS 0
    #endif
    #if defined(__SANITIZE_ADDRESS__)
    #define FG_ASAN 1
    #elif defined(__has_feature)
    #if __has_feature(address_sanitizer)
    #define FG_ASAN 1
    #endif
    #endif
    #ifndef FG_ASAN
    #define FG_ASAN 0
    #endif
    """
    const int FASTGRAD_DEBUG        # invariants are checked, live objects counted
    # freed memory goes back to its allocator at once: a sanitizer sees who uses it still
    const int FASTGRAD_NO_POOLS
    const int ADDRESS_SANITIZER "FG_ASAN"
