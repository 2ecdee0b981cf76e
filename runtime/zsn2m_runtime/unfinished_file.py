"""Files that are long in the making, such as recordings: of a failed one, what is there can be kept."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path

from zsn2m_runtime.atomic import atomic_file, flush_to_disk, writing
from zsn2m_runtime.errors import OutputError


class UnfinishedFile:
    """A file that is long in the making: it gets its name at the end; of a failed one, what is there can be kept.

    Attributes:
        temporary: where to write it
    Raises:
        OutputError: as `atomic_file`.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._open = path, ExitStack()
        self.temporary = self._open.enter_context(atomic_file(path))

    def check(self) -> None:
        """See that what is written still goes somewhere: a file that was removed takes all bytes, in silence.

        Raises:
            OutputError: if it is gone.
        """
        if not self.temporary.exists():
            raise OutputError(
                f"{self._path}: expected the unfinished output that is written there, but it or its folder was "
                f"removed; what was written is lost: start again, and leave {self.temporary.parent} alone meanwhile"
            )

    def finish(self) -> None:
        """Give it its name.

        Raises:
            OutputError: if that fails; what is there can then still be kept.
        """
        self.check()
        with writing(self._path):
            flush_to_disk(self.temporary)  # a disk may say only now that it is full: before anything is removed
        self._open.close()

    def give_up(self, *, keep: bool) -> str | None:
        """Keep it as NAME.partial.SUFFIX (with a number where there is one: it may be the input), or remove it.

        Returns the path of what was kept. Never raises; does nothing after `finish`.
        """
        kept = None
        with suppress(OSError):
            if keep:
                partial = _free_name(self.temporary.with_name(f"{self._path.stem}.partial{self._path.suffix}"))
                self.temporary.rename(partial)
                kept = str(partial)
        stopped = OutputError("given up")
        self._open.__exit__(type(stopped), stopped, None)
        return kept


def _free_name(path: Path) -> Path:
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return path if not path.exists() else next(other for other in numbered if not other.exists())
