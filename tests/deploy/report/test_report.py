"""report.html and report.json: everything is in them, nothing comes from elsewhere, and they agree."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.bundles import BundleMaker
from support.scenes import RANGE, Scene, scene

from benchmarks.regular_cases import KINDS, Texture, draw
from benchmarks.split import FIRST_TEST_SEED
from zsn2m_deploy.advice import gentler, stronger
from zsn2m_deploy.config.training import Preset, TrainConfig
from zsn2m_deploy.report.facts import Report
from zsn2m_deploy.report.pictures import SIDE, detailed_crop, report_pictures
from zsn2m_deploy.report.presence import presence_of
from zsn2m_deploy.report.self_check import SelfCheck
from zsn2m_deploy.report.warnings import NO_NOISE, UNSURE, warnings
from zsn2m_deploy.report.words import Check, Presence, Verdict, chosen, judge, self_check_in_words
from zsn2m_deploy.report.writing import Subject, write_report
from zsn2m_runtime.blank.areas import filled
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.facts import noise_facts
from zsn2m_runtime.noise.familiarity import training_stats
from zsn2m_runtime.noise.model import NoiseModel
from zsn2m_runtime.noise_record import NoiseGroup
from zsn2m_runtime.sample_types import Nchw, Pixels
from zsn2m_runtime.training_record import MethodRecord, TrainedFrame, TrainedStage, TrainingRecord

BLANK = 9.0
VOID = ("meta", "img", "wbr")
SIDE_DRAWN = 160


class Tags(HTMLParser):
    """Refuses tags that are not closed in order; keeps the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(page: str) -> str:
    """The text of a page, its tags checked."""
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    return tags.text


@pytest.fixture
def manifest(make_bundle: BundleMaker) -> Manifest:
    found = load_bundle(make_bundle()).manifest
    training = TrainingRecord(
        chosen="noise of 12: MBD-Net <trained>",
        device="cpu",
        precision="fp32",
        stages=(TrainedStage(stage="mbd", iterations=300, seconds=12.3, losses=(3.0, 2.0, 1.0)),),
        export_seconds=1.5,
    )
    return found.model_copy(update={"training": training})


def blur(planes: Nchw) -> Nchw:
    return np.stack([[cv2.GaussianBlur(plane, (0, 0), 0.8) for plane in frame] for frame in planes])


def write(folder: Path, manifest: Manifest, made: Scene, denoised: Pixels) -> tuple[Report, str, Any]:
    subject = Subject("cam.zsn2m", "a <b>.png", made.noisy, made.noisy, made.noisy, denoised, made.model, blur)
    report = write_report(folder, subject, manifest)
    page, facts = ((folder / name).read_text(encoding="utf-8") for name in ("report.html", "report.json"))
    assert {path.name for path in folder.iterdir()} == {"report.html", "report.json"}
    return report, page, json.loads(facts, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))


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


def test_a_check_that_cannot_be_made_is_no_praise() -> None:
    made = Check("a", 1.0, 1.0, "", True)
    unmade = Check("b", None, 1.0, "", None)
    assert judge([made, made], [], FINE) is Verdict.GOOD
    assert judge([made, unmade], [], FINE) is Verdict.UNJUDGED
    assert judge([made, unmade], ["few frames"], FINE) is Verdict.LOOK


def test_nothing_looks_right_whose_flat_places_contradict_the_noise() -> None:
    made = Check("a", 1.0, 1.0, "", True)
    assert judge([made], [], replace(FINE, psnr=None, contradicted=True)) is Verdict.UNJUDGED


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


def test_the_crop_is_where_the_detail_is() -> None:
    generator = np.random.default_rng(0)
    frame = np.full((600, 900), 100, np.float32)
    frame[300:500, 610:800] += 50 * generator.standard_normal((200, 190)).astype(np.float32)
    model = NoiseModel.white(np.zeros(1), np.ones(1))
    top, left = detailed_crop(frame, model)
    assert top <= 300 and top + SIDE >= 500
    assert left <= 610 and left + SIDE >= 800
    assert detailed_crop(frame[:100, :SIDE], model) == (0, 0)
    pictures = report_pictures(frame, frame, model, RANGE, (slice(100, 600), slice(0, 900)))
    assert (pictures.top >= 100, pictures.height, pictures.width) == (True, SIDE, SIDE)
    assert pictures.overview is not None


@pytest.mark.parametrize(
    ("config", "expected", "missing"),
    [
        (TrainConfig(), ("adapted in 150 steps", "pairs made of the frame itself"), "strength"),
        (TrainConfig(strength=2.0), ("taken for 2 times as strong",), "preset"),
        (TrainConfig.from_preset("fast"), ("adapted in 38 steps", "(preset fast)"), "strength"),
        (TrainConfig(method="mbd"), ("MBD-Net trained", "alpha_ie 10"), "GRD"),
        (TrainConfig.from_preset("best", "paper"), ("MBD-Net and GRD-Net", "(preset best)"), "expect little"),
    ],
)
def test_the_line_says_what_was_chosen(config: TrainConfig, expected: tuple[str, ...], missing: str) -> None:
    made = scene()
    line = chosen(config, noise_facts([made.noisy], made.model))
    assert "noise of 12" in line and "independent from pixel to pixel" in line
    assert all(part in line for part in expected)
    assert missing not in line
    assert "\n" not in line


