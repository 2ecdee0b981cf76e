"""A web page around a bundle, as a real browser shows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.bundles import BundleMaker, noisy_planes

from zsn2m_export.web.web_page import write_web_page
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import from_nchw

Serve = Callable[[Path], str]
PATIENCE = 120_000  # milliseconds, on a busy machine
MOST_OFF = 1e-3  # of the range: what the page may differ by
SHAPES = {"grey": (1, 61, 83), "colour in strips": (3, 1100, 600)}  # the second is above 2**19 pixels


def opened(browser: Any, bundle: Path, runtime: Path, folder: Path, serve: Serve, **context: Any) -> Any:
    """The page of a bundle, once its self-tests have ended."""
    write_web_page(load_bundle(bundle), folder, runtime)
    page = browser.new_page(viewport={"width": 900, "height": 800}, **context)
    page.set_default_timeout(PATIENCE)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.address = serve(folder)
    page.goto(page.address)
    page.wait_for_selector("#status[data-passed], #error:not([hidden])")
    assert page.text_content("#error") == ""
    return page


def saved(page: Any) -> Path:
    with page.expect_download() as download:
        page.click("#save")
    return Path(download.value.path())


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHAPES)
def test_a_browser_gives_the_bundles_pixels_and_asks_nobody_else(
    chromium: Any, onnxruntime_web: Path, make_bundle: BundleMaker, serve: Serve, tmp_path: Path, kind: str
) -> None:
    channels, height, width = SHAPES[kind]
    bundle = make_bundle(channels=channels, method="mbd", video=True)
    page = opened(chromium, bundle, onnxruntime_web, tmp_path / "page", serve)
    checks = json.loads(page.get_attribute("#status", "data-checks"))
    assert [check["model"] for check in checks] == ["mbd", "video"]
    assert max(check["difference"] for check in checks) < MOST_OFF
    frame = from_nchw(noisy_planes(channels, height, width, 255.0), "uint8")
    Image.fromarray(frame).save(tmp_path / "frame.png")
    page.set_input_files("#file", tmp_path / "frame.png")
    page.locator("#size", has_text=str(width)).wait_for()
    result = np.asarray(Image.open(saved(page)).convert("L" if channels == 1 else "RGB")).astype(int)
    difference = np.abs(result - Denoiser(bundle, provider="cpu", threads=1)(frame))
    assert difference.max() <= 1 and difference.mean() < MOST_OFF * 255
    assert all(url.startswith((page.address, "blob:", "data:")) for url in page.asked)
    page.close()


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1000])


def changed(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.zsn2m/mbd.onnx", cut),
        ("model.zsn2m/mbd.onnx", changed),
        ("model.zsn2m/test_output_mbd.npy", Path.unlink),
        ("model.zsn2m/manifest.json", cut),
        ("onnxruntime-web/ort-wasm-simd-threaded.wasm", cut),
    ],
)
def test_a_damaged_page_says_which_file_and_what_to_do(
    chromium: Any,
    onnxruntime_web: Path,
    make_bundle: BundleMaker,
    serve: Serve,
    tmp_path: Path,
    name: str,
    damage: Callable[[Path], None],
) -> None:
    write_web_page(load_bundle(make_bundle(method="mbd")), tmp_path / "page", onnxruntime_web)
    damage(tmp_path / "page" / name)
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(serve(tmp_path / "page"))
    page.wait_for_selector("#error:not([hidden])")
    said = page.text_content("#error")
    assert name.split("/")[-1] in said or "onnxruntime-web does not start" in said, said
    assert "copy the whole folder again" in said
    assert not page.is_enabled("#camera")
    page.close()


@pytest.mark.slow
def test_the_camera_is_followed_and_other_pictures_are_refused(
    chromium: Any, onnxruntime_web: Path, make_bundle: BundleMaker, serve: Serve, tmp_path: Path
) -> None:
    bundle = make_bundle(channels=1, method="mbd", video=True)
    page = opened(chromium, bundle, onnxruntime_web, tmp_path / "page", serve)
    Image.new("RGB", (20, 20), "red").save(tmp_path / "red.png")
    (tmp_path / "text.png").write_text("no picture")
    np.save(tmp_path / "other.npy", np.zeros((5, 5), np.uint16))
    for name, words in (("red", "grey picture"), ("text", "PNG or JPEG"), ("other", "got uint16")):
        page.set_input_files("#file", next(tmp_path.glob(f"{name}.*")))
        page.locator("#error", has_text=words).wait_for()
    page.click("#camera")
    page.locator("#size", has_text="frames a second").wait_for()
    assert page.text_content("#error") == ""
    before = page.locator("#denoised").screenshot()
    page.locator("#split").fill("0")
    assert "--split: 0%" in page.get_attribute("#stack", "style")
    assert page.locator("#stack").screenshot() != before
    page.click("#camera")
    assert page.text_content("#camera") == "Open the camera"
    page.close()


@pytest.mark.slow
def test_frames_of_16_bits_come_and_go_as_arrays_and_can_be_dropped(
    chromium: Any, onnxruntime_web: Path, make_bundle: BundleMaker, serve: Serve, tmp_path: Path
) -> None:
    bundle = make_bundle("uint16", 1, (0.0, 4095.0), "mbd")
    page = opened(chromium, bundle, onnxruntime_web, tmp_path / "page", serve, bypass_csp=True)  # for playwright's own
    assert not page.is_visible("#camera")
    frame = from_nchw(noisy_planes(1, 40, 50, 4095.0), "uint16")
    np.save(tmp_path / "frame.npy", frame)
    dropped = page.evaluate_handle(
        "bytes => { const all = new DataTransfer(); "
        "all.items.add(new File([new Uint8Array(bytes)], 'frame.npy')); return all; }",
        list((tmp_path / "frame.npy").read_bytes()),
    )
    page.dispatch_event("#compare", "drop", {"dataTransfer": dropped})
    page.locator("#size", has_text="50").wait_for()
    result = np.load(saved(page)).astype(int)
    expected = Denoiser(bundle, provider="cpu", threads=1)(frame)
    assert (result.shape, np.abs(result - expected).max() <= MOST_OFF * 4095) == (expected.shape, True)
    page.close()
