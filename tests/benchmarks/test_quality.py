"""The quality benchmark without its training: its frames, its rows, and what the tables make of them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support import reference

from benchmarks import results, resumable
from benchmarks.pages import PAGES, Section
from benchmarks.quality import bodies, cases, compare, plan, published, rows, tables, zs_n2n
from benchmarks.quality.compare import REFERENCE, Scores
from benchmarks.quality.methods import METHODS, apply
from benchmarks.quality.rows import Row, Task
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.training import train
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame

MBD = "zsn2m mbd"
ROW = Row("kodak24", "a", "gauss 25", 25.0, 0, "noisy", 20.0, 20.0, 0.5, 9.0, 1.5, "abc", "2026-01-02", "a, b", "")


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A set of eight flat images, the last grey, in place of kodak24."""
    folder = tmp_path / "kodak24"
    folder.mkdir()
    for number in range(8):
        shape = (300, 280) if number == 7 else (300, 280, 3)
        save_image(folder / f"{number}.png", Frame(np.full(shape, 100 + number, np.uint8)))
    monkeypatch.setattr(cases, "DATA", tmp_path)
    return cases.names("kodak24")


@pytest.fixture
def rows_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "rows.csv"
    monkeypatch.setattr(rows, "ROWS", path)
    return path


def scores(method: str, psnrs: list[float], **values: object) -> Scores:
    """Rows of a method on the images a, b, c ..."""
    made = [replace(ROW, method=method, image=chr(97 + i), psnr=psnr, **values) for i, psnr in enumerate(psnrs)]
    return {(row.image, row.seed): row for row in made}


def test_a_seed_gives_the_same_noise_again(images: list[str]) -> None:
    first = cases.case("kodak24", images[0], "gauss 25", 0, images)
    again = cases.case("kodak24", images[0], "gauss 25", 0, images)
    other_seed = cases.case("kodak24", images[0], "gauss 25", 1, images)
    other_image = cases.case("kodak24", images[1], "gauss 25", 0, images)
    np.testing.assert_array_equal(first.noisy, again.noisy)
    for other in (other_seed, other_image):
        noises = [(case.noisy - case.clean).ravel() for case in (first, other)]
        assert abs(np.corrcoef(noises)[0, 1]) < 0.02


@pytest.mark.parametrize("noise", ["gauss 25", "poisson 25"])
def test_noise_has_its_deviation_and_no_offset(images: list[str], noise: str) -> None:
    case = cases.case("kodak24", images[0], noise, 0, images)
    assert case.noisy.shape == (256, 256, 3) and case.noisy.dtype == np.float32
    sigma = 25.0 if noise.startswith("gauss") else math.sqrt(100 * 255 / 25)
    assert case.sigma == pytest.approx(sigma, rel=0.01)
    assert abs(float(np.mean(case.noisy - case.clean))) < 0.3


def test_only_clamped_noise_stays_in_range(images: list[str]) -> None:
    free = cases.case("kodak24", images[0], "gauss [5,50]", 0, images[:1])
    clamped = cases.case("kodak24", images[0], "gauss 50 clamped", 0, images)
    assert free.level == 27.5 and free.noisy.min() < 0
    assert clamped.noisy.min() == 0 and clamped.noisy.max() == 255


def test_levels_are_spread_over_the_range_and_shuffled() -> None:
    names = [f"{number}.png" for number in range(8)]
    levels = [cases.level("gauss [5,50]", name, names) for name in names]
    np.testing.assert_allclose(sorted(levels), 5 + 45 * (np.arange(8) + 0.5) / 8)
    assert levels != sorted(levels)
    assert levels == [cases.level("poisson [5,50]", name, names) for name in names]


def test_every_method_gets_the_same_frame(images: list[str]) -> None:
    found = [
        rows.measure(Task("kodak24", images[2], "gauss [5,50]", method, 0, 8))[0] for method in ("noisy", "nlm opencv")
    ]
    assert found[0].level == found[1].level == round(cases.level("gauss [5,50]", images[2], images), 4)
    assert found[0].noisy_psnr == found[1].noisy_psnr == found[0].psnr < found[1].psnr


def test_grey_images_become_three_channels_with_independent_noise(images: list[str]) -> None:
    case = cases.case("kodak24", images[7], "gauss 25", 0, images)
    assert case.clean.shape == (256, 256, 3)
    assert np.ptp(case.clean, axis=2).max() == 0
    noise = (case.noisy - case.clean).reshape(-1, 3)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 0.02


def test_sets_have_the_crops_that_the_tables_name(shared_data: Path) -> None:
    names = cases.names("set14")
    found = {Path(name).stem: cases.case("set14", name, "gauss 25", 0, names).clean for name in names}
    assert {name for name, clean in found.items() if clean.shape != (256, 256, 3)} == {"comic"}
    assert found["comic"].shape == (256, 250, 3)
    assert {name for name, clean in found.items() if np.ptp(clean, axis=2).max() == 0} == {"bridge", "man"}
    first = cases.names("fmd", 12)
    assert len({name.rsplit("_", 1)[0] for name in first}) == 12
    assert cases.case("fmd", first[0], "real", 0, first).clean.shape == (256, 256)