@pytest.mark.parametrize("preset", ["instant", "fast"])
def test_a_mixture_is_adapted_to_where_anything_is(preset: Preset) -> None:
    made = scene()
    noise, look = made.model.record(), training_stats([made.noisy], made.model)
    groups = [NoiseGroup(frames=(f"{name}.png",), sigma=12, noise=noise, look=look) for name in ("day", "night")]
    line = chosen(TrainConfig.from_preset(preset), noise_facts([made.noisy], made.model), mixture=groups)
    assert "day.png at 12, night.png at 12" in line
    assert ("adapted as a mixture" in line) == (preset == "fast")


def test_what_comes_next_names_stream_where_there_is_a_model_for_videos(tmp_path: Path, manifest: Manifest) -> None:
    made = scene()
    assert "stream" not in write(tmp_path, manifest, made, made.good)[0].next_steps[0]
    video = manifest.models[0].model_copy(update={"strength": "strength"})
    report = write(tmp_path, manifest.model_copy(update={"models": [*manifest.models, video]}), made, made.good)[0]
    assert "`zsn2m-deploy stream cam.zsn2m VIDEO -o OUT`" in report.next_steps[0]


def test_the_line_says_why_for_correlated_noise() -> None:
    made = scene("correlated")
    facts = noise_facts([made.noisy], made.model)
    config = TrainConfig().updated({"sensor": {"weight_recorrupted": 0.0}})
    assert "alone (pairs made of the frame itself" in chosen(config, facts)
    assert "only where pixels do not share it" in chosen(TrainConfig(method="mbd"), facts)


SENSOR = TrainConfig()
MBD = TrainConfig(method="mbd")
FINE = SelfCheck(30.0, 29.0, 31.0, 20.0, 8.0, 25.0, 255.0, None, 0.1)


def test_warnings_name_the_figures(tmp_path: Path, manifest: Manifest) -> None:
    made = scene()
    report, _, _ = write(tmp_path, manifest, made, made.good)
    assert warnings(report.removed, FINE, SENSOR) == ()
    assert warnings(report.removed, FINE, SENSOR, Presence.UNSURE) == (UNSURE,)
    assert warnings(report.removed, FINE, SENSOR, kept="grain") == ("grain",)
    assert warnings(report.removed, FINE, SENSOR, uneven=True, kept="grain") == ("grain",)
    little, much = (replace(report.removed, sigma=sigma) for sigma in (3.0, 30.0))
    assert "little was removed: 0.25 times" in warnings(little, FINE, SENSOR)[0]
    assert "much was removed: 2.50 times" in warnings(much, FINE, SENSOR)[0]


def test_a_result_that_gained_nothing_is_no_good_result(tmp_path: Path, manifest: Manifest) -> None:
    made = scene()
    report, _, _ = write(tmp_path, manifest, made, made.good)
    worse = replace(FINE, left=1.2)
    [said] = warnings(report.removed, worse, MBD)
    assert "hardly anything was gained" in said and "without --method" in said
    assert "--strength 0.7" in warnings(report.removed, worse, SENSOR)[0]


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
    found = write_report(tmp_path / "corner", subject, manifest)
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
    floats = manifest.sensor.model_copy(update={"dtype": "float32", "range": (-0.5, 1.0)})
    report = write(tmp_path, manifest.model_copy(update={"sensor": floats}), made, denoised)[0]
    assert " --range -0.5 1 --overwrite" in report.next_steps[0]
    warned = manifest.training.model_copy(update={"warnings": ("mosaic: train on it as one: --mosaic RGGB",)})
    report = write(tmp_path, manifest.model_copy(update={**updates, "training": warned}), made, made.good)[0]
    assert " -o cam.zsn2m --mosaic auto --bit-depth 12 --overwrite" in report.next_steps[0]


@pytest.mark.parametrize(
    ("method", "strength", "less", "more"),
    [
        ("adapt", 1.0, "--strength 0.7", "--strength 1.5"),
        ("adapt", 0.7, "--strength 0.49", "--strength 1"),
        ("adapt", 0.1, "--strength 0.1", "--strength 0.15"),
        ("adapt", 4.0, "--strength 2.8", "--strength 4"),
        ("mbd", 1.0, "--method adapt", "--method adapt"),
    ],
)
def test_advice_names_a_value_that_acts(method: str, strength: float, less: str, more: str) -> None:
    found = MethodRecord(method=method, strength=strength)
    assert (gentler(found), stronger(found)) == (less, more)


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


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "one channel"])
def test_noise_is_told_from_regular_detail(kind: str, whole: bool) -> None:
    noisy, clean = draw(Texture(kind, 3.0, 2.0, FIRST_TEST_SEED + 7))
    if whole:
        noisy, clean = (np.rint(pixels.clip(0, 255)).astype(np.uint8) for pixels in (noisy, clean))
    of_noisy, of_clean = (estimate_noise([pixels]) for pixels in (noisy, clean))
    assert of_clean.regular and presence_of(clean, of_clean) is Presence.NONE
    assert presence_of(noisy, of_noisy) is not Presence.NONE


