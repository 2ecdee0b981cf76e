"""Writing the mosaic of a RAW file as DNG, or its active area alone as TIFF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tifffile import COMPRESSION, DATATYPE

from zsn2m_runtime.files import tiff_tags
from zsn2m_runtime.files.dng import Preview, RawFacts, tags_of_result
from zsn2m_runtime.files.layout import Layout
from zsn2m_runtime.files.tiff_directories import Tag, TiffStream, numbers, offsets
from zsn2m_runtime.files.writer import ImageWriter
from zsn2m_runtime.image import Frame
from zsn2m_runtime.sample_types import Pixels


class RawWriter(ImageWriter):
    """Writes one mosaic, uncompressed, which every RAW converter reads.

    Previews, masked pixels and those that the file calls defective stay as they came.

    Args:
        whole: with the masked pixels; else the active area alone
    Shape:
        samples: of the source, (h, w) with its masked pixels
    """

    def __init__(self, path: Path, layout: Layout, facts: RawFacts, samples: Pixels, whole: bool) -> None:
        super().__init__(path, layout)
        self._facts, self._samples, self._whole = facts, samples, whole

    def _begin(self, temporary: Path) -> None:
        self._temporary = temporary

    def _put(self, frame: Frame, page: int) -> None:
        facts, samples = self._facts, self._samples.copy()
        active = samples[facts.area.place]
        np.copyto(active, frame.pixels, where=active != facts.bad)
        if not self._whole:
            samples = active
        stored = np.ascontiguousarray(samples, samples.dtype.newbyteorder(facts.form.byteorder))
        with self._temporary.open("wb") as file:
            stream = TiffStream(file, facts.form)
            previews = [_append_preview(stream, preview) for preview in facts.previews]
            stream.align()
            tags = [
                *tags_of_result(facts, whole=self._whole),
                numbers(tiff_tags.COMPRESSION, [COMPRESSION.NONE], facts.form),
                numbers(tiff_tags.ROWS_PER_STRIP, [len(stored)], facts.form, DATATYPE.LONG),
                offsets(tiff_tags.STRIP_OFFSETS, [stream.append(stored.data)], facts.form),
                offsets(tiff_tags.STRIP_BYTES, [stored.nbytes], facts.form),
            ]
            stream.append_page([*tags, offsets(tiff_tags.SUB_IMAGES, previews, facts.form)] if previews else tags)


def _append_preview(stream: TiffStream, preview: Preview) -> int:
    """Write a preview; returns where its directory is."""
    places = [stream.append(segment) for segment in preview.segments]
    where, sizes = preview.places
    lengths = [len(segment) for segment in preview.segments]
    of_segments: tuple[Tag, ...] = (offsets(where, places, stream.form), offsets(sizes, lengths, stream.form))
    return stream.append_directory([*preview.tags, *of_segments])[0]
