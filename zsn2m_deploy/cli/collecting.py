"""When Python looks for garbage: not while packages are imported, nor when a command ends.

Importing torch makes 165,000 objects that stay. Looking through them again and again takes a sixth of its import, and
once more at the end a fifth as long as that.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Import packages without looking for garbage, of which they make hardly any."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def end_at_once() -> None:
    """Leave what is there when the program ends to the system, which takes it back faster."""
    atexit.register(gc.freeze)
