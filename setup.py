"""Compiles the modules of src/fastgrad/core. Everything else about the package stands in pyproject.toml.

FASTGRAD_PURE=1            no extension modules: a py3-none-any wheel of the pure-Python engine
FASTGRAD_DEBUG=1           invariants checked, live objects counted, -O1 -g
FASTGRAD_NO_POOLS=1        freed memory is never kept for reuse, so that a tool for memory faults sees who still uses it
FASTGRAD_SANITIZE=a,b      -fsanitize=a,b, and no pools; preload the compiler's libasan to run the result

On x86-64 `kernels` is compiled three times from one C file: for the baseline, and into folders of their own for AVX2
and AVX-512. core/simd.py puts the folder that the CPU can run on the package's path.
"""

import os
import re
import shutil
import sys
import sysconfig
from glob import glob

from setuptools import Extension, setup

pure = os.environ.get("FASTGRAD_PURE") == "1"
debug = os.environ.get("FASTGRAD_DEBUG") == "1"
sanitize = os.environ.get("FASTGRAD_SANITIZE", "")
no_pools = bool(sanitize) or os.environ.get("FASTGRAD_NO_POOLS") == "1"
# A build directory each, because object files know nothing of the flags that made them.
build = "build/pure" if pure else "build/debug" if debug else "build/release"
if sanitize:
    build += "-" + sanitize.replace(",", "-")
elif no_pools:
    build += "-no-pools"

if sys.platform == "win32":
    compile_args, link_args = ["/Od", "/Zi"] if debug else ["/O2"], ["/DEBUG"] if debug else []
else:
    # Nothing here may change a result: errno and trap flags are not read, and a*b + c is never fused behind our back.
    compile_args = ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fvisibility=hidden", "-fno-plt"]
    compile_args += ["-O1", "-g"] if debug or sanitize else ["-g0", "-fno-asynchronous-unwind-tables"]
    link_args = []
    if sanitize:
        compile_args += [f"-fsanitize={sanitize}", "-fno-omit-frame-pointer"]
        link_args += [f"-fsanitize={sanitize}"]

# Not where the compiler is MSVC, and not for several architectures at once. What is built is told by sysconfig and, on
# macOS, by ARCHFLAGS; the machine that builds it tells nothing.
simd = {}
flagged = set(re.findall(r"-arch\s+(\S+)", os.environ.get("ARCHFLAGS", "")))
if sys.platform != "win32" and sysconfig.get_platform().endswith("x86_64") and flagged <= {"x86_64"}:
    simd["avx2"] = ["-mavx2"]
    simd["avx512"] = [f"-mavx512{part}" for part in ("f", "dq", "vl", "bw")] + ["-mprefer-vector-width=512"]


def optimisation(name, wide=False):
    """Speed where every nanosecond counts, size elsewhere: -O3 throughout makes a wheel a third larger."""
    if sys.platform == "win32" or debug or sanitize:
        return []
    if name == "tensor" or "gcc" not in (os.environ.get("CC") or sysconfig.get_config_var("CC")):
        return ["-O3"]
    if name != "kernels" or (simd and not wide):  # the baseline, where there are others, is for CPUs without AVX2
        return ["-O2"]
    return ["-O2", "-ftree-vectorize", "-fvect-cost-model=dynamic", "-funswitch-loops"]


def extensions():
    sources = [] if pure else sorted(glob("src/fastgrad/core/*.pyx"))
    if not sources:
        return []
    import numpy
    from Cython.Build import cythonize

    names = [os.path.splitext(os.path.basename(source))[0] for source in sources]
    modules = [
        Extension(
            "fastgrad.core." + name,
            [source],
            include_dirs=[numpy.get_include()],
            define_macros=[
                ("FASTGRAD_DEBUG", str(int(debug))),
                ("FASTGRAD_NO_POOLS", str(int(no_pools))),
                *([("CYTHON_USE_FREELISTS", "0")] if no_pools else []),
                ("FASTGRAD_SIMD", str(int(bool(simd)))),
                ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
                ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
            ],
            libraries=[] if sys.platform == "win32" else ["m"],
            extra_compile_args=compile_args + optimisation(name),
            extra_link_args=link_args,
        )
        for name, source in zip(names, sources)
    ]
    directives = {
        "language_level": 3,
        "boundscheck": False,
        "wraparound": False,
        "cdivision": True,
        "initializedcheck": False,
        "c_api_binop_methods": False,
        "optimize.unpack_method_calls": False,  # a tenth of the size, all of it in calls that are not hot
    }
    modules = cythonize(modules, build_dir=build + "/c", include_path=["src"], compiler_directives=directives)
    return modules + [variant(module, name) for module in modules if module.name.endswith(".kernels") for name in simd]


def variant(module, name):
    """The same C file for another instruction set, as core/<name>/kernels; a copy, as objects are named by source."""
    source = module.sources[0].removesuffix(".c") + f"_{name}.c"
    shutil.copy2(module.sources[0], source)
    package, _, last = module.name.rpartition(".")
    return Extension(
        f"{package}.{name}.{last}",
        [source],
        include_dirs=module.include_dirs,
        define_macros=module.define_macros,
        libraries=module.libraries,
        extra_compile_args=compile_args + optimisation(last, wide=True) + simd[name],
        extra_link_args=module.extra_link_args,
    )


setup(
    license="MIT",  # here because pyproject.toml has two spellings for it, and no setuptools reads both
    ext_modules=extensions(),
    options={"build": {"build_base": build}, "build_ext": {"parallel": 2}},
)
