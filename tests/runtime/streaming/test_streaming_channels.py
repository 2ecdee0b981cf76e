"""Streams of stacks with several channels: only the bundle's is denoised, and the rest is never lost in silence."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.bundles import BundleMaker
from support.channels import NAMES, denoiser_for, write_stack
from support.known_noise import bundle_knowing, noise, scene, whole

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.manifest import ChannelRecord
from zsn2m_runtime.streaming.image_source import ChannelWish, ImageSource
from zsn2m_runtime.streaming.opening import open_sink, open_source
from zsn2m_runtime.streaming.options import SinkOptions, SourceOptions
from zsn2m_runtime.streaming.running import Stream, StreamReport

GFP = ChannelRecord(number=2, name="GFP", of=2)


def run_stream(denoiser: Denoiser, source: Path, out: Path, channel: str | None) -> StreamReport:
    """As the command does it."""
    options = SourceOptions(channel=channel, trained_on=denoiser.card.sensor.stack_channel)
    frames = open_source(str(source), options, str(out))
    sink = open_sink(str(out), frames, denoiser.card.sensor, SinkOptions())
    return Stream(denoiser, frames, sink).run()


def test_a_stack_keeps_the_pages_of_other_channels(
    make_bundle: BundleMaker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stack = write_stack(tmp_path / "a.ome.tif")
    denoiser = denoiser_for(make_bundle(), GFP)
    report = run_stream(denoiser, tmp_path / "a.ome.tif", tmp_path / "b.ome.tif", None)
    found = tifffile.imread(tmp_path / "b.ome.tif")
    np.testing.assert_array_equal(found[:, 0], stack[:, 0])
    np.testing.assert_array_equal(found[:, 1], [denoiser(page) for page in stack[:, 1]])
    assert report.frames_out == 4
    assert caplog.text.count("pages 1, 3 (DAPI) are copied") == 1


def test_a_folder_gets_the_pages_of_the_channel_alone(
    make_bundle: BundleMaker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_stack(tmp_path / "a.ome.tif")
    report = run_stream(denoiser_for(make_bundle(), None), tmp_path / "a.ome.tif", tmp_path / "out", "DAPI")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.ome_page_0001.tif",
        "a.ome_page_0003.tif",
    ]
    assert report.frames_out == 2
    assert "pages 2, 4 (GFP) are left out" in caplog.text


def test_a_bundle_for_no_channel_looks_at_each(
    make_bundle: BundleMaker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    write_stack(tmp_path / "a.ome.tif")
    knowing = Denoiser(bundle_knowing(make_bundle(), tmp_path, whole(scene() + noise(9))), "mbd", "cpu", 1)
    report = run_stream(knowing, tmp_path / "a.ome.tif", tmp_path / "b.ome.tif", None)
    assert [sentence.split(":")[0] for sentence in report.unlike] == ["a.ome_page_0002 GFP"]


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    write_stack(tmp_path / "a.ome.tif")
    with pytest.raises(InputError, match=f"expected RFP.*but got {', '.join(NAMES)}"):
        ImageSource([tmp_path / "a.ome.tif"], None, ChannelWish(ChannelRecord(number=1, name="RFP", of=2)))
    with pytest.raises(UsageError, match="expected one of its channels"):
        ImageSource([tmp_path / "a.ome.tif"], None, ChannelWish(wanted="RFP"))
    with pytest.raises(UsageError, match="--channel"):
        open_source("0", SourceOptions(channel="RFP"), None)
