"""Whether the channels of a stack have the same noise, so that one bundle can serve them all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from zsn2m_runtime.errors import InputError
from zsn2m_runtime.files import Channel, ImageFile
from zsn2m_runtime.image import Frame, check_finite
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.familiarity import training_stats, unlike
from zsn2m_runtime.sample_types import Pixels

OF_NOISE = "noise"  # what a sentence on noise, and on no other difference, begins with


def first_pages(image: ImageFile) -> list[tuple[Channel, int, Frame]]:
    """The first page of every channel of a file, and its number from 0."""
    firsts = [(channel, image.axes.pages_of(channel)[0]) for channel in image.axes.channels]
    return [(channel, page, image.read(page)) for channel, page in firsts]


def may_take_turns(image: ImageFile) -> bool:
    """Whether the first two pages of a file that does not say what its pages are have other noise.

    Channels that a file does not name often take turns.
    """
    if image.page_count < 2 or not image.axes.is_plain:
        return False
    return noise_is_alike([image.read(page).pixels for page in range(2)]) is False


def noise_is_alike(frames: Sequence[Pixels]) -> bool | None:
    """Whether each of some frames has the noise of each other one; None where there is no estimate.

    Shape:
        frames: each (h, w) or (h, w, 3), sensor units
    """
    try:
        for frame in frames:
            check_finite(Frame(frame))
        models = [estimate_noise([frame]) for frame in frames]
        trained = [training_stats([frame], noise) for frame, noise in zip(frames, models, strict=True)]
        pairs = permutations(range(len(frames)), 2)
        found = [unlike(frames[one], models[other].record(), trained[other]) for one, other in pairs]
    except InputError:
        return None
    return not any(sentence.startswith(OF_NOISE) for sentences in found for sentence in sentences)
