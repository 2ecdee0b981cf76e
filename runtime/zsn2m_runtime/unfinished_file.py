"""Files that take long to write, such as recordings; what a failed one holds can be kept."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path

from zsn2m_runtime.atomic import atomic_file, flush_to_disk
from zsn2m_runtime.errors import OutputError
from zsn2m_runtime.writing_errors import writing


class UnfinishedFile:
    """A file that takes long to write. It gets its name at the end; what a failed one holds can be kept.

    Attributes:
        temporary: the path to write to
    Raises:
        OutputError: as `atomic_file`.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._open = path, ExitStack()
        self.temporary = self._open.enter_context(atomic_file(path))

    def check(self) -> None:
        """Check that the file was not removed meanwhile; the system would go on accepting bytes.

        Raises:
            OutputError: it was removed.
        """
        if not self.temporary.exists():
            raise OutputError(
                f"{self._path}: expected the unfinished output that is written there, but it or its folder was "
                f"removed; what was written is lost: start again, and leave {self.temporary.parent} alone meanwhile"
            )

    def finish(self) -> None:
        """Rename it to its final name.

        Raises:
            OutputError: that fails; its content can still be kept with `give_up`.
        """
        self.check()
        with writing(self._path):
            flush_to_disk(self.temporary)  # before the rename, as a disk may say only now that it is full
        self._open.close()

    def give_up(self, *, keep: bool) -> str | None:
        """Keep it as NAME.partial.SUFFIX, or remove it. Never raises; does nothing after `finish`.

        An existing file of that name may be the input and stays; the new one then gets a number.

        Returns:
            the path of what was kept, or None
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
