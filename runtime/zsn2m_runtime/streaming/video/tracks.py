"""The tracks of a video beside its pictures: what they are, and how they go to an output as they are."""

from __future__ import annotations

import logging
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.container import OutputContainer

from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.streaming.video.metadata import ABOUT_THE_FILE

if TYPE_CHECKING:
    from zsn2m_runtime.streaming.video.decoder import Decoder

# Metadata of a track that stays true in the new file.
LABELS = ("language", "title", "timecode", "stereo_mode")

log = logging.getLogger(__name__)


class Tracks:
    """The source's tracks in an output, written from its header on.

    Raises:
        UsageError: if the container cannot hold one of them.
    """

    def __init__(self, output: OutputContainer, source: Decoder, name: str) -> None:
        self._name, self._output = name, output
        self._streams: dict[int, Any] = {}
        for template in source.tracks:
            try:
                stream = output.add_stream_from_template(template)
            except (ValueError, av.FFmpegError) as error:
                raise UsageError(
                    f"{name}: expected a container that holds the source's {template.type} ({template.name}), but "
                    f"{output.format.name} does not; write the source's own kind of file, or leave audio and "
                    f"subtitles out with --no-tracks"
                ) from error
            stream.disposition = template.disposition
            copy_labels(template, stream)
            self._streams[template.index] = stream
        if output.format.name == "matroska" and source.passes_tracks:
            for found in source.attachments:
                output.add_attachment(found.metadata.get("filename", "attachment"), found.mimetype or "", found.data)
        output.metadata.update(
            {key: value for key, value in source.container.metadata.items() if key.lower() not in ABOUT_THE_FILE}
        )
        output.set_chapters(source.container.chapters())

    def write(self, packet: Any, shift: Fraction) -> None:
        """Copy a packet, `shift` seconds later than in the source.

        Left out are packets out of order, with a warning, and those before time zero, which came before the video.
        """
        stream = self._streams.get(packet.stream_index)
        if stream is None:
            return
        if shift:
            ticks = round(shift / packet.time_base)
            if packet.pts is not None and packet.pts + ticks < 0:
                return
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        packet.stream = stream
        try:
            self._output.mux(packet)
        except av.error.ArgumentError:
            log.warning("%s: leaving out a packet of %s that is out of order", self._name, stream.type)


def copy_labels(template: Any, stream: Any) -> None:
    """Language and title of a track."""
    stream.metadata.update({key: template.metadata[key] for key in LABELS if key in template.metadata})


def is_cover(stream: Any) -> bool:
    """Whether a video track is a picture of the whole, as of an album, or thumbnails."""
    return bool(stream.disposition & (av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails))


def holds_only(stream: Any, code: str | None) -> bool:
    """Whether a track holds nothing but this timecode, which goes through as a tag."""
    return stream.type == "data" and code is not None and stream.metadata.get("timecode") == code


def kind_of_track(stream: Any) -> str:
    """A track in words, such as `data (TimeCodeHandler)`, or `cover picture (mjpeg)`."""
    codec = stream.codec_context
    kind = "cover picture" if stream.type == "video" and is_cover(stream) else str(stream.type)
    name = stream.metadata.get("filename") or (codec.name if codec else stream.metadata.get("handler_name"))
    return f"{kind} ({name})" if name else kind