@pytest.mark.parametrize("kind", ["white", "sloped", "correlated"])
def test_noise_is_seen(kind: str) -> None:
    made = scene(kind)
    assert presence_of(made.noisy, made.model) is not Presence.NONE
    assert presence_of(made.noisy[:63, :95], made.model) is not Presence.NONE
    assert presence_of(np.clip(np.rint(made.noisy), 0, 255).astype(np.uint8), made.model) is not Presence.NONE


@pytest.mark.parametrize("way", ["enlarged", "blurred"])
@pytest.mark.parametrize("photons", [False, True])
def test_smooth_noise_is_no_picture(way: str, photons: bool) -> None:
    clean = scene().clean.astype(np.float64)
    random = np.random.default_rng(3)
    noisy = 4.0 * random.poisson(clean / 4) if photons else clean + random.normal(0, 14, clean.shape)
    smooth = cv2.resize(noisy, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    if way == "blurred":
        smooth = cv2.GaussianBlur(noisy, (0, 0), 1.0)
    frame = np.clip(np.rint(smooth), 0, 255).astype(np.uint8)
    assert presence_of(frame, estimate_noise([frame])) is Presence.NOISE


@pytest.mark.parametrize("seed", [3, 5])
def test_film_grain_is_no_picture(seed: int) -> None:
    """It is strongest at middle grey, as no line over brightness has it, and was told to be no noise."""
    clean, random = scene(channels=1, seed=1).clean.astype(np.float64), np.random.default_rng(seed)
    grain = cv2.GaussianBlur(random.standard_normal(clean.shape), (0, 0), 1.3)
    noisy = clean + 0.125 * grain / grain.std() * np.sqrt(np.maximum(clean * (255 - clean), 400))
    frame = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    assert presence_of(frame, estimate_noise([frame])) is Presence.NOISE


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


def test_what_was_removed_is_drawn_in_units_of_the_noise_there() -> None:
    generator = np.random.default_rng(0)
    clean = np.full((64, 128), 100, np.float32)
    clean[:, 64:] = 1600
    model = NoiseModel.white(np.ones(1), np.zeros(1))
    noisy = clean + np.sqrt(clean) * generator.standard_normal(clean.shape).astype(np.float32)
    shown = report_pictures(noisy, clean, model, (0.0, 2000.0), (slice(0, 64), slice(0, 128)))
    content = np.frombuffer(base64.b64decode(shown.removed.partition(",")[2]), np.uint8)
    drawn = cv2.imdecode(content, cv2.IMREAD_UNCHANGED).astype(float)
    assert drawn[:, :64].std() == pytest.approx(127.5 / 4, rel=0.05)
    assert drawn[:, 64:].std() == pytest.approx(drawn[:, :64].std(), rel=0.05)


def test_nothing_is_drawn_as_removed_where_a_frame_is_blank() -> None:
    """Such areas are filled for the network with a mirror image of the frame, noise and all."""
    clean = np.full((64, 128), 100, np.float32)
    noisy = clean + 10 * np.random.default_rng(1000).standard_normal(clean.shape).astype(np.float32)
    blank = np.zeros(clean.shape, np.bool_)
    blank[:20] = True
    model = NoiseModel.white(np.zeros(1), np.full(1, 100.0))
    shown = report_pictures(noisy, clean, model, (0.0, 200.0), (slice(0, 64), slice(0, 128)), blank)
    content = np.frombuffer(base64.b64decode(shown.removed.partition(",")[2]), np.uint8)
    drawn = cv2.imdecode(content, cv2.IMREAD_UNCHANGED).astype(float)
    assert np.ptp(drawn[:20]) == 0
    assert drawn[20:].std() == pytest.approx(127.5 / 4, rel=0.05)


def test_names_of_files_stay_as_they_are(tmp_path: Path, manifest: Manifest) -> None:
    hints = ("frame.png: something", "all values fit 12 bits")
    hinted = manifest.model_copy(update={"training": manifest.training.model_copy(update={"hints": hints})})
    made = scene()
    page = seen(write(tmp_path, hinted, made, made.good)[1])
    assert "frame.png: something." in page and "All values fit 12 bits." in page


def test_the_self_check_in_words() -> None:
    check = SelfCheck(30.04, 29.0, 31.0, 20.0, 8.0, 25.0, 255.0, None)
    assert [part in self_check_in_words(check) for part in ("30.0 dB", "29.0 to 31.0", "20.0 dB")] == [True] * 3
    nothing = SelfCheck(None, None, None, None, None, 25.0, 255.0, "the frame is too small")
    assert "the frame is too small" in self_check_in_words(nothing)
