"""All that a report says, gathered; report.json is this."""

from __future__ import annotations

import json
import math
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zsn2m_deploy.advice import NETWORKS, next_steps
from zsn2m_deploy.frames.value_range import bits_in_use, range_of_bits
from zsn2m_deploy.report.removed import Removed
from zsn2m_deploy.report.self_check import SelfCheck
from zsn2m_deploy.report.words import Check, Verdict, judge, remedy
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.noise.facts import NoiseFacts
from zsn2m_runtime.patterns import MOSAIC
from zsn2m_runtime.sample_types import is_whole, limits_of
from zsn2m_runtime.suffixes import IMAGE_SUFFIXES

REPORT_VERSION = 1  # of report.json; rises when a field changes its meaning or goes
FRAMES_NAMED = 3  # in a command, at most


@dataclass(frozen=True)
class Report:
    """What is known of a bundle's result on its first training frame.

    height, width: of its pictures, which show a mosaic's planes; size: rows and columns of the frame
    """

    bundle: str
    frame: str
    height: int
    width: int
    size: tuple[int, int]
    manifest: Manifest
    noise: NoiseFacts
    removed: Removed
    self_check: SelfCheck
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]
    noisy: bool  # whether the frame has noise at all
    weakened: bool = False  # whether the network takes detail for noise, and removes less than it could

    @property
    def hints(self) -> tuple[str, ...]:
        """What may be worth knowing and is no reason to worry."""
        return self.manifest.training.hints

    @property
    def next_steps(self) -> tuple[str, ...]:
        """What to do next, with commands in backquotes."""
        names = [frame.name for frame in self.manifest.training.frames]
        are_files = all(Path(name).suffix.lower() in IMAGE_SUFFIXES for name in names)  # no pages, no arrays
        frames = shlex.join(names) if are_files and 1 <= len(names) <= FRAMES_NAMED else "FRAME..."
        method = self.manifest.method
        wrong = remedy(self.removed, self.self_check, method) if self.noisy else None
        if method.mosaic == "none" and any(_names_filters(text) for text in self.warnings):
            wrong = "--mosaic auto"
        if wrong is not None:
            wrong = " ".join(filter(None, (wrong, *self._kept_options(wrong))))
        video = any(model.strength for model in self.manifest.models)
        return next_steps(self.verdict is Verdict.GOOD, self.noisy, wrong, frames, shlex.quote(self.bundle), video)

    def _kept_options(self, remedy: str) -> list[str]:
        """Options that say what the frames are, for another training of them."""
        sensor, asked = self.manifest.sensor, self.manifest.method.mosaic
        is_asked = asked == "none" or (sensor.mosaic is not None and asked != "refuse")
        kept = [f"--mosaic {asked}"] if is_asked and "--mosaic" not in remedy else []
        depth = bits_in_use(sensor.dtype, *sensor.range)
        if depth and range_of_bits(sensor.dtype, depth) == sensor.range:
            kept.append(f"--bit-depth {depth}")
        elif not is_whole(sensor.dtype) or sensor.range != limits_of(sensor.dtype):
            kept.append("--range {:.12g} {:.12g}".format(*sensor.range))
        return kept

    @property
    def verdict(self) -> Verdict:
        """Whether there is anything to look at."""
        return judge(self.checks, self.warnings, self.self_check, self.weakened)

    @property
    def chosen(self) -> str:
        """The line of what was chosen and why."""
        return self.manifest.training.chosen or ""

    @property
    def times(self) -> dict[str, float]:
        """Seconds of each part."""
        training = self.manifest.training
        stages = {f"training of {NETWORKS[stage.stage]}": stage.seconds for stage in training.stages}
        return stages | {"export": training.export_seconds}


def _names_filters(warning: str) -> bool:
    """Whether it says that the frame is a mosaic that could be trained on as one."""
    return warning.startswith(MOSAIC) and "--mosaic" in warning


def as_json(report: Report) -> str:
    """The content of report.json; what is not finite is null."""
    manifest = report.manifest
    content = {
        "report_version": REPORT_VERSION,
        "bundle": report.bundle,
        "created": manifest.created,
        "versions": manifest.versions,
        "frame": {"name": report.frame, "height": report.size[0], "width": report.size[1]},
        "sensor": manifest.sensor.model_dump(mode="json"),
        "verdict": report.verdict,
        "chosen": report.chosen,
        "method": manifest.method.model_dump(include={"preset", "method", "strength"}) | {"seed": manifest.seed},
        "noise": report.noise.as_json(),
        "mixture": [group.model_dump(mode="json", include={"frames", "sigma"}) for group in manifest.mixture],
        "row_noise": [found.model_dump(mode="json") for found in manifest.row_noise],
        "dead_lines": manifest.dead_lines and manifest.dead_lines.model_dump(mode="json"),
        "fixed_pattern": manifest.fixed_pattern and manifest.fixed_pattern.model_dump(mode="json"),
        "removed": asdict(report.removed),
        "checks": [asdict(check) for check in report.checks],
        "self_check": asdict(report.self_check),
        "warnings": report.warnings,
        "hints": report.hints,
        "next": report.next_steps,
        "has_noise": report.noisy,
        "training": manifest.training.model_dump(mode="json", include={"device", "precision", "stages"}),
        "models": [_model(report, model.id) for model in manifest.models],
        "seconds": report.times,
    }
    return json.dumps(_finite(content), indent=2, allow_nan=False)


def _model(report: Report, model_id: str) -> dict[str, Any]:
    manifest = report.manifest
    model = next(model for model in manifest.models if model.id == model_id)
    facts = model.model_dump(mode="json", include={"id", "parameters", "stride", "receptive_radius", "parity"})
    return facts | {"default": model.id == manifest.default}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
