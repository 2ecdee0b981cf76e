"""Stacks of several channels: a bundle for each, the pages of the others as they were, and nothing in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from support.bundles import BundleMaker
from support.channels import NAMES, denoiser_for, write_stack
from support.commands import run_command, untrained, write_frame
from support.known_noise import SIGMA, bundle_knowing, noise, scene, whole

from zsn2m_deploy import api
from zsn2m_deploy.frames.channels import bundle_paths
from zsn2m_deploy.frames.loading import load_training_frames
from zsn2m_deploy.frames.reading import FrameOptions
from zsn2m_runtime.batch import plan_outputs, run_jobs
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.channel_choice import choose_channels
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.files import Channel, open_image
from zsn2m_runtime.files.axes import StackAxes, plain_axes
from zsn2m_runtime.manifest import ChannelRecord

TWO = StackAxes("C", ((0,), (1,)), (Channel(1, "DAPI"), Channel(2, "GFP")), origin="OME-XML")


@pytest.mark.parametrize(
    ("record", "wanted", "expected"),
    [
        (None, None, ["DAPI", "GFP"]),
        (None, "2", ["GFP"]),
        (ChannelRecord(number=2, name="GFP", of=2), None, ["GFP"]),
        (ChannelRecord(number=7, name="GFP", of=9), None, ["GFP"]),
        (ChannelRecord(number=2, name="", of=2), None, ["GFP"]),
        (ChannelRecord(number=2, name="GFP", of=2), "dapi", ["DAPI"]),
        (ChannelRecord(number=2, name="GFP", of=2), "all", ["DAPI", "GFP"]),
    ],
)
def test_which_channels_are_denoised(record: ChannelRecord | None, wanted: str | None, expected: list[str]) -> None:
    choice = choose_channels(TWO, record, wanted, "a")
    assert [channel.name for channel in choice.channels] == expected
    assert [choice.takes(page) for page in range(2)] == [name in expected for name in NAMES]
    assert bool(choice.notes) is (len(expected) == 1)


@pytest.mark.parametrize("record", [ChannelRecord(number=1, name="RFP", of=2), ChannelRecord(number=1, of=3)])
def test_a_stack_without_the_bundle_s_channel_is_refused(record: ChannelRecord) -> None:
    with pytest.raises(InputError, match=f"{record.label}.*DAPI, GFP"):
        choose_channels(TWO, record, None, "a")
    with pytest.raises(UsageError, match=r"its channels 1 .DAPI., 2 .GFP."):
        choose_channels(TWO, record, "RFP", "a")


def test_frames_without_channels_are_denoised_whatever_the_bundle_is_for() -> None:
    record = ChannelRecord(number=2, name="GFP", of=2)
    choice = choose_channels(plain_axes(3), record, None, "a")
    assert all(choice.takes(page) for page in range(3)) and not choice.notes
    one = StackAxes("", ((),), (Channel(1, "DAPI"),))
    assert "trained on GFP, but this is DAPI" in choose_channels(one, record, None, "a").notes[0]


def test_channel_after_channel_gives_the_whole_stack(make_bundle: BundleMaker, tmp_path: Path) -> None:
    stack = write_stack(tmp_path / "a.ome.tif")
    source, (step, clean) = tmp_path / "a.ome.tif", (tmp_path / "b.ome.tif", tmp_path / "c.ome.tif")
    for number, (before, after) in enumerate([(source, step), (step, clean)]):
        denoiser = denoiser_for(make_bundle(), ChannelRecord(number=number + 1, name=NAMES[number], of=2))
        (result,) = run_jobs(denoiser, plan_outputs([before], after))
        assert (result.error, result.pages, result.copied) == (None, 4, 2)
        others = "pages 2, 4 (GFP)" if number == 0 else "pages 1, 3 (DAPI)"
        assert f"{others} are copied as they are" in result.notes[0]
        found = tifffile.imread(after)
        np.testing.assert_array_equal(found[:, 1 - number], tifffile.imread(before)[:, 1 - number])
        expected = [denoiser(page) for page in stack[:, number]]
        np.testing.assert_array_equal(found[:, number], expected)
    with tifffile.TiffFile(source) as before, tifffile.TiffFile(clean) as after:
        assert after.series[0].axes == before.series[0].axes and after.is_ome


def test_a_page_of_every_channel_is_looked_at(make_bundle: BundleMaker, tmp_path: Path) -> None:
    write_stack(tmp_path / "loud.ome.tif")
    write_stack(tmp_path / "alike.ome.tif", louder=1.0)
    knowing = Denoiser(bundle_knowing(make_bundle(), tmp_path, whole(scene() + noise(9))), "mbd", "cpu", 1)
    loud, alike = run_jobs(
        knowing, plan_outputs([tmp_path / "loud.ome.tif", tmp_path / "alike.ome.tif"], tmp_path / "out")
    )
    assert [sentence.split(":")[0] for sentence in loud.unlike] == ["GFP (page 2)"]
    assert (alike.unlike, alike.copied, alike.notes) == ((), 0, ())


def test_channels_that_a_file_does_not_name_are_noticed_on_the_second_page(
    make_bundle: BundleMaker, tmp_path: Path
) -> None:
    pages = [whole(scene() + noise(seed, SIGMA * (1, 3)[seed % 2])) for seed in range(4)]
    tifffile.imwrite(tmp_path / "a.tif", np.stack(pages), photometric="rgb", metadata=None)
    knowing = Denoiser(bundle_knowing(make_bundle(), tmp_path, whole(scene() + noise(9))), "mbd", "cpu", 1)
    (result,) = run_jobs(knowing, plan_outputs([tmp_path / "a.tif"], tmp_path / "out"))
    assert len(result.unlike) == 1
    assert result.unlike[0].startswith("page 2, which may be another channel")


@pytest.mark.parametrize(("louder", "words"), [(3.0, "not alike"), (1.0, "alike")])
def test_training_wants_one_channel_and_says_how_to_name_it(tmp_path: Path, louder: float, words: str) -> None:
    path = tmp_path / "a b.ome.tif"
    write_stack(path, louder)
    with pytest.raises(UsageError) as caught:
        load_training_frames([path], FrameOptions())
    assert f"noise is {words}" in str(caught.value)
    for channel in ("GFP", "all"):
        assert f"\n  zsn2m-deploy train-and-export '{path}' --channel {channel}" in str(caught.value)


@pytest.mark.parametrize(
    ("channel", "pages", "expected"), [("GFP", "1", [1]), ("1", "all", [0, 2]), ("gfp", "t=2", [3]), ("DAPI", "2", [2])]
)
def test_the_pages_of_one_channel_are_trained_on(tmp_path: Path, channel: str, pages: str, expected: list[int]) -> None:
    path = tmp_path / "a.ome.tif"
    write_stack(path)
    found = load_training_frames([path], FrameOptions(channel=channel, pages=pages))
    with open_image(path) as image:
        for frame, page in zip(found.frames, expected, strict=True):
            np.testing.assert_array_equal(frame.pixels, image.read(page).pixels)
        name = NAMES[expected[0] % 2]
        assert found.names == tuple(f"a.ome.tif page {page + 1} ({name})" for page in expected)
        assert found.channel == ChannelRecord(number=expected[0] % 2 + 1, name=name, of=2)
    assert not [hint for hint in found.hints if "bits" not in hint]


def test_a_channel_of_frames_that_have_none_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((20, 20), np.uint8))
    with pytest.raises(UsageError, match="GFP"):
        load_training_frames([tmp_path / "a.npy"], FrameOptions(channel="GFP"))


def test_a_channel_of_a_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").touch()
    with pytest.raises(UsageError, match="but got a video"):
        load_training_frames([tmp_path / "a.mkv"], FrameOptions(channel="GFP"))


@pytest.mark.slow
def test_a_bundle_for_each_channel(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(api, "train_networks", untrained)
    monkeypatch.chdir(tmp_path)
    write_stack(tmp_path / "a.ome.tif", louder=1.0)
    ended = run_command(
        capsys, "train-and-export", "a.ome.tif", "--channel", "all", "-o", "cam.zsn2m", "--method", "mbd", "--json"
    )
    assert ended.code == 0, ended.err
    assert [Path(bundle["bundle"]).name for bundle in ended.json] == ["cam.DAPI.zsn2m", "cam.GFP.zsn2m"]
    for number, name in enumerate(NAMES, start=1):
        sensor = load_bundle(tmp_path / f"cam.{name}.zsn2m").manifest.sensor
        assert sensor.stack_channel == ChannelRecord(number=number, name=name, of=2)
        shown = run_command(capsys, "inspect", f"cam.{name}.zsn2m").out
        assert f"{name} (channel {number} of 2)" in shown
        assert "this bundle may serve them all (denoise --channel all)" in shown
    again = run_command(
        capsys, "train-and-export", "a.ome.tif", "--channel", "all", "-o", "cam.zsn2m", "--method", "mbd"
    )
    assert again.code != 0 and "--overwrite" in again.err
    ended = run_command(capsys, "train-and-export", "a.ome.tif")
    assert ended.code == 2 and "--channel GFP" in ended.err


def test_json_has_the_shape_that_the_options_ask_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A list with `--channel all`, also where the stack has one channel."""
    monkeypatch.setattr(api, "train_networks", untrained)
    write_frame(tmp_path / "a.png")
    command = ("train-and-export", tmp_path / "a.png", "-o", tmp_path / "cam.zsn2m", "--method", "mbd", "--json")
    one = run_command(capsys, *command).json
    [same] = run_command(capsys, *command, "--channel", "all", "--overwrite").json
    assert one["bundle"] == same["bundle"] == str(tmp_path / "cam.zsn2m")


