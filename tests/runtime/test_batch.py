"""Where results go, and that one bad file neither stops the others nor leaves anything behind."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import tifffile
from support.bundles import BundleMaker, noisy_planes
from support.known_noise import SIGMA, bundle_knowing, noise, scene, whole

from zsn2m_runtime.batch import Job, plan_outputs, run_jobs
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import InputError, UsageError
from zsn2m_runtime.files import open_image, save_image
from zsn2m_runtime.image import Frame


@pytest.fixture(scope="module")
def denoiser(make_bundle: BundleMaker) -> Denoiser:
    """The default network, 8-bit colour."""
    return Denoiser(make_bundle(method="adapt"), threads=1)


def write_frame(path: Path, seed: int = 0, dtype: str = "uint8") -> Path:
    """A small noisy colour frame."""
    pixels = noisy_planes(3, 20, 24, 255, seed)[0].transpose(1, 2, 0).astype(dtype)
    save_image(path, Frame(np.ascontiguousarray(pixels)))
    return path


def test_one_input_and_a_file_name(tmp_path: Path) -> None:
    job = Job(tmp_path / "a.png", tmp_path / "out" / "b.tif")
    assert plan_outputs([job.source], job.target) == [job]


def test_one_input_and_a_folder(tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    (tmp_path / "folder.png").mkdir()  # a folder that is called like a file
    for out in (tmp_path / "out", tmp_path / "folder.png"):
        assert plan_outputs([source], out) == [Job(source, out / "a.png")]


def test_many_inputs_and_a_folder(tmp_path: Path) -> None:
    sources = [tmp_path / "a.png", tmp_path / "sub" / "b.TIF"]
    jobs = plan_outputs(sources, tmp_path / "out")
    assert [job.target for job in jobs] == [tmp_path / "out" / "a.png", tmp_path / "out" / "b.TIF"]
    assert [job.source for job in jobs] == sources


def test_many_inputs_and_a_file_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"folder for 2 inputs.*b\.tif"):
        plan_outputs([tmp_path / "a.png", tmp_path / "c.png"], tmp_path / "b.tif")


def test_two_inputs_of_one_name_are_refused(tmp_path: Path) -> None:
    sources = [tmp_path / "day1" / "a.png", tmp_path / "day2" / "a.png"]
    with pytest.raises(UsageError, match=r"day1/a\.png and .*day2/a\.png .*both"):
        plan_outputs(sources, tmp_path / "out")


@pytest.mark.parametrize("out", [".", "a.png", "../{name}/a.png", "link"])
def test_an_output_that_is_an_input_is_refused(tmp_path: Path, out: str) -> None:
    source = write_frame(tmp_path / "a.png")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UsageError, match=r"a\.png: .*inputs"):
        plan_outputs([source], tmp_path / out.format(name=tmp_path.name))


def test_an_output_that_is_another_input_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    sources = [write_frame(tmp_path / "a.png"), write_frame(tmp_path / "sub" / "a.png")]
    with pytest.raises(UsageError, match="other than the inputs"):
        plan_outputs(sources, tmp_path / "sub")


def test_results_are_the_denoisers(denoiser: Denoiser, tmp_path: Path) -> None:
    sources = [write_frame(tmp_path / f"{seed}.png", seed) for seed in range(2)]
    pages = []
    jobs = plan_outputs(sources, tmp_path / "out")
    results = list(run_jobs(denoiser, jobs, lambda job, page, count: pages.append((job, page, count))))
    assert [(result.job, result.pages, result.error) for result in results] == [(job, 1, None) for job in jobs]
    assert pages == [(job, 1, 1) for job in jobs]
    for job in jobs:
        with open_image(job.source) as noisy, open_image(job.target) as clean:
            np.testing.assert_array_equal(clean.read().pixels, denoiser(noisy.read().pixels))


def test_a_bad_file_is_reported_and_the_others_go_on(denoiser: Denoiser, tmp_path: Path) -> None:
    good, late = write_frame(tmp_path / "a.png"), write_frame(tmp_path / "d.png")
    cut, wrong = write_frame(tmp_path / "b.png"), write_frame(tmp_path / "c.png", dtype="uint16")
    cut.write_bytes(cut.read_bytes()[:-300])
    out = tmp_path / "out"
    results = list(run_jobs(denoiser, plan_outputs([good, cut, wrong, late], out)))
    assert [type(result.error) for result in results] == [type(None), InputError, InputError, type(None)]
    assert "b.png" in str(results[1].error)
    assert "c.png: expected uint8 samples" in str(results[2].error)
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "d.png"]


def test_a_failed_job_leaves_an_older_result_as_it_was(denoiser: Denoiser, tmp_path: Path) -> None:
    source, target = write_frame(tmp_path / "a.png", dtype="uint16"), tmp_path / "out.png"
    target.write_bytes(b"older")
    (result,) = run_jobs(denoiser, [Job(source, target)])
    assert isinstance(result.error, InputError)
    assert target.read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "out.png"]


def test_a_stack_fails_whole_and_names_the_page(tmp_path: Path) -> None:
    class Refusing:
        card = SimpleNamespace(sensor=SimpleNamespace(stack_channel=None))

        def check_pattern(self, stated: None, name: str) -> None:
            assert stated is None

        def denoise(self, frame: Frame, name: str) -> Frame:
            if frame.pixels.max() == 9:
                raise InputError(f"{name}: refused")
            return frame

    stack = np.zeros((3, 6, 8, 1), np.uint8)
    np.save(tmp_path / "good.npy", stack)
    stack[1, 2, 3] = 9
    np.save(tmp_path / "bad.npy", stack)
    jobs = plan_outputs([tmp_path / "bad.npy", tmp_path / "good.npy"], tmp_path / "out")
    failed, done = run_jobs(cast(Denoiser, Refusing()), jobs, check=False)
    assert str(failed.error) == f"{jobs[0].source} page 2: refused"
    assert (failed.pages, done.pages, done.error) == (1, 3, None)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.npy"]
    assert np.load(jobs[1].target).shape == stack.shape


def test_the_first_pages_of_each_file_are_looked_at(make_bundle: BundleMaker, tmp_path: Path) -> None:
    like, louder = whole(scene() + noise(1)), whole(scene() + noise(1, 2 * SIGMA))
    knowing = Denoiser(bundle_knowing(make_bundle(), tmp_path, whole(scene() + noise(0))), "mbd", "cpu", 1)
    stacks = {"a.tif": (like, like), "b.tif": (louder, like), "c.tif": (louder, louder)}
    for name, pages in stacks.items():
        tifffile.imwrite(tmp_path / name, np.stack(pages), photometric="rgb")
    jobs = plan_outputs([tmp_path / name for name in stacks], tmp_path / "out")
    results = list(run_jobs(knowing, jobs))
    assert [(result.error, result.pages, len(result.unlike)) for result in results] == [
        (None, 2, found) for found in (0, 1, 1)
    ]
    assert [result.unlike for result in run_jobs(knowing, jobs, check=False)] == [()] * 3
