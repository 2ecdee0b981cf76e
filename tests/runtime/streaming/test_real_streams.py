"""Real sequences from end to end, where they are present: a bundle from one frame, the stream, every frame checked."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from support.commands import run_command

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.files import open_image

pytestmark = pytest.mark.slow

FRAMES = 40


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """Settings of a short training."""
    path = tmp_path / "short.toml"
    path.write_text('method = "mbd"\n[mbd.schedule]\niterations = 20\n')
    return path


def test_a_compressed_video_goes_through(
    shared_data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, short: Path
) -> None:
    video, bundle, clean = shared_data / "clip_water" / "bulk_water.mov", tmp_path / "b.zsn2m", tmp_path / "clean.mkv"
    assert run_command(capsys, "train-and-export", video, "-o", bundle, "--pages", "1", "--config", short).code == 0
    ended = run_command(
        capsys, "stream", bundle, video, "-o", clean, "--lossless", "--motion", "off", "--frames", FRAMES, "--json"
    )
    assert ended.code == 0, ended.err
    assert ended.json["frames_in"] == ended.json["frames_out"] == FRAMES
    denoise = Denoiser(bundle)
    with av.open(str(video)) as noisy, av.open(str(clean)) as result:
        pairs = list(zip(noisy.decode(video=0), result.decode(video=0), strict=False))
        for first, second in pairs:
            assert abs(second.time - first.time) < 1e-3
        before, after = (frame.to_ndarray(format="rgb24") for frame in pairs[FRAMES - 1])
    assert len(pairs) == FRAMES
    # another conversion from YUV than the stream's own, hence a level here and there
    assert np.abs(denoise(before).astype(int) - after).mean() < 2


def test_images_go_through_in_their_order(
    shared_data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, short: Path
) -> None:
    folder, bundle = shared_data / "seq_brightfield", tmp_path / "b.zsn2m"
    paths = sorted(folder.glob("*.png"))
    assert run_command(capsys, "train-and-export", paths[0], "-o", bundle, "--config", short).code == 0
    ended = run_command(capsys, "stream", bundle, folder, "-o", tmp_path / "clean", "--motion", "off", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["frames_out"] == len(paths) == 24
    denoise = Denoiser(bundle)
    for path in paths:
        noisy, clean = (open_image(place).read().pixels for place in (path, tmp_path / "clean" / path.name))
        np.testing.assert_array_equal(clean, denoise(noisy))
