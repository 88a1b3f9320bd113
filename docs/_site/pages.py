"""Runs the code of a page, as a notebook runs its cells. Used by the build and by the tests; does not import Sphinx.

The ```python blocks of a page run in order, in one namespace. What a block prints must be equal to the ```output block
that follows it, or to a ```text block anywhere on the page; without either, it must print nothing. If the last
statement of a block is an expression with a picture, the built page shows that picture below the block.
"""

import ast
import contextlib
import io
import linecache
import os
import re
import tempfile
from dataclasses import dataclass

# A fence may be indented, in a list. Blocks with attributes, such as ```{note}, are not code.
_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)


@dataclass
class Block:
    """A block of code of a page.

    Attributes
    ----------
    code : str
    line : int
        The line of the page on which the code starts.
    expected : str
        What the page says that it prints.
    printed : str
        What it printed.
    shown : object
        The value of its last statement, if that is an expression.
    """

    code: str
    line: int
    expected: str = ""
    printed: str = ""
    shown: object = None


def blocks(text):
    """Return the ```python blocks of a page, each with the ```output block that follows it."""
    found = []
    for match in _FENCE.finditer(text):
        indent, language, body = match.groups()
        body = re.sub(f"^{indent}", "", body, flags=re.MULTILINE)
        if language == "python":
            found.append(Block(body, text.count("\n", 0, match.start()) + 2))
        elif language == "output" and found:
            found[-1].expected = body
    return found


def _run(block, name, scope):
    """Run a block in the namespace `scope`, with the lines of the page in tracebacks."""
    source = "\n" * (block.line - 1) + block.code
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    body = ast.parse(source, name).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), name, "exec"), scope)
    if last is not None:
        block.shown = eval(compile(ast.Expression(last.value), name, "eval"), scope)


def run(text, name):
    """Run all blocks of a page in a temporary directory and return them.

    Parameters
    ----------
    text : str
        The page, in Markdown.
    name : str
        Its name in tracebacks.

    Raises
    ------
    AssertionError
        If a block printed something else than the page says.
    """
    found, scope, before = blocks(text), {"__name__": "__main__"}, os.getcwd()
    texts = [body.rstrip() for _, language, body in _FENCE.findall(text) if language == "text"]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for block in found:
                with contextlib.redirect_stdout(io.StringIO()) as stream:
                    _run(block, f"<{name}>", scope)
                block.printed = stream.getvalue()
                if block.printed.rstrip() not in (block.expected.rstrip(), *texts):
                    where, says = f"{name}, line {block.line}", block.expected
                    raise AssertionError(f"{where}: the block prints\n{block.printed}\nbut the page says\n{says}")
        finally:
            os.chdir(before)
    return found
