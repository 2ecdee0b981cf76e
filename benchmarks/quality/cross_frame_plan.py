"""Which networks are trained for the cross-frame table, and on which frames each is used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.quality import cases
from benchmarks.results import DATA
from zsn2m_deploy.sample import SampleConfig, sample_frames
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sample_types import Pixels

FIRST = 8  # images of kodak24
TRAINED, FRESH = 0, 1  # seeds of the noise
GAINS = (1.5, 0.5)
OTHERS = 3  # scenes trained on together

SAMPLE = SampleConfig(frames=5, width=256, height=256)
SEQUENCES = ("sample", "seq_beads")
COUNT = 5  # frames of each
LATER = f"frames 2 to {COUNT}"

SAME_SCENE = "same scene"
SAME_FRAME = "same frame"


def gained(gain: float, same: bool = False) -> str:
    """The scenario of a frame made brighter or darker, used with the network of the plain frame or with its own."""
    return f"{SAME_SCENE}, gain {gain:g}" if same else f"gain {gain:g}"


OWN = (SAME_SCENE, SAME_FRAME, *(gained(gain, same=True) for gain in GAINS))  # what the other scenarios compare with


@dataclass(frozen=True)
class Shot:
    """A frame to train or to test on: `image` is a file of a set, or "frame N" of a sequence."""

    dataset: str
    image: str
    seed: int = TRAINED
    gain: float = 1.0

    @property
    def label(self) -> str:
        """The name of the scene, or of the capture."""
        return Path(self.image).stem + ("" if self.gain == 1.0 else f" x{self.gain:g}")


@dataclass(frozen=True)
class Training:
    """One network trained on all `frames`, or without any one network for each test, trained on its own frame."""

    dataset: str
    frames: tuple[Shot, ...]
    tests: tuple[tuple[str, Shot], ...]  # scenario and frame

    @property
    def name(self) -> str:
        """What was trained on."""
        return " + ".join(shot.label for shot in self.frames) or "each frame"

    @property
    def real(self) -> bool:
        """Whether the noise is a camera's or a microscope's."""
        return self.dataset in (*cases.REAL, "seq_beads")

    def name_for(self, test: Shot) -> str:
        """What the network for a test was trained on."""
        return self.name if self.frames else test.label


def load_shot(shot: Shot) -> tuple[Pixels, Pixels | None]:
    """The noisy frame and, where there is one, the clean frame; float32, sensor units."""
    if shot.dataset in SEQUENCES:
        frames = _beads() if shot.dataset == "seq_beads" else _sample(SAMPLE)
        return frames[int(shot.image.removeprefix("frame ")) - 1]
    noise = "real" if shot.dataset in cases.REAL else "gauss 25"
    case = cases.case(shot.dataset, shot.image, noise, shot.seed, [])
    clean = np.asarray(case.clean * shot.gain, np.float32)
    return np.asarray(clean + (case.noisy - case.clean), np.float32), clean


def one_scene(images: list[str]) -> list[Training]:
    """Trained on each scene, used on all of them under fresh noise and on itself brighter and darker."""
    return [
        Training(
            "kodak24",
            (Shot("kodak24", image),),
            (
                *((SAME_SCENE if other == image else "other scene", Shot("kodak24", other, FRESH)) for other in images),
                *((gained(gain), Shot("kodak24", image, FRESH, gain)) for gain in GAINS),
            ),
        )
        for image in images
    ]


def three_scenes(images: list[str]) -> list[Training]:
    """Trained on the three scenes that come next, used on each scene."""
    return [
        Training(
            "kodak24",
            tuple(Shot("kodak24", images[(number + step) % len(images)]) for step in range(1, OTHERS + 1)),
            (("other scene, three frames", Shot("kodak24", image, FRESH)),),
        )
        for number, image in enumerate(images)
    ]


def own_gain(images: list[str]) -> list[Training]:
    """What the brighter and darker scenes are compared with: trained on them."""
    return [
        Training(
            "kodak24",
            (Shot("kodak24", image, TRAINED, gain),),
            ((gained(gain, same=True), Shot("kodak24", image, FRESH, gain)),),
        )
        for gain in GAINS
        for image in images
    ]


def captures(images: list[str]) -> list[Training]:
    """Trained on the first capture of each configuration, used on its others and on the microscope's other fields."""
    firsts = [image for image in images if image.endswith("_1.png")]
    trainings = []
    for first in firsts:
        field, microscope = first.rpartition("_")[0], first.partition("_")[0]
        others = [image for image in images if image.rpartition("_")[0] == field and image != first]
        fields = [image for image in firsts if image.partition("_")[0] == microscope and image != first]
        tests = [(SAME_FRAME, first)]
        tests += [("other capture", image) for image in others] + [("other field", image) for image in fields]
        trained = (Shot("fmd", first),)
        trainings.append(Training("fmd", trained, tuple((name, Shot("fmd", image)) for name, image in tests)))
    return trainings


def own_captures(images: list[str]) -> list[Training]:
    """What the other captures are compared with: trained on each of them."""
    return [
        Training("fmd", (Shot("fmd", image),), ((SAME_FRAME, Shot("fmd", image)),))
        for image in images
        if not image.endswith("_1.png")
    ]


def sequence(dataset: str) -> list[Training]:
    """Trained on the first frame and used on the later ones, and trained on each of those."""
    first, *later = (Shot(dataset, f"frame {number}") for number in range(1, COUNT + 1))
    return [
        Training(dataset, (first,), tuple(("later frames", shot) for shot in later)),
        Training(dataset, (), tuple((SAME_FRAME, shot) for shot in later)),
    ]


GROUPS = {
    "one-scene": lambda: one_scene(cases.names("kodak24", FIRST)),
    "three-scenes": lambda: three_scenes(cases.names("kodak24", FIRST)),
    "captures": lambda: captures(cases.names("fmd")),
    "sample": lambda: sequence("sample"),
    "beads": lambda: sequence("seq_beads"),
    "own-gain": lambda: own_gain(cases.names("kodak24", FIRST)),
    "own-captures": lambda: own_captures(cases.names("fmd")),
}


@cache
def _sample(config: SampleConfig) -> list[tuple[Pixels, Pixels | None]]:
    pairs = sample_frames(config)
    return [(noisy.pixels.astype(np.float32), clean.pixels.astype(np.float32)) for noisy, clean in pairs]


@cache
def _beads() -> list[tuple[Pixels, Pixels | None]]:
    with open_image(DATA / "seq_beads" / "stuck_beads.tif") as image:
        return [(frame.pixels.astype(np.float32), None) for frame in image]
