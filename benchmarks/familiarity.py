"""Are frames noticed that are unlike the training frames, and only those? python -m benchmarks.familiarity

Of kodak24 each scene is trained on at sigma 25 (no network is needed for the question, only what the bundle keeps of
the frame), and used on itself and on all others. What a network really loses on such frames is taken from
benchmarks/quality/cross_frame.csv.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.noise_cases import noise_of
from benchmarks.quality import cases
from benchmarks.quality.cross_frame import Row, load
from benchmarks.quality.cross_frame_plan import FRESH, GROUPS, OWN, Shot, Training, load_shot
from benchmarks.quality.cross_frame_tables import MUCH, own_psnr
from benchmarks.results import table, write_section
from zsn2m_deploy.api import train_and_export
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.familiarity import differences, training_stats
from zsn2m_runtime.noise.frame_stats import FrameStats, measure
from zsn2m_runtime.noise_record import NoiseRecord, TrainingStats
from zsn2m_runtime.sample_types import Pixels

SIGMA = 25.0
LEVELS = (5.0, 10.0, 25.0, 50.0)  # that are trained on and used alike
OTHER_LEVELS = (10.0, 15.0, 20.0, 30.0, 35.0, 40.0, 50.0)
LAG_1 = 0.3
GAINS = (0.5, 1.5)
OTHER_NOISES = ("gauss 25 clamped", "gauss 50 clamped", "poisson 25")
KINDS = ("noise:", "noise of neighbouring", "noise of the channels", "texture")
REPEATS = 5
TIMED = ((256, 256, 3), (1080, 1920, 3), (4000, 6000, 3))
NOTES = f"""\
Share of the pairs of training frame and frame in use that are warned of: by the rule for the default network, which
knows every level, and by that for networks that know one level, with its reasons (several may hold).
Cross-frame losses: of the pairs in cross_frame.csv, how many of those that lose more than {MUCH:g} dB against a network
of the frame's own are noticed, and how many of the others. Milliseconds of one core, more where others are busy."""

Known = tuple[NoiseRecord, TrainingStats]


@dataclass(frozen=True)
class Count:
    """Pairs of what is known and what is used, and the sentences said of each by the two rules."""

    name: str
    pairs: list[tuple[FrameStats, Known]]

    def row(self) -> list[object]:
        """Of the table."""
        count = len(self.pairs)
        default = sum(bool(differences(stats, *known, every_level=True)) for stats, known in self.pairs)
        found = [differences(stats, *known) for stats, known in self.pairs]
        kinds = [sum(any(one.startswith(kind) for one in said) for said in found) for kind in KINDS]
        return [self.name, count, share(default, count), share(sum(map(bool, found)), count), *kinds]


def share(part: int, whole: int) -> str:
    """In per cent, and counted."""
    return f"{100 * part / whole:.1f} % ({part})" if whole else "-"


def known(frames: list[Pixels]) -> Known:
    """What a bundle keeps of its training frames."""
    noise = estimate_noise(frames)
    return noise.record(), training_stats(frames, noise)


@cache
def clean(image: str) -> Pixels:
    """A scene of kodak24."""
    return np.asarray(cases.case("kodak24", image, "gauss 25", 0, []).clean, np.float32)


@cache
def noisy(image: str, sigma: float, seed: int, lag_1: float = 0.0, gain: float = 1.0) -> Pixels:
    """A scene under noise; no two scenes share theirs."""
    place = int("".join(filter(str.isdigit, image)))
    return np.asarray(
        gain * clean(image) + sigma * noise_of(clean(image).shape, lag_1, 1000 * seed + place), np.float32
    )


def pairs(name: str, trained: dict[str, Known], used: dict[str, FrameStats]) -> list[Count]:
    """The same scene, and the other scenes, in two rows."""
    same = [(used[image], trained[image]) for image in trained]
    other = [(used[there], trained[here]) for here in trained for there in used if here != there]
    return [Count(f"{name}, same scene", same), Count(f"{name}, other scenes", other)]


def kodak() -> list[Count]:
    """All rows of known noise."""
    images = cases.names("kodak24")
    rows: list[Count] = []
    trained = {level: {image: known([noisy(image, level, 0)]) for image in images} for level in LEVELS}
    for level in LEVELS:
        used = {image: measure(noisy(image, level, 1)) for image in images}
        rows += pairs(f"sigma {level:g} on {level:g}", trained[level], used)
    changed = {f"sigma {level:g} on {SIGMA:g}": (level, 1, 0.0, 1.0) for level in OTHER_LEVELS}
    changed[f"sigma {SIGMA:g}, neighbours {LAG_1:g}, on white"] = SIGMA, 1, LAG_1, 1.0
    changed |= {f"sigma {SIGMA:g}, gain {gain:g}": (SIGMA, 1, 0.0, gain) for gain in GAINS}
    for name, noise in changed.items():
        rows += pairs(name, trained[SIGMA], {image: measure(noisy(image, *noise)) for image in images})
    return rows


