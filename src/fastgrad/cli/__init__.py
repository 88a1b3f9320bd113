"""The command line: parses the arguments, runs the command, reports expected failures in one line and an exit code.

Exit codes: 0 success, 1 failure, 2 invalid arguments, 130 interrupted by Ctrl-C.
"""

import argparse
import os
import sys

COMMANDS = ("demo", "info", "bench", "draw", "plan")
MAX_STEPS, MAX_ROUNDS = 1_000_000, 10_000  # larger values are probably typing errors


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser that reports errors in one line, without the usage."""

    def error(self, message):
        self.exit(2, f"fastgrad: {message}\n")


def integer(low, high=None):
    """Return an argparse type for integers from `low` to `high`."""
    expected = f"of at least {low}" if high is None else f"from {low} to {high:,}"

    def read(text):
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {expected}")
        return value

    return read


def real(low, high):
    """Return an argparse type for numbers from `low` to `high`."""

    def read(text):
        try:
            value = float(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return read


def parser():
    top = _Parser(
        prog="python -m fastgrad", description="Automatic differentiation of NumPy programs.", allow_abbrev=False
    )
    top.add_argument("--version", action="store_true", help="print the version and exit")
    commands = top.add_subparsers(dest="command", metavar="{demo,info,bench,draw,plan}")

    demo = commands.add_parser(
        "demo",
        allow_abbrev=False,
        help="check gradients, train two models on handwritten digits and write a report (default)",
        description="Check gradients, train two models on handwritten digits and write a report.",
    )
    demo.add_argument(
        "--steps",
        type=integer(1, MAX_STEPS),
        default=2000,
        metavar="N",
        help="training steps of each model (default: 2000)",
    )
    demo.add_argument(
        "--seed",
        type=integer(0),
        default=0,
        metavar="N",
        help="random seed of the split, the initial weights and the batches (default: 0)",
    )
    demo.add_argument(
        "--out",
        default="fastgrad-report.html",
        metavar="PATH",
        help="output file or folder (default: fastgrad-report.html)",
    )
    demo.add_argument("--quiet", action="store_true", help="print only the path of the report")

    info = commands.add_parser(
        "info",
        allow_abbrev=False,
        help="print the versions, the engine and the build",
        description="Print the versions, the engine and the build, for reports of problems and of timings.",
    )
    info.add_argument(
        "--all", action="store_true", help="also print the loops, the CPU features and NumPy's BLAS in full"
    )
    info.add_argument(
        "--coverage",
        action="store_true",
        help="print all functions: implementation, dtypes, derivatives",
    )

    bench = commands.add_parser(
        "bench",
        allow_abbrev=False,
        help="measure the overhead of recording and differentiation",
        description="Measure the overhead of recording and differentiation on this machine. Ratios are relative to "
        "hand-written NumPy or Python.",
    )
    bench.add_argument(
        "--rounds",
        type=integer(1, MAX_ROUNDS),
        default=15,
        metavar="N",
        help="number of rounds per row (default: 15)",
    )

    draw = commands.add_parser(
        "draw",
        allow_abbrev=False,
        help="draw the graph of an expression with all values and gradients",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Draw the graph of an expression with all values and gradients.",
        epilog='example: python -m fastgrad draw "(x + sigmoid(y)) / (sigmoid(x) + (x + y)**2)" x=3 y=-4',
    )
    draw.add_argument(
        "expression",
        help="numbers, names, + - * / ** (or ^) @, functions such as exp(x) and max(x, y), and where(x > 0, x, y)",
    )
    draw.add_argument(
        "values",
        nargs="*",
        default=[],
        metavar="name=value",
        help="values of the names, as numbers or lists: x=3 w=[1,2]",
    )
    draw.add_argument(
        "--program",
        action="store_true",
        help="draw the steps that fg.compile records for the value and the gradients",
    )
    draw.add_argument(
        "-o",
        "--out",
        default="graph.svg",
        metavar="PATH",
        help="output file (.svg, .html or .dot), folder, or - for an SVG on stdout (default: graph.svg)",
    )
    _add_plan(commands)
    return top


def _add_plan(commands):
    plan = commands.add_parser(
        "plan",
        allow_abbrev=False,
        help="print what to expect of data-parallel training on 1 to 10,000 ranks",
        description="Print what a model of the cost expects of data-parallel training on 1 to 10,000 ranks, each of "
        "which has the same number of rows per step. The defaults are a cluster with 100 Gbit/s between its ranks.",
    )
    for name, default, low, high, text in (
        ("parameters", 1e6, 1, 1e15, "number of parameters"),
        ("step", 10.0, 1e-6, 1e9, "milliseconds that one rank computes per step"),
        ("latency", 2.0, 0, 1e9, "microseconds per message"),
        ("bandwidth", 10.0, 1e-6, 1e6, "gigabytes per second"),
        ("overlap", 0.8, 0, 1, "part of the communication that goes on while a rank computes, 0 to 1"),
        ("largest", 0.5, 0, 1, "part of the parameters that the largest one has, 0 to 1"),
        ("spread", 0.01, 0, 10, "relative standard deviation of the time between ranks"),
    ):
        plan.add_argument(
            f"--{name}", type=real(low, high), default=default, metavar="X", help=f"{text} (default: {default:g})"
        )
    plan.add_argument(
        "--itemsize", type=int, choices=(4, 8), default=8, help="bytes of a number, 4 for float32 (default: 8)"
    )


def parse(arguments):
    """Parse the arguments. The default command is `demo`."""
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version")):
        arguments = ["demo", *arguments]
    elif not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        parser().error(f"unknown command {arguments[0]!r}: use one of {', '.join(COMMANDS)}")
    if arguments[0] == "draw":
        # An expression may start with a minus. A leading space keeps argparse from treating it as an option.
        known = ("-", "-o", "--out", "--program", "-h", "--help", "--")
        arguments = [f" {a}" if a.startswith("-") and a.split("=")[0] not in known else a for a in arguments]
    return parser().parse_args(arguments)


def main(arguments=None):
    """Run a command and return the exit code."""
    try:
        options = parse(sys.argv[1:] if arguments is None else list(arguments))
        code = _run(options)
        sys.stdout.flush()
        return code
    except SystemExit as stop:  # raised by argparse after --help or an error
        return stop.code
    except KeyboardInterrupt:
        print("fastgrad: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader closed the pipe. The interpreter flushes stdout again at exit, which must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(options):
    if options.version:
        import fastgrad

        print(fastgrad.__version__)
        return 0
    if options.command == "info":
        from fastgrad._progress import columns
        from fastgrad.cli.coverage import lines as lines_of_coverage
        from fastgrad.cli.info import lines

        if options.coverage:
            print("\n".join(lines_of_coverage()))
            return 0

        print("\n".join(lines(options.all, columns(sys.stdout))))
        return 0
    if options.command == "bench":
        from fastgrad.cli.bench import bench

        return bench(options.rounds, sys.stdout)
    if options.command == "plan":
        from fastgrad.cli.plan import lines as lines_of_plan

        print("\n".join(lines_of_plan(options)))
        return 0
    if options.command == "draw":
        from fastgrad.cli.draw import draw

        return draw(options.expression, options.values, options.out, options.program)
    return _demo(options)


def _demo(options):
    from fastgrad.cli.console import Console
    from fastgrad.demo import DemoError
    from fastgrad.demo.run import run

    console = Console(sys.stdout, options.quiet)
    try:
        path = run(options.steps, options.seed, options.out, console)
    except DemoError as error:
        console.end()
        print(f"fastgrad: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        console.end()
        raise
    print(path.resolve() if options.quiet else f"report: {path.resolve()}")
    return 0
