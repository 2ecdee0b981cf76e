"""Files of one picture, which is decoded when the file is opened."""

from __future__ import annotations

from pathlib import Path

from zsn2m_runtime.files.formats import check_format
from zsn2m_runtime.files.layout import Layout
from zsn2m_runtime.files.reader import ImageFile
from zsn2m_runtime.image import Frame


class PictureFile(ImageFile):
    """A file of one picture, decoded when it is opened."""

    def __init__(self, path: Path, frame: Frame) -> None:
        super().__init__(path, Layout.of(frame))
        self._frame = frame

    def _read(self, page: int) -> Frame:
        return self._frame


class DeepPictureFile(PictureFile):
    """A file that states its depth; 10 and 12 bits are uint16 with values up to 1023 and 4095."""

    def __init__(self, path: Path, frame: Frame, depth: int) -> None:
        super().__init__(path, frame)
        self._depth = depth

    @property
    def value_range(self) -> tuple[float, float] | None:
        return 0.0, 2.0**self._depth - 1

    def _check_target(self, out_path: Path) -> None:
        if out_path.suffix.lower() not in self.suffixes:  # these hold uint16 only where the source says 10 or 12 bits
            check_format(out_path, self.layout)
