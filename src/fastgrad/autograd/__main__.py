"""`python -m fastgrad.autograd script.py ...`: runs a program with fastgrad in place of autograd."""

import os
import runpy
import sys

from fastgrad.autograd._published import report
from fastgrad.autograd._swap import install

USAGE = """\
usage: python -m fastgrad.autograd SCRIPT [ARGUMENT ...]     run a script
       python -m fastgrad.autograd -m MODULE [ARGUMENT ...]  run a module, such as pytest
       python -m fastgrad.autograd -c CODE [ARGUMENT ...]    run code
       python -m fastgrad.autograd --report                  compare the names with those of autograd

In the program, `import autograd` imports fastgrad's modules of the same names, also if autograd is installed.
"""


def main(args):
    """Run what the arguments say, as `python` would. Returns the exit code of a call that runs nothing."""
    if not args or args[0] in ("-h", "--help"):
        print(USAGE, end="", file=sys.stdout if args else sys.stderr)
        return 0 if args else 2
    if args[0] == "--report":
        print(report())
        return 0
    kind, rest = (args[0], args[1:]) if args[0] in ("-m", "-c") else (None, args)
    if not rest or (kind is None and args[0].startswith("-")):
        print(f"python -m fastgrad.autograd: {args[0]} is not understood\n\n{USAGE}", end="", file=sys.stderr)
        return 2
    install()
    if kind == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *rest[1:]]
        scope = sys.modules["__main__"].__dict__
        exec(compile(rest[0], "<string>", "exec"), scope)
    else:
        if not os.path.exists(rest[0]):
            print(f"python -m fastgrad.autograd: no file {rest[0]!r}", file=sys.stderr)
            return 2
        sys.argv = rest
        sys.path[0] = os.path.dirname(os.path.abspath(rest[0]))
        runpy.run_path(rest[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
