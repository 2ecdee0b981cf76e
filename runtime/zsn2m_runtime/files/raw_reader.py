"""DNG and camera RAW as an image file: the mosaic of the sensor, by LibRaw (extra raw)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tifffile import TiffFile

from zsn2m_runtime.errors import InputError, UsageError, Zsn2mError
from zsn2m_runtime.files.camera_raw import camera_facts
from zsn2m_runtime.files.cfa import in_colours
from zsn2m_runtime.files.dng import RawFacts, is_dng, read_dng
from zsn2m_runtime.files.extras import import_extra
from zsn2m_runtime.files.formats import check_format
from zsn2m_runtime.files.layout import ORIENTATION, Metadata, exif_of_orientation
from zsn2m_runtime.files.picture_file import PictureFile
from zsn2m_runtime.files.raw_writer import RawWriter
from zsn2m_runtime.files.tag_values import number_of
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.mosaic_record import MosaicRecord
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.suffixes import DNG, RAW_SUFFIXES

_TIFF = (".tif", ".tiff")


class RawFile(PictureFile):
    """A DNG or a camera's RAW file as one mosaic: the sensor's active area, values from 0 to the white level.

    Values above that level all stand for a saturated pixel, and are read as the level.
    """

    suffixes = RAW_SUFFIXES

    def __init__(self, path: Path) -> None:
        library = import_extra("rawpy", "raw", path)
        try:
            with library.imread(str(path)) as raw:
                samples = _samples(raw, path)
                facts = _facts(raw, path)
                self._orientation = number_of({tag.code: tag for tag in facts.tags}, ORIENTATION, facts.form, default=1)
        except Zsn2mError:
            raise
        except Exception as error:  # of LibRaw, of tifffile, of wrong tags
            raise _damaged(path, error) from error
        if samples.shape != facts.size:
            raise _damaged(path, f"{samples.shape} samples where its tags say {facts.size}")
        self._samples, self._facts = samples, facts
        super().__init__(path, Frame(np.minimum(samples[facts.area.place], np.uint16(self.value_range[1]))))

    @property
    def mosaic(self) -> MosaicRecord:
        return self._facts.mosaic

    @property
    def value_range(self) -> tuple[float, float]:
        white = self.mosaic.white
        assert white is not None, "RAW files have a white level"
        return 0.0, white

    @property
    def storage(self) -> str:
        height, width = self._samples.shape
        if (height, width) == (self.height, self.width):
            return ""
        return f"within {width} x {height} pixels; those outside of the active area stay as they are"

    @property
    def metadata(self) -> Metadata:
        orientation = self._orientation if self._orientation in range(1, 9) else 1
        return Metadata(exif=exif_of_orientation(orientation), mosaic=self.mosaic)

    def _check_target(self, out_path: Path) -> None:
        suffix = out_path.suffix.lower()
        if suffix == DNG:
            return
        if suffix in RAW_SUFFIXES:
            raise UsageError(
                f"{out_path}: expected {DNG}, which every RAW converter reads, but got {suffix}, which only cameras "
                f"write; choose a name that ends in {DNG}"
            )
        check_format(out_path, self.layout)

    def _same_format_writer(self, out_path: Path) -> ImageWriter:
        return self._raw_writer(out_path, whole=True)

    def _other_format_writer(self, out_path: Path) -> ImageWriter:
        if out_path.suffix.lower() in _TIFF:
            return self._raw_writer(out_path, whole=False)
        return super()._other_format_writer(out_path)

    def _raw_writer(self, out_path: Path, whole: bool) -> RawWriter:
        writer = RawWriter(out_path, self.layout, self._facts, self._samples, whole)
        masked = () if whole or self._samples.shape == (self.height, self.width) else ("masked pixels",)
        writer.notes = tuple(f"left out: {what}" for what in (*self._facts.lost, *masked))
        return writer


def _samples(raw: Any, path: Path) -> Pixels:
    """All samples of a sensor, masked ones too, (h, w) uint16; LibRaw has applied a table of linearisation."""
    from rawpy import RawType

    if raw.raw_type is not RawType.Flat or raw.raw_image.ndim != 2 or raw.raw_pattern.shape == (1, 1):
        raise InputError(
            f"{path}: expected the mosaic of a Bayer sensor, but got a RAW file whose pixels have all colours or none "
            f"(linear DNG, Foveon, sRAW, monochrome); {in_colours(str(path))}"
        )
    return np.array(raw.raw_image)


def _facts(raw: Any, path: Path) -> RawFacts:
    try:
        tiff = TiffFile(path, is_lsm=False)
    except Exception:  # no TIFF, as Canon's CR3 and Fujifilm's RAF
        return camera_facts(raw, path)
    with tiff:
        return read_dng(tiff, str(path), raw.white_level) if is_dng(tiff) else camera_facts(raw, path)


def _damaged(path: Path, reason: object) -> InputError:
    return InputError(
        f"{path}: expected a RAW file that LibRaw reads, but got a damaged one, or one of a camera that it does not "
        f"know ({str(reason) or repr(reason)}); copy the file again, or convert it to DNG"
    )
