"""The noise of a frame, for `inspect`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from zsn2m_deploy.cli.terminal import table

if TYPE_CHECKING:
    from zsn2m_runtime.image import Frame
    from zsn2m_runtime.noise.facts import NoiseFacts
    from zsn2m_runtime.patterns import Patterns


class Estimate(NamedTuple):
    """The noise of a frame, or the reason why there is no estimate, and the salt and pepper that it is without.

    rows: of a table, of that and of JPEG
    """

    noise: NoiseFacts | None
    reason: str = ""
    impulse_share: float = 0.0
    rows: Sequence[tuple[str, object]] = ()


def estimated(frame: Frame, patterns: Patterns | None) -> Estimate:
    """The noise of a frame without its dead lines, its salt and pepper and its row noise, as training sees it.

    Args:
        patterns: that were found in it; None: row noise is not looked for
    """
    from zsn2m_deploy.frames.screening import find_row_noise
    from zsn2m_runtime.blank.areas import filled, present
    from zsn2m_runtime.errors import InputError
    from zsn2m_runtime.noise.corrections import without_offsets
    from zsn2m_runtime.noise.estimate import estimate_noise
    from zsn2m_runtime.noise.facts import noise_facts
    from zsn2m_runtime.noise.impulses import find_impulses
    from zsn2m_runtime.noise.jpeg import jpeg_in_words, jpeg_of, with_jpeg_noise
    from zsn2m_runtime.patterns.dead_lines import without_own_dead_lines
    from zsn2m_runtime.sample_types import is_grey

    pixels, blank = filled(frame.pixels, frame.blank), frame.blank
    pixels, _ = without_own_dead_lines(pixels)
    share, rows = 0.0, []
    try:
        if impulses := find_impulses([pixels], [blank]):
            (pixels,), share = impulses.frames, impulses.share
            said = f"{100 * share:.2g} % of the samples; the default method replaces it, and what follows is without it"
            rows.append(("salt and pepper", said))
        sound = pixels
        if patterns:
            pixels = without_offsets(sound, find_row_noise([sound], [patterns]))
        jpeg = jpeg_of([pixels])
        noise = with_jpeg_noise(estimate_noise([pixels], [blank]), [pixels], jpeg, [blank])
        if jpeg:
            rows.append(("JPEG", jpeg_in_words(jpeg, noise.jpeg, colours=not is_grey(pixels))))
        return Estimate(noise_facts([present(pixels, blank)], noise, None, [present(sound, blank)]), "", share, rows)
    except InputError as error:
        return Estimate(None, str(error), share, rows)


def change_in_words(noise: NoiseFacts) -> str:
    """Whether the noise depends on brightness."""
    return "depends on brightness" if noise.depends_on_brightness else "about the same at every brightness"


def sharing_in_words(noise: NoiseFacts) -> str:
    """Whether the noise of neighbouring pixels is correlated."""
    return "correlated" if noise.correlated else "independent"


def with_noise(rows: list[tuple[str, object]], noise: NoiseFacts) -> str:
    """A table of these rows and of the noise, and a plot of its variance over brightness."""
    from zsn2m_runtime.noise.facts import distribution_in_words, noise_plot

    clip = noise.clipping
    shares = (
        f"{100 * clip.low_share:.3g} % of samples at {clip.low:.6g}, {100 * clip.high_share:.3g} % at {clip.high:.6g}"
    )
    rows = [
        *rows,
        ("extremes", shares),
        ("noise", f"standard deviation about {noise.sigma:.3g} (sensor units), {change_in_words(noise)}"),
        ("neighbours", f"{sharing_in_words(noise)}: correlation {noise.beside:.2f} beside, {noise.below:.2f} below"),
    ]
    if len(noise.slope) > 1:
        rows.append(("channels", f"correlation {noise.channels:.2f}"))
    rows.append(("distribution", distribution_in_words(noise)))
    if noise.rounding.in_words:
        rows.append(("rounding", f"noise of {noise.rounding.in_words}"))
    rows.append(("measured", "in patches of the frame; training asks the pretrained network, too, which knows texture"))
    return f"{table(rows)}\n\nnoise against brightness (sensor units)\n{noise_plot(noise)}"