def test_names_of_bundles(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    names = {"Channel": {"Name": ["GFP/488 nm", "GFP/488:nm", ""]}}
    tifffile.imwrite(path, np.zeros((3, 20, 20), np.uint8), photometric="minisblack", metadata={"axes": "CYX"} | names)
    with open_image(path) as image:
        wanted = [str(channel.number) for channel in image.axes.channels]
        named = [found.name for found in bundle_paths(image, wanted, None)]
        assert bundle_paths(image, wanted[:1], Path("x/out"))[0] == Path("x/out.GFP_488_nm.zsn2m")
    assert named == ["a.GFP_488_nm1.zsn2m", "a.GFP_488_nm2.zsn2m", "a.channel3.zsn2m"]


def test_a_stack_in_words_and_in_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    write_stack(path)
    shown = run_command(capsys, "inspect", path).out
    for words in (
        "2 times x 2 channels (DAPI, GFP), as OME-XML says",
        "1, 3 are DAPI; 2, 4 are GFP",
        f"one bundle for each: zsn2m-deploy train-and-export {path} --channel all",
    ):
        assert words in shown
    stack = run_command(capsys, "inspect", path, "--json").json["stack"]
    assert [(channel["name"], channel["pages"]) for channel in stack["channels"]] == [("DAPI", [1, 3]), ("GFP", [2, 4])]
    levels = [channel["noise"]["sigma"] for channel in stack["channels"]]
    assert levels == pytest.approx([SIGMA, 3 * SIGMA], rel=0.15)
    assert stack["noise_alike"] is False


def test_pages_that_may_be_channels_are_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for louder, said in ((3, True), (1, False)):
        pages = [whole(scene() + noise(seed, SIGMA * (1, louder)[seed % 2])) for seed in range(4)]
        tifffile.imwrite(tmp_path / "a.tif", np.stack(pages), photometric="rgb", metadata=None)
        assert ("page 2 has other noise than page 1" in run_command(capsys, "inspect", tmp_path / "a.tif").out) is said
        hints = load_training_frames([tmp_path / "a.tif"], FrameOptions()).hints
        assert [hint.startswith("page 2 has other noise") for hint in hints] == [True] * said


def test_three_channels_in_one_page_are_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    stack = np.stack([np.moveaxis(whole(scene() + noise(seed)), 2, 0) for seed in range(2)])
    options: dict[str, Any] = {"planarconfig": "separate", "metadata": {"axes": "TCYX"}}
    for photometric, said in (("minisblack", True), ("rgb", False)):
        tifffile.imwrite(path, stack, photometric=photometric, **options)
        facts = run_command(capsys, "inspect", path, "--json").json
        assert facts["pages"] == 2 and facts["channels"] == 3
        assert any("count as one colour frame" in note for note in facts["stack"]["notes"]) is said
        assert bool(load_training_frames([path], FrameOptions()).hints) is said


def test_how_pages_are_stored(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = run_command(capsys, "inspect", shared_data / "faults" / "pyr.ome.tif", "--json").json
    assert facts["stack"]["stored"] == "tiles of 64 x 64; smaller copies of the page: 256 x 256, 128 x 128"
    assert facts["stack"]["pixel_size"] == [{"axis": "X", "size": 0.25, "unit": "um"}]


def test_the_fault_file(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = shared_data / "faults" / "twoch.ome.tif"
    shown = run_command(capsys, "inspect", path).out
    assert "1, 3, 5 are bright; 2, 4, 6 are dim" in shown
    assert "differs: one bundle for each" in shown
    with pytest.raises(UsageError, match=r"bright, dim.*not alike"):
        load_training_frames([path], FrameOptions())


def test_the_noise_of_channels_does_not_see_padding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generator = np.random.default_rng(1000)
    stack = (100 + generator.normal(0, 10, (2, 96, 96))).astype(np.float32)
    stack[:, :40] = np.nan
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, metadata={"axes": "CYX", "Channel": {"Name": NAMES}})
    channels = run_command(capsys, "inspect", tmp_path / "a.ome.tif", "--json").json["stack"]["channels"]
    assert [channel["noise"]["sigma"] for channel in channels] == pytest.approx([10, 10], rel=0.1)
