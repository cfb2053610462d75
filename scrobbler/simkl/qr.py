"""A QR code for terminals."""

from io import StringIO


def qr_text(link: str) -> str:
    """Draw a link as half-block characters, two modules to a character, with a quiet border. No line ends in a newline."""
    import segno  # only a sign-in on a terminal needs it

    drawn = StringIO()
    segno.make(link, error="l", micro=False).terminal(drawn, compact=True, border=2)
    return drawn.getvalue().rstrip("\n")
