"""Compiles the modules of src/fastgrad/core. All other metadata is in pyproject.toml.

FASTGRAD_PURE=1            build no extension modules: a py3-none-any wheel of the pure-Python engine
FASTGRAD_DEBUG=1           check invariants, count live objects, compile with -O1 -g
FASTGRAD_NO_POOLS=1        never keep freed memory for reuse, so that memory checkers detect its use
FASTGRAD_SANITIZE=a,b      compile with -fsanitize=a,b and without pools; preload the compiler's libasan to run it

On x86-64, `kernels` is compiled three times from one C file: for the baseline, and into separate folders for AVX2 and
AVX-512. core/simd.py adds the folder for the CPU to the path of the package.
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
# Separate build directories, because object files do not record their compiler flags.
build = "build/pure" if pure else "build/debug" if debug else "build/release"
if sanitize:
    build += "-" + sanitize.replace(",", "-")
elif no_pools:
    build += "-no-pools"

if sys.platform == "win32":
    compile_args, link_args = ["/Od", "/Zi"] if debug else ["/O2"], ["/DEBUG"] if debug else []
else:
    # None of these flags changes a result: errno and trap flags are not used, and a*b + c is never contracted.
    compile_args = ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fvisibility=hidden", "-fno-plt"]
    compile_args += ["-O1", "-g"] if debug or sanitize else ["-g0", "-fno-asynchronous-unwind-tables"]
    link_args = ["-pthread"]
    if sys.platform == "linux" and "bdist_wheel" in sys.argv and not (debug or sanitize):
        link_args += ["-Wl,-s"]  # symbols are 4 % of a wheel; builds in place keep them, for profilers
    if sanitize:
        compile_args += [f"-fsanitize={sanitize}", "-fno-omit-frame-pointer"]
        link_args += [f"-fsanitize={sanitize}"]

# Not with MSVC, and not for several architectures at once. sysconfig and, on macOS, ARCHFLAGS determine the target, not
# the machine that runs the build.
simd = {}
flagged = set(re.findall(r"-arch\s+(\S+)", os.environ.get("ARCHFLAGS", "")))
if sys.platform != "win32" and sysconfig.get_platform().endswith("x86_64") and flagged <= {"x86_64"}:
    simd["avx2"] = ["-mavx2", "-mfma"]
    simd["avx512"] = [f"-mavx512{part}" for part in ("f", "dq", "vl", "bw")] + ["-mprefer-vector-width=512"]


def optimization(name, wide=False):
    """Return flags that optimize hot modules for speed, others for size. -O3 everywhere makes wheels a third larger."""
    if sys.platform == "win32" or debug or sanitize:
        return []
    gcc = "gcc" in (os.environ.get("CC") or sysconfig.get_config_var("CC"))
    if name == "tensor" and gcc:  # -O2 saves another 33 kB and costs 5 to 10 % of a small graph
        return ["-O3", "-fno-tree-vectorize", "-fno-ipa-cp-clone", "-fno-align-loops", "-fno-align-jumps"]
    if name == "tensor" or not gcc:
        return ["-O3"]
    if name != "kernels" or (simd and not wide):  # with variants, the baseline is only used by CPUs without AVX2
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
            extra_compile_args=compile_args + optimization(name),
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
        "optimize.unpack_method_calls": False,  # saves a tenth of the size, in calls that are not hot
    }
    modules = cythonize(modules, build_dir=build + "/c", include_path=["src"], compiler_directives=directives)
    return modules + [variant(module, name) for module in modules if module.name.endswith(".kernels") for name in simd]


def variant(module, name):
    """Compile a copy of the C file, since objects are named by source, for another instruction set."""
    source = module.sources[0].removesuffix(".c") + f"_{name}.c"
    shutil.copy2(module.sources[0], source)
    package, _, last = module.name.rpartition(".")
    return Extension(
        f"{package}.{name}.{last}",
        [source],
        include_dirs=module.include_dirs,
        define_macros=module.define_macros,
        libraries=module.libraries,
        extra_compile_args=compile_args + optimization(last, wide=True) + simd[name],
        extra_link_args=module.extra_link_args,
    )


setup(
    license="MIT",  # here, because no version of setuptools supports both spellings in pyproject.toml
    ext_modules=extensions(),
    options={"build": {"build_base": build}, "build_ext": {"parallel": 2}},
)
