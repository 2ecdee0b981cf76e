"""An output that goes away while a stream is written ends it with an error: bytes would go nowhere, in silence."""

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.clips import HEIGHT, WIDTH
from support.streams import ONE_THREAD, STREAM

RAW = ("-", "--raw", f"{WIDTH}x{HEIGHT}:rgb24")
FRAMES = [np.random.default_rng(number).integers(90, 160, (HEIGHT, WIDTH, 3), np.uint8) for number in range(8)]


def remove(folder: Path) -> None:
    while folder.exists():  # files come and go in it
        shutil.rmtree(folder, ignore_errors=True)


def replace_by_a_file(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("no folder")


@pytest.mark.parametrize("change", [remove, replace_by_a_file])
@pytest.mark.parametrize("out", ["out.mkv", "out.mp4", "out.tif", ""])
def test_an_output_folder_that_goes_ends_the_stream(
    change: Callable[[Path], None], out: str, make_bundle: BundleMaker, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    target = folder / out if out else f"{folder}/"
    command = [*map(str, [*STREAM, make_bundle(), *RAW, "-o", target]), *ONE_THREAD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin and running.stderr
        written = 0
        while not any(folder.iterdir()):  # the first frame is in
            running.stdin.write(FRAMES[written % 8].tobytes())
            running.stdin.flush()
            written += 1
            try:
                running.wait(0.3)
            except subprocess.TimeoutExpired:
                continue
            break
        change(folder)
        try:  # for as long as it takes them: a live source has no end
            for number in range(2000):
                running.stdin.write(FRAMES[number % 8].tobytes())
                running.stdin.flush()
            running.stdin.close()
        except BrokenPipeError:
            with suppress(BrokenPipeError):
                running.stdin.close()
        said = running.stderr.read().decode()
        assert running.wait(60) == 6, said
    assert any(words in said for words in ("removed", "a file, not a folder", "No such file"))
    assert "bug" not in said and "Traceback" not in said


def test_an_input_folder_that_goes_ends_the_stream(make_bundle: BundleMaker, tmp_path: Path) -> None:
    from zsn2m_runtime.files import save_image
    from zsn2m_runtime.image import Frame

    folder = tmp_path / "frames"
    save_image(folder / "000.png", Frame(np.tile(FRAMES[0], (15, 15, 1))))  # large: it lasts for seconds
    for number in range(1, 100):
        os.link(folder / "000.png", folder / f"{number:03}.png")
    command = [*map(str, [*STREAM, make_bundle(), folder, "-o", tmp_path / "out.tif"]), *ONE_THREAD]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
        assert running.stderr
        while not any(partial.stat().st_size > 2 * FRAMES[0].nbytes for partial in tmp_path.glob(".partial-*")):
            try:
                running.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            break
        shutil.rmtree(folder)
        said = running.stderr.read().decode()
        assert running.wait(60) == 3, said
    assert "what was finished is in" in said
    assert (tmp_path / "out.partial.tif").exists()
