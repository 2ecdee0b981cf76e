"""The noise of a frame, for `inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zsn2m_deploy.cli.terminal import table

if TYPE_CHECKING:
    from zsn2m_runtime.noise.facts import NoiseFacts
    from zsn2m_runtime.sample_types import Mask, Pixels


def estimated(pixels: Pixels, blank: Mask | None) -> tuple[NoiseFacts | None, str]:
    """The noise of a frame, or why there is no estimate.

    Shape:
        pixels: (h, w) or (h, w, 3), sensor units, blank areas filled
        blank: (h, w); None: nothing is
    """
    from zsn2m_runtime.blank.areas import present
    from zsn2m_runtime.errors import InputError
    from zsn2m_runtime.noise.estimate import estimate_noise
    from zsn2m_runtime.noise.facts import noise_facts
    from zsn2m_runtime.noise.jpeg import with_jpeg_noise

    try:
        noise = estimate_noise([pixels], [blank])
        return noise_facts([present(pixels, blank)], with_jpeg_noise(noise, [pixels], [blank])), ""
    except InputError as error:
        return None, str(error)


def without_impulses(pixels: Pixels, blank: Mask | None) -> tuple[Pixels, float, list[tuple[str, object]]]:
    """A frame without salt and pepper, as training sees it, the share of that, and the row that tells of it.

    Shape:
        as for `estimated`
    """
    from zsn2m_runtime.errors import InputError
    from zsn2m_runtime.noise.impulses import find_impulses

    try:
        found = find_impulses([pixels], [blank])
    except InputError:  # there is no estimate of this frame's noise, and `estimated` says why
        found = None
    if found is None:
        return pixels, 0.0, []
    said = f"{100 * found.share:.2g} % of the samples; the default method replaces it, and what follows is without it"
    return found.frames[0], found.share, [("salt and pepper", said)]


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
    if noise.jpeg:
        rows.append(("JPEG", f"of quality {noise.jpeg.quality}; noise of {noise.jpeg.sigma:.3g} before it"))
    return f"{table(rows)}\n\nnoise against brightness (sensor units)\n{noise_plot(noise)}"
