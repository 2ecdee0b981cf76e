"""report.html and report.json: everything is in them, nothing comes from elsewhere, and they agree."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.bundles import BundleMaker
from support.reports import blur, seen, write
from support.scenes import Scene, scene

from zsn2m_deploy.report.pictures import SIDE
from zsn2m_deploy.report.warnings import NO_NOISE
from zsn2m_deploy.report.writing import Subject, findings, write_report
from zsn2m_runtime.blank.areas import filled
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import HeavyTails
from zsn2m_runtime.training_record import TrainedFrame, TrainingRecord

BLANK = 9.0
SIDE_DRAWN = 160


def test_a_good_result(tmp_path: Path, manifest: Manifest) -> None:
    made = scene()
    report, page, facts = write(tmp_path, manifest, made, made.good)
    text = seen(page)
    for expected in ("cam.zsn2m", "a <b>.png", "Looks right", "MBD-Net <trained>", "grd (default)", "12.3 s", "160"):
        assert expected in text
    assert facts["warnings"] == []
    assert facts["verdict"] == "looks right"
    assert facts["chosen"] == report.chosen == manifest.training.chosen
    assert facts["seconds"] == {"training of MBD-Net": 12.3, "export": 1.5}
    assert facts["noise"]["sigma"] == pytest.approx(12)
    assert facts["removed"]["autocorrelation"]["expected_beside"] == [1, 0, 0, 0, 0]
    assert f"{facts['self_check']['psnr']:.1f} dB" in text
    assert [model["id"] for model in facts["models"]] == ["mbd", "grd"]
    assert facts["models"][0]["parity"]["tolerance"] == 1e-4
    assert [check["passed"] for check in facts["checks"]] == [True] * 5
    assert page.count(">ok<") == 5
    assert len(page.split("<svg")) == 1 + 5


def test_a_bad_result_says_so(tmp_path: Path, manifest: Manifest) -> None:
    made = scene()
    report, page, facts = write(tmp_path, manifest, made, made.blurred)
    assert "holds structure of the picture" in report.warnings[0]
    assert facts["warnings"] == list(report.warnings)
    assert "Look closer" in seen(page)
    assert facts["verdict"] == "look closer"
    assert "look" in re.findall(r'<td class="(\w+)">', page)


def test_a_small_frame_that_passes_what_can_be_checked_is_not_praised(tmp_path: Path, manifest: Manifest) -> None:
    made = scene(side=24)
    report, page, facts = write(tmp_path, manifest, made, made.good)
    assert any(check.passed is None for check in report.checks) and not report.warnings
    assert facts["verdict"] == "not fully judged"
    assert '<section class="verdict"><strong>Not fully judged.</strong> Nothing spoke against it' in page


@pytest.mark.parametrize(("chosen_method", "black", "expected"), [("adapt", 60, 1), ("adapt", 0, 0), ("mbd", 60, 0)])
def test_the_tint_of_clipped_places_is_explained(
    tmp_path: Path, manifest: Manifest, chosen_method: str, black: float, expected: int
) -> None:
    bright = scene()
    clean = np.maximum(bright.clean - black, 0)
    made = replace(bright, clean=clean, noise=np.maximum(bright.noise, -clean))
    method = manifest.method.model_copy(update={"method": chosen_method})
    _, page, _ = write(tmp_path, manifest.model_copy(update={"method": method}), made, made.good)
    assert seen(page).count("tint") == expected


def test_nothing_comes_from_elsewhere(tmp_path: Path, manifest: Manifest) -> None:
    made = scene()
    _, page, _ = write(tmp_path, manifest, made, made.good)
    assert not re.search(r"<script|<link|@import|url\(|//|javascript:", re.sub(r'"data:[^"]*"', '""', page))
    assert set(re.findall(r'src="([^:"]*:)', page)) == {"data:"}


def test_pictures_are_pictures_and_the_page_stays_small(tmp_path: Path, manifest: Manifest) -> None:
    generator = np.random.default_rng(0)
    clean = np.full((700, 1300, 3), 128, np.float32)
    noise = (60 * generator.standard_normal(clean.shape)).astype(np.float32)
    made = Scene(clean, noise, NoiseModel.white(np.zeros(3), np.full(3, 3600.0)))
    _, page, _ = write(tmp_path, manifest, made, clean + 0.4 * noise)
    assert len(page) < 1_000_000
    pictures = re.findall(r'src="data:image/png;base64,([^"]*)"', page)
    decoded = [cv2.imdecode(np.frombuffer(base64.b64decode(one), np.uint8), cv2.IMREAD_UNCHANGED) for one in pictures]
    assert [picture.shape for picture in decoded[:3]] == [(SIDE, SIDE, 3)] * 3
    assert max(decoded[3].shape) == 200


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [16, 40])
def test_the_smallest_frames_have_a_report(tmp_path: Path, make_bundle: BundleMaker, channels: int, side: int) -> None:
    made = scene(channels=channels, side=side)
    base = load_bundle(make_bundle(channels=channels)).manifest
    base = base.model_copy(update={"training": TrainingRecord(chosen="x")})
    _, page, facts = write(tmp_path, base, made, made.noisy)
    seen(page)
    assert facts["self_check"]["psnr"] is None
    assert "not available" in page
    assert facts["verdict"] == "look closer"
    assert any("little was removed" in warning for warning in facts["warnings"])


def test_what_comes_next_names_stream_where_there_is_a_model_for_videos(tmp_path: Path, manifest: Manifest) -> None:
    made = scene()
    assert "stream" not in write(tmp_path, manifest, made, made.good)[0].next_steps[0]
    video = manifest.models[0].model_copy(update={"strength": "strength"})
    report = write(tmp_path, manifest.model_copy(update={"models": [*manifest.models, video]}), made, made.good)[0]
    assert "`zsn2m-deploy stream cam.zsn2m VIDEO -o OUT`" in report.next_steps[0]


def test_a_result_worse_than_its_frame_is_noticed(tmp_path: Path, manifest: Manifest) -> None:
    made = scene(sigma=3.0)
    report, page, facts = write(tmp_path, manifest, made, cv2.GaussianBlur(made.noisy, (0, 0), 0.8))
    assert facts["verdict"] == "look closer"
    assert facts["self_check"]["left"] > 1
    assert any("hardly anything was gained" in warning for warning in facts["warnings"])
    assert "without --method" in seen(page)
    assert report.next_steps[0].endswith("train-and-export FRAME... -o cam.zsn2m --overwrite`")


def test_noise_that_the_network_cannot_tell_from_the_picture_is_one_judgement(
    tmp_path: Path, manifest: Manifest
) -> None:
    made = scene("correlated")
    method = manifest.method.model_copy(update={"method": "mbd"})
    report, _, facts = write(tmp_path, manifest.model_copy(update={"method": method}), made, made.good)
    assert facts["verdict"] == "look closer"
    assert [warning for warning in report.warnings if "most of it stays" in warning]
    default = manifest.model_copy(update={"method": manifest.method.model_copy(update={"method": "adapt"})})
    assert write(tmp_path, default, made, made.good)[2]["verdict"] == "looks right"


def test_a_scene_in_a_corner_is_judged_as_by_itself(tmp_path: Path, manifest: Manifest) -> None:
    made, size = scene(), (1400, 1300, 3)
    noisy, denoised = np.full(size, BLANK, np.float32), np.full(size, BLANK, np.float32)
    part = slice(0, SIDE_DRAWN), slice(0, SIDE_DRAWN)
    noisy[part], denoised[part] = made.noisy, made.good
    blank = np.ones(size[:2], bool)
    blank[part] = False
    subject = Subject(
        "cam.zsn2m", "a.png", noisy, filled(noisy, blank), filled(noisy, blank), denoised, made.model, blur, None, blank
    )
    (tmp_path / "corner").mkdir()
    (tmp_path / "alone").mkdir()
    looked = findings(subject, manifest.sensor.range, manifest.normalisation.in_use)
    found = write_report(tmp_path / "corner", subject, looked, manifest)
    alone = write(tmp_path / "alone", manifest, made, made.good)[0]
    assert found.noisy and found.warnings == alone.warnings == ()
    assert found.removed == alone.removed
    assert found.self_check == alone.self_check


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["my frame.png"], "train-and-export 'my frame.png' -o"),
        (["stack.tif page 2"], "train-and-export FRAME... -o"),
        (["frame"], "train-and-export FRAME... -o"),
        (["clip.mkv frame 1"], "train-and-export FRAME... -o"),
    ],
)
def test_commands_name_files_that_can_be_read(
    names: list[str], expected: str, tmp_path: Path, manifest: Manifest
) -> None:
    training = manifest.training.model_copy(update={"frames": tuple(TrainedFrame(name=name) for name in names)})
    made = scene(sigma=3.0)
    denoised = cv2.GaussianBlur(made.noisy, (0, 0), 0.8)
    report = write(tmp_path, manifest.model_copy(update={"training": training}), made, denoised)[0]
    assert expected in report.next_steps[0]


def test_the_next_training_says_what_the_frames_are(tmp_path: Path, manifest: Manifest) -> None:
    made = scene(sigma=3.0)
    denoised = cv2.GaussianBlur(made.noisy, (0, 0), 0.8)
    sensor = manifest.sensor.model_copy(update={"dtype": "uint16", "range": (0.0, 4095.0)})
    as_picture = manifest.method.model_copy(update={"mosaic": "none"})
    updates = {"sensor": sensor, "method": as_picture}
    report = write(tmp_path, manifest.model_copy(update=updates), made, denoised)[0]
    assert " --mosaic none --bit-depth 12 --overwrite" in report.next_steps[0]
    floats = manifest.sensor.model_copy(update={"dtype": "float32", "range": (-0.5, 260.0)})
    report = write(tmp_path, manifest.model_copy(update={"sensor": floats}), made, denoised)[0]
    assert " --range -0.5 260 --overwrite" in report.next_steps[0]
    warned = manifest.training.model_copy(update={"warnings": ("mosaic: train on it as one: --mosaic RGGB",)})
    report = write(tmp_path, manifest.model_copy(update={**updates, "training": warned}), made, made.good)[0]
    assert " -o cam.zsn2m --mosaic auto --bit-depth 12 --overwrite" in report.next_steps[0]


@pytest.mark.parametrize("kind", ["shading", "wall"])
def test_a_frame_without_noise_is_told_so_and_nothing_else(tmp_path: Path, manifest: Manifest, kind: str) -> None:
    rows, columns = np.mgrid[:SIDE_DRAWN, :SIDE_DRAWN]
    picture = 120 + 60 * np.sin(rows / 17) * np.cos(columns / 23)
    if kind == "wall":
        rough = cv2.GaussianBlur(np.random.default_rng(0).standard_normal(picture.shape), (0, 0), 0.8)
        picture = np.where((rows % 12 < 2) | ((columns + rows // 12 % 2 * 12) % 24 < 2), 60, 120 + 30 * rough)
    clean = np.repeat(np.rint(picture.clip(0, 255))[..., None], 3, axis=2).astype(np.uint8)
    model = estimate_noise([clean])
    made = Scene(clean, np.zeros_like(clean), model)
    report, page, facts = write(tmp_path, manifest, made, cv2.blur(clean, (5, 5)))
    assert facts["verdict"] == "look closer"
    assert model.regular == (kind == "wall")
    assert report.warnings == (NO_NOISE,)
    assert facts["has_noise"] is False
    assert facts["self_check"]["psnr"] is None
    assert "Use the frame as it is" in seen(page)
    tails = Scene(clean, np.zeros_like(clean), replace(model, tails=HeavyTails(share=0.03, factor=10, power=4)))
    assert NO_NOISE not in write(tmp_path, manifest, tails, cv2.blur(clean, (5, 5)))[0].warnings


def test_hints_are_beside_the_psnr_and_no_reason_to_worry(tmp_path: Path, manifest: Manifest) -> None:
    made = scene()
    hint = "all values fit 12 bits; if the sensor has no more, --bit-depth 12 <helps>"
    hinted = manifest.model_copy(update={"training": manifest.training.model_copy(update={"hints": (hint,)})})
    report, page, facts = write(tmp_path, hinted, made, made.good)
    assert facts["hints"] == [hint] and facts["verdict"] == "looks right"
    assert report.warnings == ()
    section = page[page.index("Self-check") :]
    assert "12 bits" in section[: section.index("</section>")]


def test_the_noise_has_one_figure_and_stages_have_names(tmp_path: Path, manifest: Manifest) -> None:
    made = scene()
    report, page, _ = write(tmp_path, manifest, made, made.good)
    text = seen(page)
    assert text.count(f"{report.noise.sigma:.3g}standard deviation") == 1
    assert f"{report.removed.sigma:.3g}" not in text.replace("of 12:", "")
    assert "stage" not in text.lower().replace("--method", "")
    assert "MBD-Net" in text and "What to do next" in text


def test_names_of_files_stay_as_they_are(tmp_path: Path, manifest: Manifest) -> None:
    hints = ("frame.png: something", "all values fit 12 bits")
    hinted = manifest.model_copy(update={"training": manifest.training.model_copy(update={"hints": hints})})
    made = scene()
    page = seen(write(tmp_path, hinted, made, made.good)[1])
    assert "frame.png: something." in page and "All values fit 12 bits." in page
