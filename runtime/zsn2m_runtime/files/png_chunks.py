"""The chunks of a PNG file: split and checked on reading, copied on writing."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zsn2m_runtime.files.layout import Metadata

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD = b"XML:com.adobe.xmp\x00"
METRE_IN_INCHES = 1 / 0.0254
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type: samples per pixel, a palette index counting as one
PLAIN = ((0, 0, 1, 1),)  # passes over the pixels: first column and row, steps to the next ones
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
LONGEST_PROFILE = 1 << 26  # bytes of a colour profile, inflated; real ones have at most a few megabytes
LONGEST_SIDE = 1_000_000  # PNG_USER_WIDTH_MAX and PNG_USER_HEIGHT_MAX of libpng 1.6
PIECE = 1 << 16  # bytes inflated at once

TEXTS = (b"iTXt", b"tEXt", b"zTXt")
# Chunks that are also true of a denoised picture of the same size and type.
CARRIED = frozenset(
    (
        b"cICP",
        b"mDCV",
        b"cLLI",
        b"iCCP",
        b"sRGB",
        b"gAMA",
        b"cHRM",
        b"pHYs",
        b"eXIf",
        *TEXTS,
    )
)


class BrokenPngError(Exception):
    """The bytes are not a complete, undamaged PNG file; the text says what is wrong."""


@dataclass(frozen=True)
class Chunk:
    """One chunk: four letters and its data."""

    kind: bytes
    data: bytes

    def packed(self) -> bytes:
        """The chunk as it stands in a file, with length and checksum."""
        body = self.kind + self.data
        return struct.pack(">I", len(self.data)) + body + struct.pack(">I", zlib.crc32(body))


def split_chunks(content: bytes) -> list[Chunk]:
    """All chunks of a PNG file; every checksum and the end of the pixel stream are checked.

    Decoders give half a picture of a file that was cut.

    Raises:
        BrokenPngError: if anything is missing or damaged.
    """
    if not content.startswith(SIGNATURE):
        raise BrokenPngError("it does not begin like a PNG file")
    chunks: list[Chunk] = []
    position = len(SIGNATURE)
    while not chunks or chunks[-1].kind != b"IEND":
        if position + 12 > len(content):
            raise BrokenPngError("it ends too early")
        (length,) = struct.unpack_from(">I", content, position)
        end = position + 12 + length
        if end > len(content):
            raise BrokenPngError("it ends too early")
        body = content[position + 4 : end - 4]
        if zlib.crc32(body) != struct.unpack_from(">I", content, end - 4)[0]:
            raise BrokenPngError(f"a {body[:4]!r} chunk is damaged")
        chunks.append(Chunk(body[:4], body[4:]))
        position = end
    _check_pixel_stream(chunks)
    return chunks


def _check_pixel_stream(chunks: list[Chunk]) -> None:
    if chunks[0].kind != b"IHDR" or len(chunks[0].data) != 13:
        raise BrokenPngError("it has no header")
    expected = _pixel_bytes(chunks[0].data)
    parts = (chunk.data for chunk in chunks if chunk.kind == b"IDAT")
    if sum(map(len, _inflated(parts, expected, "its pixels"))) < expected:
        raise BrokenPngError("its pixels are incomplete")


def _pixel_bytes(header: bytes) -> int:
    """How many bytes the pixels have before compression: in every row of every pass, a filter type and samples."""
    width, height, depth, colour_type, _, _, interlace = struct.unpack(">IIBBBBB", header)
    if not width or not height or colour_type not in SAMPLES or depth > 16:
        raise BrokenPngError("its header is damaged")
    total = 0
    for left, top, across, down in ADAM7 if interlace else PLAIN:
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * SAMPLES[colour_type] * depth + 7) // 8)
    return total


def _inflated(parts: Iterable[bytes], most: int, name: str) -> Iterator[bytes]:
    """A zlib stream in small pieces: a few bytes can inflate to more than the memory holds.

    Raises:
        BrokenPngError: if it is damaged, incomplete, or longer than `most` bytes.
    """
    stream, left = zlib.decompressobj(), most
    for part in parts:
        for start in range(0, len(part), PIECE):
            packed = part[start : start + PIECE]
            more = True
            while more:
                try:
                    piece = stream.decompress(packed, PIECE)
                except zlib.error as error:
                    raise BrokenPngError(f"{name} are damaged ({error})") from error
                left -= len(piece)
                if left < 0:
                    raise BrokenPngError(f"{name} are more than the {most} bytes that they may have")
                yield piece
                packed, more = stream.unconsumed_tail, len(piece) == PIECE
    if not stream.eof:
        raise BrokenPngError(f"{name} are incomplete")


def metadata_of(chunks: list[Chunk]) -> Metadata:
    """The metadata that other formats can hold too."""
    icc = exif = xmp = resolution = None
    for chunk in chunks:
        if chunk.kind == b"iCCP":
            icc = _inflate_profile(chunk.data)
        elif chunk.kind == b"eXIf":
            exif = chunk.data
        elif chunk.kind == b"iTXt" and chunk.data.startswith(XMP_KEYWORD + b"\x00"):
            xmp = chunk.data.split(b"\x00", 5)[5]
        elif chunk.kind == b"pHYs" and len(chunk.data) == 9 and chunk.data[8] == 1:
            across, down = struct.unpack(">II", chunk.data[:8])
            resolution = (across / METRE_IN_INCHES, down / METRE_IN_INCHES)
    texts = any(chunk.kind in TEXTS and not chunk.data.startswith(XMP_KEYWORD) for chunk in chunks)
    return Metadata(icc, exif, xmp, resolution, texts=texts)


def _inflate_profile(data: bytes) -> bytes | None:
    try:
        return b"".join(_inflated([data.split(b"\x00", 1)[1][1:]], LONGEST_PROFILE, "the colours"))
    except (IndexError, BrokenPngError):  # a broken profile is copied to PNG only
        return None


def chunks_of(metadata: Metadata) -> list[Chunk]:
    """The chunks for metadata that comes from another format."""
    chunks = []
    if metadata.icc is not None:
        chunks.append(Chunk(b"iCCP", b"ICC profile\x00\x00" + zlib.compress(metadata.icc)))
    if metadata.resolution is not None:
        across, down = (round(value * METRE_IN_INCHES) for value in metadata.resolution)
        chunks.append(Chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if metadata.exif is not None:
        chunks.append(Chunk(b"eXIf", metadata.exif))
    if metadata.xmp is not None:
        chunks.append(Chunk(b"iTXt", XMP_KEYWORD + bytes(4) + metadata.xmp))
    return chunks
