"""sample: a noisy frame to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsn2m_deploy.cli.terminal import JsonOption, show, show_json


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("sample")(sample)


def sample(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Image file to write; OUT_clean beside it.")],
    size: Annotated[tuple[int, int], typer.Option(metavar="WIDTH HEIGHT", help="Pixels.")] = (512, 512),
    grey: Annotated[bool, typer.Option("--grey", help="One channel instead of RGB.")] = False,
    bits: Annotated[int, typer.Option(help="8, or 16 (black 512, white 4095; noise may go beyond).")] = 8,
    photons: Annotated[float, typer.Option(help="Shot noise: photons at full white; 0: none.")] = 60.0,
    read_noise: Annotated[float, typer.Option(help="Gaussian sigma on the scale 0 to 255.")] = 9.0,
    correlation: Annotated[float, typer.Option(help="Lag-1 correlation of the noise between neighbours.")] = 0.0,
    frames: Annotated[int, typer.Option(help="Frames of one moving scene; a .tif becomes one stack.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the noise.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Draw a noisy frame to try things on.

    The noise is known, and the clean twin is written too.
    """
    from zsn2m_deploy.sample import SampleConfig, write_sample
    from zsn2m_runtime.path_kinds import check_outside_bundles

    check_outside_bundles(output)

    config = SampleConfig(
        width=size[0], height=size[1], channels=1 if grey else 3, bit_depth=bits,
        photons=photons, read_noise=read_noise, correlation=correlation, frames=frames, seed=seed,
    )  # fmt: skip
    written = write_sample(output, config)
    if as_json:
        show_json({"files": written, "peak": config.peak})
    else:
        for path in written:
            show(str(path))
