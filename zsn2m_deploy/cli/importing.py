"""Importing large packages: beside other work, and without looking for garbage.

Importing torch makes 165,000 objects that stay. Looking through them again and again takes a sixth of its import, and
the next two times after it 0.2 s.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Import packages without looking for garbage, of which they make hardly any, nor later at what stays of them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
        if was_on:
            gc.freeze()
    finally:
        if was_on:
            gc.enable()


def imported_beside(name: str, *used: str) -> Callable[[], Any]:
    """Begin to import a module in a thread; what is returned waits for it, gives it, and raises what its import raised.

    Args:
        used: modules that both use, imported first: of those that import each other two threads would see halves
    """
    from concurrent.futures import ThreadPoolExecutor

    for module_used in used:
        importlib.import_module(module_used)

    def imported() -> Any:
        with importing():
            return importlib.import_module(name)

    beside = ThreadPoolExecutor(1, "import")
    module = beside.submit(imported)
    beside.shutdown(wait=False)
    return module.result