def other_noises() -> list[Count]:
    """Clipped and rounded to 8 bits, and noise that grows with brightness: the same scene under fresh noise."""
    images = cases.names("kodak24")
    rows = []
    for noise in OTHER_NOISES:
        found = []
        for image in images:
            frames = [cases.case("kodak24", image, noise, seed, images).noisy for seed in (0, 1)]
            if noise.endswith("clamped"):
                frames = [np.rint(frame).astype(np.uint8) for frame in frames]
            found.append((measure(frames[1]), known(frames[:1])))
        rows.append(Count(f"{noise}, same scene", found))
    return rows


def fields() -> list[Count]:
    """Microscope frames: other captures of the field that was trained on."""
    images = cases.names("fmd")
    frames = {image: cases.case("fmd", image, "real", 0, images).noisy for image in images}
    found = []
    for first in (image for image in images if image.endswith("_1.png")):
        field = first.rpartition("_")[0]
        others = [image for image in images if image.rpartition("_")[0] == field and image != first]
        kept = known([frames[first]])
        found += [(measure(frames[image]), kept) for image in others]
    return [Count("fmd, other captures of the field", found)]


def losses(model: str) -> list[object]:
    """The row of one network of cross_frame.csv."""
    rows = [row for row in load() if row.dataset == "kodak24" and row.model == model]
    own = own_psnr(rows)
    much: list[bool] = []
    little: list[bool] = []
    for row in rows:
        reference = own.get((row.dataset, row.test, row.model))
        if reference is None or row.psnr is None or row.scenario in OWN:
            continue
        noticed = bool(differences(_stats(_shot(row)), *_known(_training(row)), model == "sensor"))
        (much if reference - row.psnr > MUCH else little).append(noticed)
    return [model, len(much), share(sum(much), len(much)), len(little), share(sum(little), len(little))]


@cache
def _trainings() -> list[Training]:
    return [training for group in GROUPS.values() for training in group() if training.dataset == "kodak24"]


def _training(row: Row) -> tuple[Shot, ...]:
    return next(training.frames for training in _trainings() if training.name == row.training)


def _shot(row: Row) -> Shot:
    tests = (shot for training in _trainings() for _, shot in training.tests)
    return next(shot for shot in tests if shot.label == row.test and shot.seed == FRESH)


@cache
def _stats(shot: Shot) -> FrameStats:
    return measure(load_shot(shot)[0])


@cache
def _known(shots: tuple[Shot, ...]) -> Known:
    return known([load_shot(shot)[0] for shot in shots])


def times() -> str:
    """How long a look takes, beside one pass of MBD-Net."""
    config = TrainConfig(method="mbd").updated({"mbd": {"schedule": {"iterations": 1}}})
    rows: list[list[object]] = []
    for shape in TIMED:
        scene = np.resize(noisy("kodim01.png", SIGMA, 0), shape)
        frame = np.clip(np.rint(scene), 0, 255).astype(np.uint8)
        with tempfile.TemporaryDirectory() as folder:
            train_and_export(frame[:256, :256], Path(folder) / "cam.zsn2m", config)
            denoise = Denoiser(Path(folder) / "cam.zsn2m", threads=1)
            rows.append(
                ["x".join(map(str, shape)), *(f"{milliseconds(call, frame):.0f}" for call in (denoise.unlike, denoise))]
            )
    return table(["frame", "look, ms", "MBD-Net, ms"], rows)


def milliseconds(call: Callable[[Pixels], object], frame: Pixels) -> float:
    """Processor time of the fastest of some calls, on one thread."""
    found = []
    for _ in range(REPEATS):
        started = time.process_time()
        call(frame)
        found.append(time.process_time() - started)
    return 1000 * min(found)


def main() -> None:
    header = [
        "frames in use",
        "pairs",
        "warned of, default",
        "warned of, one level",
        "level",
        "neighbours",
        "channels",
        "texture",
    ]
    parts = [NOTES, table(header, [count.row() for count in (*kodak(), *other_noises(), *fields())])]
    models = sorted({row.model for row in load() if row.dataset == "kodak24"})
    if models:
        lost = ["network", f"lose > {MUCH:g} dB", "noticed", "others", "noticed"]
        parts.append(table(lost, [losses(model) for model in models]))
    write_section("Familiarity", "python -m benchmarks.familiarity", "\n\n".join([*parts, times()]))


if __name__ == "__main__":
    main()
