"""stream as a user calls it."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import tifffile
from support.bundles import BundleMaker
from support.clips import Clip, frames_of, info_of, noise, packets_of, tags_of, times_of, video_sink, write_all
from support.commands import run_command, write_frame
from support.known_noise import SIGMA, bundle_knowing, scene, whole
from support.known_noise import noise as normal_noise
from support.streams import DEFAULT_ON_ONE_THREAD, ONE_THREAD, STREAM, Capture, pictures

from zsn2m_deploy.cli import terminal
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.files import open_image
from zsn2m_runtime.sequence import MotionName
from zsn2m_runtime.streaming.video.source import VideoSource


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return Clip(audio=True).write(tmp_path / "clip.mp4")


@pytest.mark.parametrize(("channels", "kind"), [(1, "gray16le"), (3, "gbrp16le")])
def test_12_bits_in_a_16_bit_video_are_of_a_12_bit_sensor(
    capsys: Capture, make_bundle: BundleMaker, tmp_path: Path, channels: int, kind: str
) -> None:
    bundle, place, out = (
        make_bundle("uint16", channels, (0.0, 4095.0), "mbd"),
        tmp_path / "in.mkv",
        tmp_path / "out.mkv",
    )
    arrays = noise(3, "uint16", channels, 4095)
    write_video(place, arrays)
    ended = run_command(capsys, "stream", bundle, place, "-o", out, "--lossless", *ONE_THREAD)
    assert ended.code == 0, ended.err
    denoise = Denoiser(bundle, "mbd", "cpu", 1)
    for noisy, clean in zip(arrays, pictures(out), strict=True):
        np.testing.assert_array_equal(clean.frame.pixels, denoise(noisy))  # not moved to the top of the word
    with av.open(str(out)) as video:
        assert video.streams.video[0].pix_fmt == kind
    assert run_command(capsys, "stream", bundle, out, "-o", tmp_path / "again.mkv", "--lossless", *ONE_THREAD).code == 0

    write_video(place, [*arrays, np.full_like(arrays[0], 4096)])
    refused = run_command(capsys, "stream", bundle, place, "-o", out, "--lossless", *ONE_THREAD)
    assert refused.code == 3
    assert "frame_00000004: " in refused.err and "0 to 4095" in refused.err


def write_video(place: Path, arrays: list[np.ndarray]) -> None:
    sink = video_sink(place, info_of(arrays[0], 65535), lossless=True)
    write_all(sink, arrays)
    sink.finish()


def test_a_video_comes_out_denoised_with_its_times_and_its_sound(
    capsys: Capture, make_bundle: BundleMaker, clip: Path, tmp_path: Path
) -> None:
    bundle, out = make_bundle(method="adapt"), tmp_path / "clean.mkv"
    ended = run_command(capsys, "stream", bundle, clip, "-o", out, "--lossless", "--json", *DEFAULT_ON_ONE_THREAD)
    assert ended.code == 0, ended.err
    report = ended.json
    before, after = pictures(clip), pictures(out)
    denoise = Denoiser(bundle, provider="cpu", threads=1)
    assert report["frames_in"] == report["frames_out"] == len(before) == len(after) == 12
    assert (report["output"], report["provider"], report["complete"]) == (str(out), "cpu", True)
    for noisy, clean in zip(before, after, strict=True):
        np.testing.assert_array_equal(clean.frame.pixels, denoise(noisy.frame.pixels))
        assert noisy.pts is not None and clean.pts is not None and noisy.time_base and clean.time_base
        assert abs(noisy.pts * noisy.time_base - clean.pts * clean.time_base) <= 0.001  # Matroska's ticks
    with av.open(str(clip)) as first, av.open(str(out)) as second:
        sound = [[bytes(packet) for packet in file.demux(audio=0) if packet.size] for file in (first, second)]
    assert sound[0] == sound[1] != []


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("out", ["out.mp4", "out.mkv"])
def test_a_clip_keeps_its_frames_times_sound_tags_and_depth(
    capsys: Capture, make_bundle: BundleMaker, tmp_path: Path, bits: int, out: str
) -> None:
    times = [0, 1001, 2002, 7007, 7500, 9009, 24_000]  # of no constant rate
    kind, tags = ("yuv420p", (1, 1, 1, 1)) if bits == 8 else ("yuv420p10le", (1, 9, 16, 9))
    first = Clip("libx264", kind, times, audio=True, tags=tags, options={"bf": "0"}).write(tmp_path / "in.mp4")
    bundle = make_bundle(*(("uint8", 3, (0.0, 255.0)) if bits == 8 else ("uint16", 3, (0.0, 1023.0), "mbd")))
    result = tmp_path / out
    ended = run_command(capsys, "stream", bundle, first, "-o", result, "--crf", 1, "--json", *ONE_THREAD)
    assert ended.code == 0, ended.err
    assert ended.json["frames_in"] == ended.json["frames_out"] == len(times)
    tick = 0 if out == "out.mp4" else 5.01e-4  # half of one of Matroska's
    assert times_of(result) == pytest.approx([time / 24_000 for time in times], rel=0, abs=tick)
    before, after = packets_of(first, "audio"), packets_of(result, "audio")
    assert [data for data, *_ in after] == [data for data, *_ in before] != []
    assert [time for _, time, _ in after] == pytest.approx([time for _, time, _ in before], rel=0, abs=tick)
    assert tags_of(result) == tags_of(first) == tags
    assert {frame.format.name for frame in frames_of(result)} == {kind}
    denoise = Denoiser(bundle, "mbd", "cpu", 1)
    for noisy, clean in zip(pictures(first), pictures(result), strict=True):
        distance = np.abs(denoise(noisy.frame.pixels).astype(int) - clean.frame.pixels).mean()
        assert distance < 0.005 * (2**bits - 1)  # what H.264 and its chroma of half the size cost


def test_what_people_read_names_output_speed_and_latency(
    capsys: Capture, make_bundle: BundleMaker, clip: Path, tmp_path: Path
) -> None:
    ended = run_command(capsys, "stream", make_bundle(), clip, "-o", tmp_path / "a.mp4", "--no-tracks", *ONE_THREAD)
    assert ended.code == 0, ended.err
    assert f"{clip} -> {tmp_path / 'a.mp4'} (mbd on cpu)" in ended.out
    assert "12 of 12 frames in" in ended.out
    assert "p99" in ended.out
    with av.open(str(tmp_path / "a.mp4")) as video:
        assert not video.streams.audio


def test_images_become_a_folder_a_stack_and_a_video(capsys: Capture, make_bundle: BundleMaker, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    frames = [write_frame(tmp_path / "in" / f"frame{number}.png") for number in (2, 10)]
    denoise = Denoiser(make_bundle(), "mbd", "cpu", 1)
    for out, options in (("folder/", ()), ("stack.tif", ()), ("film.mkv", ("--lossless",))):
        ended = run_command(
            capsys, "stream", make_bundle(), tmp_path / "in", "-o", f"{tmp_path}/{out}", *options, *ONE_THREAD
        )
        assert ended.code == 0, ended.err
    with open_image(frames[0]) as image:
        expected = denoise(image.read().pixels)
    with open_image(tmp_path / "folder" / "frame2.png") as image:
        np.testing.assert_array_equal(image.read().pixels, expected)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "stack.tif")[0], expected)
    np.testing.assert_array_equal(pictures(tmp_path / "film.mkv")[0].frame.pixels, expected)


def test_y4m_goes_through_a_pipe(make_bundle: BundleMaker, tmp_path: Path) -> None:
    piped = io.BytesIO()
    Clip(codec="wrapped_avframe", format="yuv4mpegpipe").write(piped)
    done = subprocess.run(
        [*STREAM, make_bundle(), "-", "-o", "-", *ONE_THREAD], input=piped.getvalue(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"12 of 12 frames" in done.stderr
    assert len(pictures(io.BytesIO(done.stdout), format="yuv4mpegpipe")) == 12


def test_raw_frames_go_through_a_pipe_bit_for_bit(make_bundle: BundleMaker) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 20, 24, 3), dtype=np.uint8)
    bundle = make_bundle(method="adapt")
    command = [*STREAM, bundle, "-", "--raw", "24x20:rgb24@5", "-o", "-", *DEFAULT_ON_ONE_THREAD]
    done = subprocess.run(command, input=frames.tobytes(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    denoise = Denoiser(bundle, provider="cpu", threads=1)
    assert done.stdout == b"".join(denoise(frame).tobytes() for frame in frames)


def test_a_video_goes_raw_through_a_pipe_where_that_is_asked_for(make_bundle: BundleMaker, clip: Path) -> None:
    command = [*STREAM, make_bundle(), clip, "-o", "-", "--raw-output", "--pixel-format", "rgb24", *ONE_THREAD]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    denoise = Denoiser(make_bundle(), "mbd", "cpu", 1)
    assert done.stdout == b"".join(denoise(picture.frame.pixels).tobytes() for picture in pictures(clip))


def test_images_become_a_video_of_the_sensors_depth(capsys: Capture, make_bundle: BundleMaker, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", np.full((2, 24, 32), 4095, np.uint16), metadata=None)
    bundle, out = make_bundle("uint16", 1, (0.0, 4095.0), "mbd"), tmp_path / "out.mkv"
    ended = run_command(capsys, "stream", bundle, tmp_path / "in.tif", "-o", out, "--lossless", *ONE_THREAD)
    assert ended.code == 0, ended.err
    source = VideoSource(out)
    assert (source.kind.name, source.info.range) == ("gray12le", (0, 4095))
    again = run_command(capsys, "stream", bundle, out, "-o", tmp_path / "again.mkv", "--lossless", *ONE_THREAD)
    assert again.code == 0, again.err


def test_progress_in_a_log_says_how_long_it_will_take(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([100.0, 100.0 + terminal.LINE_INTERVAL / 2, 104.0 + terminal.LINE_INTERVAL])
    monkeypatch.setattr(terminal, "time", SimpleNamespace(monotonic=lambda: next(now)))
    update = terminal._lines(total=100)
    update(3)  # too soon
    update(7)
    assert capsys.readouterr().err == "7 of 100 frames, 0.50 frames/s, 186 s left\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{clip}"], 2, "name one with -o"),
        (["{clip}", "-o", "{clip}"], 2, "other than the input"),
        (["{clip}", "-o", "a.jpg"], 2, "folder of images"),
        (["{clip}", "-o", "a.mp4", "--lossless"], 2, ".mkv"),
        (["{clip}", "-o", "a.mp4", "--drop-late"], 2, "live source"),
        (["{clip}", "-o", "a.mp4", "--raw", "3x3:rgb24"], 2, "leave --raw out"),
        (["-", "-o", "a.mp4", "--raw", "3by3"], 2, "WxH:FORMAT"),
        (["-", "-o", "-", "--json"], 2, "leave one out"),
        (["{clip}", "-o", "a.mp4", "--fps", "10"], 2, "leave --fps out"),
        (["-", "-o", "a.mp4", "--raw", "3x3:rgb24@5", "--fps", "10"], 2, "leave one out"),
        (["{clip}", "-o", "a/", "--crf", "10"], 2, "for a video"),
        (["{clip}", "-o", "a.tif", "--lossless"], 2, "for a video"),
        (["{clip}", "-o", "a.mkv", "--image-type", "png"], 2, "for a folder of images"),
        (["{clip}", "-o", "a.mkv", "--raw-output"], 2, "for - (stdout)"),
        (["97", "-o", "a.mp4", "--deinterlace"], 2, "leave --deinterlace out"),
        (["a/*.png", "-o", "a.mp4", "--deinterlace"], 2, "leave --deinterlace out"),
        (["absent.mp4", "-o", "a.mp4"], 3, "absent.mp4"),
        (["97", "-o", "a.mp4"], 3, "camera 97"),
        (["{clip}", "-o", "a.mp4", "--provider", "cuda"], 4, "cuda"),
        (["{clip}", "-o", "a.mp4", "--preview"], 4, "opencv-python"),
        (["{clip}", "-o", "nowhere/on/earth.xyz"], 2, "choose one"),
    ],
)
def test_a_bad_request_leaves_nothing(
    capsys: Capture,
    make_bundle: BundleMaker,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = clip.read_bytes()
    ended = run_command(
        capsys, "stream", make_bundle(), *[text.format(clip=clip) for text in arguments], "--model", "mbd"
    )
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert sorted(tmp_path.rglob("*")) == [clip]
    assert clip.read_bytes() == before


def test_a_video_of_another_sensor_is_refused_before_its_first_frame(
    capsys: Capture, make_bundle: BundleMaker, clip: Path, tmp_path: Path
) -> None:
    ended = run_command(
        capsys, "stream", make_bundle("uint16", 1, (0.0, 1023.0), "mbd"), clip, "-o", tmp_path / "a.mp4"
    )
    assert ended.code == 3
    assert "expected grey uint16, range 0 to 1023" in ended.err
    assert "but got colour uint8" in ended.err
    assert not (tmp_path / "a.mp4").exists()


def test_frames_unlike_those_trained_on_are_said(capsys: Capture, make_bundle: BundleMaker, tmp_path: Path) -> None:
    bundle = bundle_knowing(make_bundle(), tmp_path, whole(scene() + normal_noise(0)))
    pages = np.stack([whole(scene() + normal_noise(seed, 2 * SIGMA)) for seed in (1, 2, 3)])
    tifffile.imwrite(tmp_path / "in.tif", pages, photometric="rgb")
    command = ("stream", bundle, tmp_path / "in.tif", "-o", tmp_path / "out.tif", *ONE_THREAD)
    ended = run_command(capsys, *command)
    assert ended.code == 0, ended.err
    assert len([line for line in ended.out.splitlines() if line.startswith("unlike the training frames: ")]) == 1
    [sentence] = run_command(capsys, *command, "--json").json["unlike"]
    assert ": noise: expected about 1" in sentence


@pytest.mark.parametrize("motion", ["flow", "none"])
def test_results_with_lookahead_are_those_of_python(
    capsys: Capture, make_bundle: BundleMaker, tmp_path: Path, motion: MotionName
) -> None:
    bundle = bundle_knowing(make_bundle(), tmp_path, whole(scene() + normal_noise(0)))
    frames = [whole(scene() + normal_noise(seed)) for seed in range(5)]
    tifffile.imwrite(tmp_path / "in.tif", np.stack(frames), photometric="rgb")
    command = ("stream", bundle, tmp_path / "in.tif", "-o", tmp_path / "out.tif", "--motion", motion, *ONE_THREAD)
    ended = run_command(capsys, *command, "--lookahead", "2")
    assert ended.code == 0, ended.err
    assert "changes nothing" not in ended.err
    right = list(Denoiser(bundle, "mbd", "cpu", 1).stream(frames, motion, lookahead=2))
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), right)
    alone = next(iter(Denoiser(bundle, "mbd", "cpu", 1).stream(frames, motion)))
    assert (right[0] != alone).any()


def test_a_lookahead_that_changes_nothing_is_said(capsys: Capture, make_bundle: BundleMaker, tmp_path: Path) -> None:
    bundle, place = make_bundle(), tmp_path / "in.tif"
    tifffile.imwrite(place, np.stack(noise(3, "uint8", 3, 255)), photometric="rgb")
    command = ("stream", bundle, place, "-o", tmp_path / "out.tif", *ONE_THREAD)
    ended = run_command(capsys, *command, "--motion", "off", "--lookahead", "1")
    assert (ended.code, "expected --motion flow or none with --lookahead" in ended.err) == (2, True)
    assert not (tmp_path / "out.tif").exists()
    onnx = next(bundle.rglob("*.onnx"))
    ended = run_command(capsys, "stream", onnx, place, "-o", tmp_path / "out.tif", "--threads", "1", "--lookahead", "1")
    assert ended.code == 0, ended.err
    assert "--lookahead changes nothing" in ended.err
