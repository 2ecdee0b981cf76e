"""Every command and every block of Python in the documents, run as written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import tifffile
from support.bundles import write_bundle
from support.documents import PAGES, commands, python, read, run
from support.zarr_files import levels_of, noisy_stack, write_ome_zarr

from zsn2m_export.web.web_page import RUNTIME_FILES

CODES_OF_HARDWARE = (0, 4)  # 4: the provider is not installed here
SAME_KIND = "assert clean.shape == frame.shape and clean.dtype == frame.dtype and (clean != frame).any()\n"
LOAD = "import numpy as np\nfrom PIL import Image\nframe = np.array(Image.open('frame.png'))\n"


def nothing(folder: Path) -> None:
    """The page starts from an empty folder."""


def write_stack(folder: Path) -> None:
    """Discs of light, 96 x 96, two times of DAPI and of GFP, which has nine times the noise."""
    generator = np.random.default_rng(1000)
    row, column = np.mgrid[:96, :96]
    light = 800.0 + sum(700 * ((row - y) ** 2 + (column - x) ** 2 < 90) for y, x in generator.uniform(10, 86, (9, 2)))
    pages = light + generator.normal(0, 1, (2, 2, 96, 96)) * np.array([20, 180])[:, None, None]
    metadata = {"axes": "TCYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    path = folder / "stack.ome.tif"
    tifffile.imwrite(path, np.rint(pages.clip(0)).astype(np.uint16), photometric="minisblack", metadata=metadata)


def write_clip(folder: Path, name: str = "clip.mov") -> None:
    """200 noisy frames of 64 x 48 that move."""
    generator = np.random.default_rng(1001)
    row, column = np.mgrid[:48, :64]
    with av.open(str(folder / name), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt, stream.options = 64, 48, "yuv444p", {"crf": "1"}
        for number in range(200):
            light = 110 + 60 * np.sin((column + number / 4) / 5) * np.cos(row / 6)
            noisy = light[..., None] + generator.normal(0, 20, (48, 64, 3))
            frame = av.VideoFrame.from_ndarray(np.rint(noisy.clip(0, 255)).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def make_bundle(folder: Path, name: str) -> None:
    """frame.png, 96 x 96, and a bundle trained on it."""
    run("sample frame.png --size 96 96", folder)
    run(f"train-and-export frame.png --preset fast -o {name}", folder)


def video_bundle(folder: Path) -> None:
    """A bundle whose model for videos has seeded weights."""
    (folder / "cam0.zsn2m").mkdir()
    write_bundle(folder / "cam0.zsn2m", "uint8", 3, (0.0, 255.0), "mbd", video=True)


def web_parts(folder: Path) -> None:
    """A bundle, and empty files where npm puts onnxruntime-web."""
    video_bundle(folder)
    (folder / "node_modules" / "onnxruntime-web" / "dist").mkdir(parents=True)
    for name in RUNTIME_FILES:
        (folder / "node_modules" / "onnxruntime-web" / "dist" / name).touch()


def page_left(folder: Path) -> None:
    assert (folder / "page" / "index.html").exists() and (folder / "page" / "model.zsn2m" / "video.onnx").exists()


def provider_bundle(folder: Path) -> None:
    """What the page on providers calls B, and a clip."""
    make_bundle(folder, "B")
    write_clip(folder)


def cluster_inputs(folder: Path) -> None:
    """A bundle that is not trained, a folder of its frames, a list of them and an OME-Zarr image."""
    for package in ("distributed", "zarr"):
        pytest.importorskip(package, reason="the page needs the extras dask and zarr")
    (folder / "cam.zsn2m").mkdir()
    write_bundle(folder / "cam.zsn2m", "uint16", 1, (0.0, 4095.0), "adapt")
    planes = noisy_stack((6, 48, 64))
    (folder / "night").mkdir()
    for number, plane in enumerate(planes):
        tifffile.imwrite(folder / "night" / f"f{number}.tif", plane)
    (folder / "frames.txt").write_text("".join(f"night/f{number}.tif\n" for number in range(6)))
    write_ome_zarr(folder / "cells.zarr", planes, "tyx", chunks=(1, 48, 64))


def readme_left(folder: Path) -> None:
    assert (folder / "result.png").exists() and (folder / "frame.zsn2m" / "report.html").exists()


def tutorial_left(folder: Path) -> None:
    rows = [line for line in read("docs/tutorial.md").splitlines() if line.startswith("| `")]
    names = [name for row in rows for name in re.findall(r"`([a-z_]+\.[a-z]+)`", row)]
    assert len(names) >= 7
    assert [name for name in names if not (folder / "frame.zsn2m" / name).exists()] == []
    for name in ("clean/more_0000.png", "clean/more_0001.png", "result.png", "steady.mkv", "cells_denoised.tif"):
        assert (folder / name).exists()


def stacks_left(folder: Path) -> None:
    noisy, step, clean = (tifffile.imread(folder / f"{name}.ome.tif") for name in ("stack", "step", "clean"))
    assert np.array_equal(step[:, 1], noisy[:, 1]) and np.array_equal(step[:, 0], clean[:, 0])
    for channel, noise in enumerate((20, 180)):
        assert (clean[:, channel] - noisy[:, channel].astype(float)).std() == pytest.approx(noise, rel=0.15)


def cluster_left(folder: Path) -> None:
    files = [tifffile.imread(path) for path in sorted((folder / "clean").glob("*.tif"))]
    assert len(files) == 6 and np.array_equal(np.stack(files), levels_of(folder / "clean.zarr")[0])


def video_left(folder: Path) -> None:
    with av.open(str(folder / "clean.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 200


@dataclass(frozen=True)
class Run:
    """How a page is run: what it needs before, what it leaves, and what stands around its blocks of Python."""

    before: Callable[[Path], object] = nothing
    left: Callable[[Path], object] = nothing
    codes: tuple[int, ...] = (0,)
    around: tuple[str, str] | None = None  # None: it has no blocks, or they run on their own


RUNS = {
    "README.md": Run(lambda folder: write_clip(folder, "clip.mp4"), readme_left, around=(LOAD, SAME_KIND)),
    "docs/tutorial.md": Run(left=tutorial_left, around=("", SAME_KIND)),
    "docs/stacks.md": Run(write_stack, stacks_left),
    "docs/microscopy.md": Run(write_stack, lambda folder: tifffile.imread(folder / "clean.ome.tif")),
    "docs/streaming.md": Run(
        write_clip,
        video_left,
        around=(
            "import shutil\nimport numpy as np\nimport zsn2m_deploy as zsn2m\n"
            "shutil.copytree('clip.zsn2m', 'cam0.zsn2m')\n"
            "frames = [np.full((48, 64, 3), 90, np.uint8)] * 3\n",
            "assert clean.shape == (48, 64, 3)\n",
        ),
    ),
    "docs/providers.md": Run(provider_bundle, codes=CODES_OF_HARDWARE),
    "docs/cpp.md": Run(lambda folder: make_bundle(folder, "cam0.zsn2m")),
    "docs/outlets.md": Run(lambda folder: make_bundle(folder, "cam0.zsn2m")),
    "docs/bundle.md": Run(
        video_bundle,
        around=(
            "import numpy as np, onnxruntime, torch\n"
            "clip = [np.full((48, 64, 3), 90, np.uint8) + np.arange(64, dtype=np.uint8)[:, None]] * 3\n"
            "noisy = mean = clip[0].transpose(2, 0, 1)[None].astype(np.float32)\n",
            "assert denoised.shape in ((1, 3, 48, 64), (48, 64, 3)) and float(denoised.std()) > 1\n",
        ),
    ),
    "docs/clusters.md": Run(cluster_inputs, cluster_left),
    "docs/browser.md": Run(web_parts, page_left),
    "docs/blank.md": Run(
        around=(
            "import numpy as np\nframe = np.random.default_rng(0).normal(100, 9, (64, 64)).astype(np.float32)\n"
            "frame[:, :20], alpha, my_program = np.nan, None, lambda noisy: noisy + 1\n",
            "assert np.isnan(clean[:, :20]).all() and np.isfinite(clean[:, 20:]).all()\n",
        )
    ),
}
GENERATED = ("docs/cli.md", "docs/api.md")  # usage and signatures, not to be typed


def test_every_page_with_commands_is_run() -> None:
    with_commands = {name for name in PAGES if commands(read(name)) or python(read(name))}
    assert with_commands - set(GENERATED) == set(RUNS)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_the_page_runs_as_written(name: str, tmp_path: Path) -> None:
    text, how = read(name), RUNS[name]
    how.before(tmp_path)
    for command in commands(text):
        run(command, tmp_path, how.codes)
    for block in python(text):
        before, after = how.around or ("", "")
        subprocess.run([sys.executable, "-c", before + block + after], cwd=tmp_path, check=True)
    how.left(tmp_path)
    shutil.rmtree(tmp_path, ignore_errors=True)
