"""Small files that say they are huge, or cost much time, of every format."""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import av
import numpy as np
from PIL import Image

from support.image_files import save_any
from zsn2m_runtime.files.png_chunks import SIGNATURE, Chunk

SIDE = 40_000  # 1.6 gigapixels
SMALL = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)  # LibRaw reads no smaller ones


def bombs(folder: Path) -> dict[str, Path]:
    """Each kind and its file; those whose package is missing are left out."""
    made = {}
    for name, content in {
        "a.png": _png(),
        "a.jpg": _edited_jpeg(),
        "a.webp": _webp(),
        "a.bmp": _edited(".bmp", 18, struct.pack("<ii", SIDE, SIDE)),
        "a.gif": _edited(".gif", 6, struct.pack("<HH", SIDE, SIDE)),
        "a.pgm": b"P5 40000 40000 255\n" + bytes(1000),
        "a.exr": _exr(),
        "many.gif": many_frames(),
        "tile.tif": tiled_tiff(),
        "deflate.tif": deflated_tiff(),
    }.items():
        made[name] = folder / name
        made[name].write_bytes(content)
    return made


def scans_jpeg(side: int, scans: int) -> bytes:
    """A progressive JPEG that goes over its picture so many times more."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((side, side), 77, np.uint8)).save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    last = content.rfind(b"\xff\xda")
    begins = content.rfind(b"\xff\xc4", 0, last)
    return content[:begins] + content[begins:-2] * scans + content[-2:]


def many_frames() -> bytes:
    """A GIF of 60 frames of 1600 x 1600, all of one colour."""
    first, *others = [Image.new("L", (1600, 1600), 10 * (number % 2)) for number in range(60)]
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, optimize=False)
    return buffer.getvalue()


def _edited(suffix: str, place: int, data: bytes) -> bytes:
    content = bytearray(_saved(suffix))
    content[place : place + len(data)] = data
    return bytes(content)


def _saved(suffix: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(SMALL).save(buffer, {".jpg": "JPEG", ".bmp": "BMP", ".gif": "GIF"}[suffix])
    return buffer.getvalue()


def _png() -> bytes:
    """A real one: every row is there."""
    rows = zlib.compress(bytes(SIDE // 8 + 1) * SIDE, 9)
    header = Chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0))
    return SIGNATURE + b"".join(chunk.packed() for chunk in (header, Chunk(b"IDAT", rows), Chunk(b"IEND", b"")))


def _edited_jpeg() -> bytes:
    content = _saved(".jpg")
    place = re.search(rb"\xff\xc0", content).start() + 5  # type: ignore[union-attr]
    return content[:place] + struct.pack(">HH", SIDE, SIDE) + content[place + 4 :] + bytes(10)


def _webp() -> bytes:
    side = (16383).to_bytes(3, "little")  # the most that VP8X's own pictures have; its canvas may be larger
    chunk = b"VP8X" + struct.pack("<I", 10) + bytes(4) + side + side + bytes(100)
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def _exr() -> bytes:
    def attribute(name: bytes, kind: bytes, value: bytes) -> bytes:
        return name + b"\0" + kind + b"\0" + struct.pack("<I", len(value)) + value

    window = struct.pack("<iiii", 0, 0, SIDE - 1, SIDE - 1)
    channel = b"Y\0" + struct.pack("<IIII", 1, 0, 1, 1) + b"\0"
    header = attribute(b"channels", b"chlist", channel) + attribute(b"compression", b"compression", b"\0")
    header += attribute(b"dataWindow", b"box2i", window) + attribute(b"displayWindow", b"box2i", window)
    return struct.pack("<II", 20000630, 2) + header + b"\0" + bytes(100)


def tiff(entries: list[tuple[int, int, int, int]], data: bytes = b"", next_offset: int = 0) -> bytes:
    """A little-endian TIFF with one directory at 8 and data at 1000."""
    head = b"II*\0" + struct.pack("<I", 8) + directory(entries, next_offset)
    return head.ljust(1000, b"\0") + data


def directory(entries: list[tuple[int, int, int, int]], next_offset: int = 0) -> bytes:
    """A little-endian directory of tags."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + packed + struct.pack("<I", next_offset)


def page_entries(side: int, compression: int, size: int) -> list[tuple[int, int, int, int]]:
    """Tags of a grey page of one strip at 1000."""
    of_size = [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (259, 3, 1, compression), (262, 3, 1, 1)]
    return [*of_size, (273, 4, 1, 1000), (277, 3, 1, 1), (278, 4, 1, side), (279, 4, 1, size)]


def deflated_tiff() -> bytes:
    """A real page of 400 million zeros."""
    data = zlib.compress(bytes(20_000 * 20_000), 9)
    return tiff(page_entries(20_000, 8, len(data)), data)


def tiled_tiff() -> bytes:
    """A page of 10 x 10 whose only tile is said to be of a petabyte."""
    sizes = [(256, 4, 1, 10), (257, 4, 1, 10), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1)]
    return tiff([*sizes, (322, 4, 1, 1 << 30), (323, 4, 1, 1 << 20), (324, 4, 1, 1000), (325, 4, 1, 50)], bytes(50))


def huge_video(path: Path, side: int) -> None:
    """A video of one black frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.width = stream.height = side
        stream.pix_fmt = "gray"
        frame = av.VideoFrame(side, side, "gray")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def save_small(folder: Path, suffix: str) -> Path:
    """A harmless file of any format."""
    path = folder / f"small{suffix}"
    save_any(path, SMALL)
    return path
