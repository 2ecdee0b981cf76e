"""Parts of a manifest: what it says of the sensor, of the frames' noise, and of how a bundle was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from zsn2m_deploy.adapt.mixture import records
from zsn2m_deploy.frames.loading import TrainingFrames
from zsn2m_deploy.report.words import chosen
from zsn2m_deploy.trained import Trained
from zsn2m_runtime.blank.areas import present
from zsn2m_runtime.manifest import Sensor
from zsn2m_runtime.noise.corrections import without_offsets
from zsn2m_runtime.noise.facts import NoiseFacts, noise_facts
from zsn2m_runtime.noise.familiarity import training_stats
from zsn2m_runtime.noise_record import NoiseGroup, TrainingStats
from zsn2m_runtime.sample_types import Pixels
from zsn2m_runtime.training_record import TrainedFrame, TrainedStage, TrainingRecord


def sensor_of(training: TrainingFrames, sigma: float) -> Sensor:
    """What frames of the sensor are; sigma: standard deviation of their noise, sensor units."""
    return Sensor(
        dtype=training.dtype,
        channels=training.frames[0].channels,
        range=training.value_range,
        noise_sigma=sigma,
        stack_channel=training.channel,
        mosaic=training.mosaic,
    )


def noise_of_frames(training: TrainingFrames, trained: Trained, sound: Sequence[Pixels]) -> NoiseFacts:
    """The noise of the frames that share the first one's noise model.

    Shape:
        sound: each (h, w) or (h, w, c), every frame without dead lines and impulses, sensor units
    """
    blanks, group = training.blanks, trained.groups[0].frames
    given = [present(sound[index], blanks[index]) for index in group]
    pixels = [present(trained.corrections.corrected(sound[index]), blanks[index]) for index in group]
    return noise_facts(pixels, trained.noise, training.value_range, given)


def seen_of_frames(
    training: TrainingFrames, trained: Trained, sound: Sequence[Pixels]
) -> tuple[TrainingStats, tuple[NoiseGroup, ...]]:
    """What a Denoiser compares other frames with: those that share the first one's noise, and each group of a mixture.

    Shape:
        sound: as for `noise_of_frames`
    """
    blanks, group = training.blanks, trained.groups[0].frames
    seen = [without_offsets(frame, trained.corrections.offsets.row_noise) for frame in sound]  # as it sees others
    look = training_stats([seen[index] for index in group], trained.noise, [blanks[index] for index in group])
    return look, records(training.names, seen, trained.groups, blanks)


def training_record(
    training: TrainingFrames,
    trained: Trained,
    noise: NoiseFacts,
    mixture: tuple[NoiseGroup, ...],
    export_seconds: float,
) -> TrainingRecord:
    """How a bundle was trained; without a verdict, and with the warnings of training alone."""
    defective, impulses = trained.corrections.defective_share, trained.corrections.impulse_share
    return TrainingRecord(
        frames=[
            TrainedFrame(name=name, height=frame.pixels.shape[0], width=frame.pixels.shape[1])
            for name, frame in zip(training.names, training.frames, strict=True)
        ],
        device=trained.device,
        precision=trained.precision,
        chosen=chosen(trained.config, noise, defective, mixture, impulses),
        defective_share=defective,
        impulse_share=impulses,
        stages=[TrainedStage(**asdict(report)) for report in trained.reports],
        export_seconds=export_seconds,
        hints=[*training.hints, *trained.hints],
        warnings=(*training.warnings, *trained.warnings),
    )
