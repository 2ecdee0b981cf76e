"""One row for each thing judged: a frame's own result, a result with a planted fault, a faulty frame."""

from __future__ import annotations

import datetime
import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import sources
from benchmarks.quality.methods import apply
from benchmarks.resumable import code, machine
from benchmarks.verdicts import faults
from benchmarks.verdicts.frames import Example, Spec, load
from zsn2m_deploy.api import train_and_export
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.report.analysis import analyse
from zsn2m_deploy.report.presence import presence_of
from zsn2m_deploy.report.self_check import Context, self_check
from zsn2m_deploy.report.warnings import warnings
from zsn2m_deploy.training import train
from zsn2m_runtime.errors import Zsn2mError
from zsn2m_runtime.noise.model import Doubles
from zsn2m_runtime.sample_types import Pixels

ROWS = Path(__file__).with_name("rows.csv")
FAST = TrainConfig.from_preset("fast").updated({"video": False})  # no verdict looks at the model for videos
SOURCES = sources.digest(
    (*sources.FRAMES, *sources.VERDICT, "benchmarks/verdicts/drawn.py", "benchmarks/verdicts/faults.py"),
    settings=FAST.model_dump_json(),
)
OWN = "own result"
OTHER_STRENGTHS = {"noise taken for 4 times as strong": 4.0, "noise taken for a quarter": 0.25}


@dataclass(frozen=True)
class Row:
    """`gain`: dB that the result is nearer to the truth than the frame; `behind`: dB behind the frame's own result.

    true, low, high: PSNR and the self-check's range, None where there is none
    """

    group: str
    image: str
    noise: str
    fault: str
    warned: str
    gain: float | None
    behind: float | None
    true: float | None
    low: float | None
    high: float | None
    code: str
    date: str
    machine: str
    sources: str  # hash of what made it; none where that was before hashes were kept

    @property
    def key(self) -> tuple[str, ...]:
        """What a row is of: measured again, it has the same."""
        return (self.group, self.image, self.noise, self.fault)

    @property
    def figure(self) -> float | None:
        """What is compared when it is measured again, in dB."""
        return self.gain


@dataclass(frozen=True)
class Task:
    """A frame with its results, or a faulty one; `fault` of a task is what is done in training."""

    spec: Spec
    fault: str = OWN

    @property
    def key(self) -> tuple[str, ...]:
        """That of its own row."""
        return (self.spec.group, self.spec.image, self.spec.noise, self.fault)


def measure(task: Task) -> list[Row]:
    """The rows of a task; the first is its own."""
    if task.fault in faults.FRAMES:
        return [_row(task.spec, task.fault, _said_of(faults.FRAMES[task.fault](int(task.spec.image))))]
    example = load(task.spec)
    strength = OTHER_STRENGTHS.get(task.fault)
    config = FAST.updated({"strength": strength}) if strength else FAST
    trained = train([example.noisy], config)
    own = faults.stored(apply(trained, "sensor", example.noisy.astype(np.float32)), example)
    presence = presence_of(example.noisy, trained.noise)

    def denoise(planes: Doubles) -> Doubles:
        pixels = planes.reshape(example.noisy.shape).astype(np.float32)
        return apply(trained, "sensor", pixels).reshape(planes.shape).astype(np.float64)

    removed = analyse(example.noisy, own, trained.noise, example.value_range)
    context = Context(removed.structured)
    check = self_check(_planes(example.noisy), denoise, trained.noise, example.value_range, context)
    said = (*trained.warnings, *warnings(removed, check, trained.config, presence))
    first = _row(task.spec, task.fault, said, _gain(example, own), 0.0, _psnr(example, own), check.low, check.high)
    rows = [first]
    if task.fault == OWN:
        for name, result in faults.results(example, own):
            found = analyse(example.noisy, result, trained.noise, example.value_range)
            behind = _psnr(example, own) - _psnr(example, result)
            text = warnings(found, replace(check, left=None), trained.config)  # the check is of the own result
            rows.append(_row(task.spec, name, text, _gain(example, result), behind))
    return rows


def _said_of(frames: list[Pixels]) -> tuple[str, ...]:
    """What is said of a faulty frame at the public door."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            bundle = train_and_export(frames, Path(folder) / "cam.zsn2m", FAST)
        except Zsn2mError as error:
            return (str(error),)
        return bundle.manifest.training.warnings


def _row(spec: Spec, fault: str, said: tuple[str, ...], *figures: float | None) -> Row:
    gain, behind, true, low, high = (*figures, *(None,) * 5)[:5]
    today = str(datetime.datetime.now(datetime.UTC).date())
    text = " | ".join(said).replace("\n", " ")
    return Row(
        spec.group,
        spec.image,
        spec.noise,
        fault,
        text,
        gain,
        behind,
        true,
        low,
        high,
        code(),
        today,
        machine(),
        SOURCES,
    )


def _planes(pixels: Pixels) -> Doubles:
    return np.asarray(pixels.reshape(*pixels.shape[:2], -1), np.float64)


def _error(example: Example, result: Pixels) -> float:
    return float(np.square(_planes(result) - _planes(example.clean)).mean()) + 1e-12


def _psnr(example: Example, result: Pixels) -> float:
    peak = example.value_range[1] - example.value_range[0]
    return 10 * math.log10(peak**2 / _error(example, result))


def _gain(example: Example, result: Pixels) -> float:
    return 10 * math.log10(_error(example, example.noisy) / _error(example, result))