def test_rows_come_back_as_written(rows_file: Path) -> None:
    other = replace(ROW, image="b", psnr=21.25)
    rows.append([ROW])
    rows.append([other])
    assert rows.load() == [ROW, other]
    assert len(rows_file.read_text().splitlines()) == 3


def test_rows_of_unknown_methods_do_not_count_and_those_of_older_sources_do(rows_file: Path) -> None:
    assert rows.load() == []
    older = replace(ROW, sources="older")
    rows.append([replace(ROW, method="gone"), older, ROW])
    assert rows.load() == [older, ROW]


def test_missing_lists_what_has_no_row(images: list[str], rows_file: Path) -> None:
    tasks = [Task("kodak24", image, "gauss 25", method, 0, 8) for image in images[:2] for method in ("noisy", "bm3d")]
    assert rows.missing(tasks) == tasks
    rows.append([replace(ROW, image="0"), replace(ROW, image="1", level=26.0)])
    assert rows.missing(tasks) == tasks[1:]


def test_a_stage_with_two_results_is_missing_until_it_has_both(images: list[str], rows_file: Path) -> None:
    task = Task("kodak24", images[0], "gauss 25", "zsn2m full", 0, 8)
    mbd = replace(ROW, image="0", method="zsn2m full mbd")
    rows.append([mbd])
    assert rows.missing([task]) == [task]
    rows.append([replace(mbd, method="zsn2m full grd")])
    assert rows.missing([task]) == []


@pytest.mark.parametrize(
    ("gains", "mean", "error", "verdict"),
    [
        ([1.0, 2.0, 3.0], 2.0, 1 / math.sqrt(3), "up"),
        ([-1.0, -2.0, -3.0], -2.0, 1 / math.sqrt(3), "down"),
        ([-1.0, 0.0, 4.0], 1.0, math.sqrt(7 / 3), "tie"),
        ([0.0, 0.0, 0.0], 0.0, 0.0, "tie"),
    ],
)
def test_steps_are_paired(gains: list[float], mean: float, error: float, verdict: str) -> None:
    lower = scores("lower", [20.0, 30.0, 25.0, 99.0])
    upper = scores("upper", [20.0 + gains[0], 30.0 + gains[1], 25.0 + gains[2]])
    step = compare.step(upper, lower)
    assert (step.n, step.verdict) == (3, verdict)
    assert (step.mean, step.error) == pytest.approx((mean, error))


def test_one_frame_decides_nothing() -> None:
    assert compare.step(scores("upper", [30.0]), scores("lower", [20.0])).verdict == "open"
    assert compare.step({}, scores("lower", [20.0])).n == 0


def test_the_last_row_counts_and_stage_full_fills_in_for_its_first() -> None:
    full = [replace(ROW, method="zsn2m full mbd", image=image, psnr=1.0) for image in "ab"]
    found = compare.unique([replace(ROW, method=MBD, psnr=2.0), *full, replace(ROW, method=MBD, psnr=3.0)])
    assert {(row.method, row.image, row.psnr) for row in found} == {(MBD, "a", 3.0), (MBD, "b", 1.0)}


def test_methods_are_compared_on_the_images_that_both_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "halves_of", lambda dataset: {"a": "tuning", "b": "test"})
    found = {REFERENCE: scores(REFERENCE, [30.0, 20.0]), "zs-n2n": scores("zs-n2n", [29.0])}
    lines = bodies.comparison(found, published.TABLE_1["kodak24", "gauss 25"]).splitlines()
    assert lines[2:] == [
        f"| {REFERENCE} | 2 | 20.00 | 25.00 | 30.00 | 20.00 | 0.500 | +0.00 |  |  |",
        "| zs-n2n | 1 | 20.00 | 29.00 | 29.00 (n = 1) |  | 0.500 | -1.00 | 28.27 / 0.776 | +0.73 / -0.276 |",
    ]


def test_the_ladder_says_its_steps() -> None:
    bottom, masks, top = (published.LADDER[place] for place in (0, 1, 4))
    found = {bottom: scores(bottom, [28.0, 29.0]), masks: scores(masks, [28.5, 29.7]), top: scores(top, [31.0, 31.0])}
    assert bodies.ladder(found, published.TABLE_4["gauss 25"]).splitlines()[2:] == [
        "| zs-n2n | 2 | 28.50 |  |  | 28.27 |  |",
        "| + g | 2 | 29.10 | +0.600 ± 0.100 (n = 2) | up | 28.57 | +0.30 |",
        "| mbd | 2 | 31.00 |  |  | 29.39 | +0.19 |",
    ]


def test_every_method_of_the_tables_is_one_that_is_run() -> None:
    names = {f"{name} {result}".strip() for name, method in METHODS.items() for result in method.results}
    assert all(names.issuperset(section.methods) for section in tables.SECTIONS)
    assert set(compare.SHOWN).issuperset((*published.STAGE_1, *published.STAGE_2, published.ZS_N2N, published.BM3D))
    assert len(compare.STRENGTHS) == 6


