"""The frames of a training as they were given, checked and looked at, before anything of torch is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.frames.first_look import FirstLook, first_look
from zsn2m_deploy.frames.loading import TrainingFrames, load_training_frames
from zsn2m_deploy.frames.reading import FrameOptions, FrameSource
from zsn2m_runtime.atomic import check_folder_target
from zsn2m_runtime.errors import InputError
from zsn2m_runtime.path_kinds import check_outside_bundles


@dataclass(frozen=True)
class Given:
    """Frames, and what was seen of them; None: they are looked at when they are trained on."""

    frames: TrainingFrames
    look: FirstLook | None = None


def given_frames(
    sources: Sequence[FrameSource], path: Path, config: TrainConfig, options: FrameOptions, overwrite: bool
) -> Given:
    """Read frames for a bundle that can be written.

    Args:
        path: of the bundle; overwrite: whether it may replace one
    Raises:
        InputError, UsageError: as `load_training_frames`.
        OutputError: the folder exists, or is in a bundle.
    """
    check_outside_bundles(path)
    check_folder_target(path, overwrite)
    return Given(load_training_frames(sources, options, config.mosaic))


def looked_at(given: Given, config: TrainConfig) -> Given:
    """The same frames with what is seen of them.

    Raises:
        InputError, UsageError: as `first_look`; the frame is blank all over.
    """
    with named(given.frames):
        return Given(given.frames, first_look(given.frames.seen, config).estimated())


@contextmanager
def named(frames: TrainingFrames) -> Iterator[None]:
    """Have errors say which frames they are of."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{', '.join(frames.names)}: {error}") from error
