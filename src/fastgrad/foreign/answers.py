"""The answers to unknown names: the AttributeError that says what a name of another library is called here."""

from fastgrad.foreign import table


def missing(where, name):
    """Return the AttributeError for an unknown name.

    Parameters
    ----------
    where : {"fg", "Tensor", "nn", "nn.functional", "optim"}
        What was asked for the name.
    name : str
    """
    subject = {"fg": "module 'fastgrad'", "Tensor": "a Tensor"}.get(where, f"module 'fastgrad.{where}'")
    text = f"{subject} has no attribute {name!r}"
    found = table.find(where, name)
    if found is not None:
        text += f": {found.answer()}"
    return AttributeError(text)