@pytest.mark.parametrize("section", tables.SECTIONS, ids=lambda section: section.title)
def test_every_section_can_be_written_from_one_row(section: tables.Section, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "halves_of", lambda dataset: {"a": "tuning"})
    row = replace(ROW, method=section.methods[0], dataset=section.datasets[0], noise=section.noises[0])
    assert section.rows_of([row, replace(row, noise="another")]) == [row]
    assert "nan" not in section.body([row])


def test_a_section_names_when_and_where_its_rows_were_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    monkeypatch.setattr(results, "SECTIONS", {"Title": Section("speed", ""), "Other": Section("speed", "")})
    made = resumable.made([replace(ROW, date="2026-01-05", code="def"), ROW])
    assert made == "2026-01-02 to 2026-01-05, a, b, code abc / def"
    for title, text in (("Title", "old"), ("Other", "same"), ("Title", "new")):
        results.write_section(title, "command", text, made)
    parts = [f"## {title}\n\n`command`\n\n{made}\n\n{text}\n" for title, text in (("Title", "new"), ("Other", "same"))]
    assert (tmp_path / "speed.md").read_text() == "\n".join([f"# {PAGES['speed']}\n", *parts])
    with pytest.raises(KeyError, match="pages"):
        results.write_section("Elsewhere", "command", "text", made)


def test_prose_of_results_is_wrapped_and_tables_are_not() -> None:
    row, prose, items = f"| {'cell ' * 40}|", "word " * 40, f"- {'one ' * 40}\n- two"
    lines = results.wrapped(f"{row}\n\n{prose}\n\n{items}").splitlines()
    assert lines[0] == row and max(len(line) for line in lines[1:]) <= results.WIDTH
    assert [line for line in lines if line.startswith("- ")][1] == "- two"
    assert " ".join(lines).split() == f"{row} {prose} {items}".split()


@pytest.mark.parametrize("masked", [False, True])
def test_loss_of_zs_n2n(masked: bool) -> None:
    generator = np.random.default_rng(0)
    noisy = generator.random((3, 8, 12))
    mask = generator.permutation(np.arange(3 * 4 * 6) % 2).reshape(3, 4, 6).astype(float) if masked else np.ones(1)

    def network(frame: np.ndarray) -> np.ndarray:
        return 0.8 * frame + 0.1 * frame * frame

    half_1, half_2 = reference.random_mask_downsample(noisy, mask)
    whole_1, whole_2 = reference.random_mask_downsample(network(noisy), mask)
    residual = np.mean((network(half_1) - half_2) ** 2) + np.mean((network(half_2) - half_1) ** 2)
    consistency = np.mean((network(half_1) - whole_1) ** 2) + np.mean((network(half_2) - whole_2) ** 2)

    loss = zs_n2n.loss_of(
        lambda frame: 0.8 * frame + 0.1 * frame * frame,
        torch.from_numpy(noisy)[None],
        torch.from_numpy(mask).bool()[None] if masked else None,
    )
    assert loss.item() == pytest.approx(0.5 * residual + 0.5 * consistency, rel=1e-9)


def test_the_baseline_has_its_published_settings() -> None:
    schedule = zs_n2n.PUBLISHED
    assert (schedule.optimiser, schedule.learning_rate, schedule.iterations) == ("adam", 1e-3, 2000)
    assert (schedule.schedule, schedule.step_size, schedule.flips) == ("step", 1500, False)


@pytest.mark.parametrize("shape", [(32, 30), (31, 33, 3)])
def test_the_baseline_trains_and_denoises(shape: tuple[int, ...]) -> None:
    noisy = np.random.default_rng(0).normal(128, 25, shape).astype(np.float32)
    few = zs_n2n.PUBLISHED.model_copy(update={"iterations": 20})
    plain = zs_n2n.denoise(noisy, 0, "fp32", few)[0]
    masked = zs_n2n.denoise(noisy, 0, "fp32", few, masks=True)[0]
    assert plain.shape == masked.shape == shape
    assert noisy.std() > plain.std() > 0
    assert not np.array_equal(plain, masked)


def test_results_of_frames_that_do_not_fit_the_stride_are_those_of_the_padded_frame() -> None:
    noisy = np.random.default_rng(0).normal(128, 25, (33, 30, 3)).astype(np.float32)
    once = {"schedule": {"iterations": 1, "crop_side": 16}}
    config = TrainConfig().updated({"method": "full", "mbd": once, "grd": {"widths": (4, 4, 8), **once}})
    trained = train([noisy], config)
    padded = np.pad(noisy, ((0, 3), (0, 2), (0, 0)), mode="symmetric")
    np.testing.assert_allclose(apply(trained, "grd", noisy), apply(trained, "grd", padded)[:33, :30], atol=1e-3)


def test_every_method_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "names", lambda dataset, count=None: [f"{dataset}_1.png"])
    assert {task.method for tasks in plan.EXPERIMENTS.values() for task in tasks()} == set(METHODS)
