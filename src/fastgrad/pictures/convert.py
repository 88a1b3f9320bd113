"""Converts pictures to PNG and PDF with CairoSVG, an optional dependency."""

from importlib import import_module

from fastgrad.pictures import messages


def converted(svg, suffix):
    """Return the bytes of a .png, with two pixels per unit, or of a .pdf.

    Raises
    ------
    PictureError
        If CairoSVG, or the library that it needs, is not installed.
    """
    try:
        library = import_module("cairosvg")
    except (ImportError, OSError) as error:
        raise messages.converter_missing(suffix, " ".join(str(error).split())[:200]) from None
    if suffix == ".pdf":
        return library.svg2pdf(bytestring=svg.encode())
    return library.svg2png(bytestring=svg.encode(), scale=2)
