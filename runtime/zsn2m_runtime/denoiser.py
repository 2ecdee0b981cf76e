"""Denoising frames with a bundle: the public class of the runtime."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from zsn2m_runtime.bundle import Bundle, read_manifest
from zsn2m_runtime.card import card_inside, check_card
from zsn2m_runtime.commands import export_command
from zsn2m_runtime.errors import BundleError, UsageError
from zsn2m_runtime.gain import Gain
from zsn2m_runtime.image import Frame, as_frame
from zsn2m_runtime.inference.frames import Average, Planes, denoise_frame, denoise_mean
from zsn2m_runtime.inference.orientations import AS_IT_IS
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.inference.strips import DEFAULT_STRIP_PIXELS, STRIP_PIXELS_OF_VIDEO
from zsn2m_runtime.known_frames import KnownFrames
from zsn2m_runtime.lookahead import Lookahead
from zsn2m_runtime.mosaic_record import MosaicRecord
from zsn2m_runtime.noise_record import NoiseRecord
from zsn2m_runtime.pipeline import Pipeline
from zsn2m_runtime.reloading import Reloading, files_found
from zsn2m_runtime.sample_types import Mask, Nchw, Pixels
from zsn2m_runtime.sensor_check import check_fits
from zsn2m_runtime.sequence import MOTIONS, MotionName


class Denoiser:
    """A denoiser specialised to one sensor, run by onnxruntime.

    Args:
        path: a bundle folder, or a single exported .onnx file
        model: id of the bundle's model; None takes the bundle's default
        provider: auto, or `NAME[:option=value[,option=value...]]`, which is used or refused, never replaced
        threads: CPU threads; 0: one for each core
        strip_pixels: larger frames are processed in strips of about so many pixels; None: 2**19, of the model
            for videos 2**21
        spinning: threads wait busily for the next frame; gains a stream nothing: docs/decisions/streams-do-not-spin.md

    Attributes:
        card: the model's facts
        provider: the provider that runs
    Raises:
        BundleError: no bundle or model file, or a damaged one.
        UsageError: no such model, or one that takes other arrays than frames.
        UnavailableError: the provider cannot be had on this machine.

    One Denoiser may be used from several threads. A pickled one opens its bundle again in the other process.
    """

    _of_all_orientations: ClassVar[bool] = False

    def __init__(
        self,
        path: str | Path,
        model: str | None = None,
        provider: str = "auto",
        threads: int = 0,
        strip_pixels: int | None = None,
        spinning: bool = True,
    ) -> None:
        self._opened_with = (Path(path).absolute(), model, provider, threads, strip_pixels, spinning)
        if strip_pixels is not None and strip_pixels < 1:
            raise UsageError(f"expected strip_pixels of at least 1, but got {strip_pixels}")
        path = Path(path)
        self._files = files_found(path)  # before they are read: what changes later is seen by `reloading`
        if path.suffix == ".onnx" and not path.is_dir():
            self._session = Session(path, provider, threads, spinning)
            self.card = card_inside(path, self._session)
            if model not in (None, self.card.id):
                raise UsageError(f"{path}: expected model {self.card.id}, which this file is, but got {model!r}")
            self._known = KnownFrames(self.card)
        else:
            bundle = Bundle(path, read_manifest(path))
            entry = bundle.model(model)
            self.card = bundle.manifest.card(entry)
            self._known = KnownFrames.of(bundle.manifest, self.card)
            if "onnx" not in entry.files:
                raise BundleError(f"{path}: model {entry.id} has no ONNX file; run: {export_command(path)}")
            record = entry.files["onnx"]
            bundle.check_files(apart_from=record)  # the session checks that one as it reads it
            self._session = Session(bundle.file(record), provider, threads, spinning, record.sha256)
            check_card(bundle.file(record), self._session, self.card)
        usual = DEFAULT_STRIP_PIXELS if self.card.strength is None else STRIP_PIXELS_OF_VIDEO
        self._strip_pixels = strip_pixels or usual
        self._orientations = self._known.orientations() if self._of_all_orientations else AS_IT_IS

    @property
    def provider(self) -> str:
        """Short name of the provider that runs."""
        return self._session.provider

    @property
    def noises(self) -> tuple[NoiseRecord, ...]:
        """The kinds of noise that it was trained on; none: unknown, or with salt and pepper, which is not measured."""
        return self._known.noises

    @property
    def averages(self) -> bool:
        """Whether a stream averages frames along their motion before the network.

        Not with a single .onnx file, nor a bundle that does not know its noise, or removes salt and pepper or a pattern
        that stays in place: a mean would smear what is looked for.
        """
        return bool(self.noises) and self._known.fixed_pattern is None and self._known.dead_lines is None

    def __reduce__(self) -> tuple[type[Denoiser], tuple[object, ...]]:
        return type(self), self._opened_with

    def __repr__(self) -> str:
        sensor, (low, high) = self.card.sensor, self.card.sensor.range
        kind = f"{sensor.mosaic.pattern} mosaic" if sensor.mosaic else {1: "grey", 3: "colour"}[sensor.channels]
        what = f"{sensor.dtype} {kind} from {low:g} to {high:g}"
        return f"{type(self).__name__}({self.card.id} on {self.provider}, {what})"

    def __call__(self, frame: Pixels) -> Pixels:
        """Denoise one frame.

        Shape:
            frame: (h, w), (h, w, 3) RGB or (h, w, 4) RGBA, in sensor units; alpha is returned unchanged
            returns: the same shape and dtype; integers rounded and clamped to the sensor's range
        Raises:
            InputError: a frame of another type, channel count or range than the bundle was trained on.
        """
        denoised = self.denoise(as_frame(frame)).as_array()
        return denoised.reshape(frame.shape)

    def unlike(self, frame: Pixels) -> tuple[str, ...]:
        """How a frame differs from the training frames, in sentences; empty if it does not.

        Compared are the noise's level and correlation, and for networks trained on their frames alone the texture.
        Such a frame can be denoised, but a bundle trained on it would do better. Stripes that the model does not
        remove, regular detail and dither are named in every frame that has them; so is a colour filter mosaic
        ("mosaic: ..."), unless the bundle is for mosaics or was trained with --mosaic none. Of mosaics, those whose
        pixels show green on the other diagonal are named.

        Nothing is found in frames below 16 x 16 pixels. A single .onnx file and bundles of older versions hold no
        statistics to compare with. It takes 0.1 to 0.3 s at any size; that and its false warnings:
        docs/results/cross-frame.md#familiarity.

        Shape:
            frame: as for a call
        Raises:
            InputError: a frame of another type, channel count or range than the bundle was trained on.
        """
        return self.differences(as_frame(frame))

    def differences(self, frame: Frame) -> tuple[str, ...]:
        """As `unlike`, for a frame with an alpha plane: pixels of alpha 0 are left out.

        Raises:
            InputError: a frame of another type, channel count or range than the bundle was trained on.
        """
        check_fits(self.card.sensor, frame)
        return self._known.differences(frame)

    def check_pattern(self, stated: MosaicRecord | None, name: str) -> None:
        """Refuse a source that states other colour filters than those of the bundle's sensor.

        Raises:
            InputError: a mosaic of another pattern, or a mosaic where the bundle is for pictures.
        """
        self._known.check_pattern(stated, name)

    def stream(
        self, frames: Iterable[Pixels], motion: MotionName = "flow", reload: bool = False, lookahead: int = 0
    ) -> Iterator[Pixels]:
        """Denoise frames in order, while a thread reads the next ones; memory is bounded.

        Frames are averaged along their motion before the network, as far as they agree, and the strength of the noise
        follows a camera's gain (`averages` says where not). Averages start anew after a cut, and of a bundle of several
        noises the strength.

        Args:
            motion: where the content of a frame was before: `flow`, by optical flow; `none`, where it is, for a camera
                that stands still; `off`: every frame by itself
            reload: a bundle that is replaced on disk is taken up between two frames, with a log message; one that is
                damaged, half written or of another sensor is warned of, and the one in use goes on
            lookahead: frames after it that each is averaged with, too; its result comes so many frames later. Where
                frames are not averaged none waits
        Shape:
            frames: each as for a call; sizes may differ, and one buffer may be filled again and again
            yields: the same shapes and dtypes
        Raises:
            InputError: a frame of another type, channel count or range; after the results of the frames before it.
                Errors of `frames` itself are raised in the same way.
            UsageError: no such motion, or a lookahead that is no number of frames.
        """
        if motion not in MOTIONS:
            raise UsageError(f"expected a motion of {', '.join(MOTIONS)}, but got {motion!r}; choose one of those")
        scene = Lookahead(self, MOTIONS[motion], lookahead)
        reloading = self.reloading() if reload else None
        shapes: deque[tuple[int, ...]] = deque()

        def taken(arrays: Iterable[Pixels]) -> Iterator[Frame]:
            for array in arrays:
                frame = as_frame(array)
                shapes.append(array.shape)
                yield frame

        def work(arrays: Iterable[Pixels]) -> Iterator[Pixels]:
            for denoised in scene.results(taken(arrays), reloading.newer if reloading else None):
                yield denoised.as_array().reshape(shapes.popleft())

        try:
            with Pipeline(map(_own_copy, frames), work) as results:
                yield from results
        finally:
            if reloading:
                reloading.close()

    def reloading(self) -> Reloading[Denoiser]:
        """Tells when the bundle is replaced on disk."""
        return Reloading(self._opened_with[0], self._files, lambda: type(self)(*self._opened_with), self.card.sensor)

    def denoise(self, frame: Frame, name: str = "frame") -> Frame:
        """Denoise one frame; messages call it `name`.

        Blank pixels (padding, alpha 0, not finite) are returned unchanged.

        Raises:
            InputError: a frame of another type, channel count or range than the bundle was trained on.
        """
        check_fits(self.card.sensor, frame, name)
        if self.card.strength and len(self.noises) > 1:
            gain = Gain(self.noises)

            def of_its_strength(noisy: Nchw, _: Mask | None) -> Planes:
                gain.start(noisy)
                return Planes(noisy, gain.strength)

            return self.denoise_mean(frame, of_its_strength, name)[0]
        return denoise_frame(self._session, self.card, frame, self._strip_pixels, self._orientations)

    def denoise_mean(self, frame: Frame, average: Average, name: str = "frame") -> tuple[Frame, Nchw]:
        """Denoise what `average` makes of a frame, for a Sequence.

        Args:
            average: of the frame's samples (1, c, h, w), float32, sensor units, of mosaics the four planes, and where
                they are blank: the samples for the network, and the strength of their noise
        Returns:
            the frame as `denoise` gives it, and the network's result as samples, not rounded
        Raises:
            InputError: as `denoise`.
        """
        check_fits(self.card.sensor, frame, name)
        return denoise_mean(self._session, self.card, frame, average, self._strip_pixels, self._orientations)


def _own_copy(frame: Pixels) -> Pixels:
    """A copy, as the caller may overwrite the buffer while the frame waits."""
    return frame.copy() if isinstance(frame, np.ndarray) else frame
