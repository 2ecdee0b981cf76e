"""The file of a video that is written in fragments, so that what is there plays after a crash or on a full disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from zsn2m_runtime.streaming.containers import Container
from zsn2m_runtime.streaming.video.decoder import Decoder

T = TypeVar("T")


class FragmentFile:
    """A file in which nothing is changed after a failed write.

    libav would go on: it removes the fragments also where the index does not fit on the disk, and then nothing plays.

    Attributes:
        has_packets: set by the writer with the first one; libav crashes when it ends such a file without any
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._failure: OSError | None = None
        self.has_packets = False
        self.tell = self._file.tell

    @property
    def closed(self) -> bool:
        """Whether PyAV must not end the file; it asks before it does."""
        return self._file.closed or self._failure is not None or not self.has_packets

    def write(self, data: Any) -> int:
        """Write all bytes; after a failure none, silently, as PyAV prints every further error."""
        return len(data) if self._failure else self._try(lambda: self._file.write(data))

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place in the file; buffered bytes are written."""
        return place if self._failure else self._try(lambda: self._file.seek(place, whence))

    def close(self) -> None:
        """Close it; may be called twice.

        Raises:
            OSError: what has failed, now or before.
        """
        self._try(self._file.close)
        if self._failure:
            raise self._failure

    def _try(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except OSError as failure:
            self._failure = failure
            raise


def in_fragments(container: Container, source: Decoder | None) -> Container:
    """The container, without fragments where a track cannot be in them.

    AAC from MPEG-TS has its configuration in the packets, MP4 in the header; libav converts it in whole files only.
    """
    tracks = source.tracks if source else []
    is_bare = any(track.codec_context.name == "aac" and not track.codec_context.extradata for track in tracks)
    return replace(container, fragments=False) if is_bare else container
