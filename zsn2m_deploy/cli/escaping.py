"""Log records and usage errors, with control characters escaped: names of files may come from strangers."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup

from zsn2m_runtime.plain_text import one_line


class LogFormatter(logging.Formatter):
    """`WARNING: text`, in one line whatever names are in it."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line without a traceback."""
        return one_line(super().formatMessage(record))


class EscapingGroup(TyperGroup):
    """Commands whose usage errors are escaped: a shell's pattern passes names of files on."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """As typer does."""
        with _escaped():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """As typer does."""
        with _escaped():
            return super().invoke(ctx)


@contextlib.contextmanager
def _escaped() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if write := getattr(error, "format_message", None):  # of the errors of click, and of typer's copy of it
            text = one_line(write())
            error.format_message = lambda: text  # type: ignore[attr-defined]
        raise


def prepare_streams() -> None:
    """Escape what the encoding of stdout and stderr lacks, and open the descriptors that the caller closed.

    They become the null device: else a result that is opened as number 2 would get what libraries print on stderr.
    sys.stdin and sys.stdout stay None, so that - is refused.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - to the end of the program
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
