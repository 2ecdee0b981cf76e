"""The plugin in the real napari, without a screen."""

from __future__ import annotations

import gc
import os
import pkgutil
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.bundles import BundleMaker, noisy_planes

from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.image import from_nchw

ROOT = Path(__file__).parents[3]
FRAMES = np.stack([from_nchw(noisy_planes(1, 40, 50, 255.0, seed), "uint8") for seed in range(3)])
LIKE = {
    "scale": (2.0, 0.5, 0.25), "translate": (1.0, 3.0, 5.0), "units": ("second", "micrometer", "micrometer"),
    "axis_labels": ("t", "y", "x"), "metadata": {"stage": "left"}, "contrast_limits": (10, 200), "colormap": "green",
}  # fmt: skip
PATIENCE = 120  # seconds, on a busy machine
pytestmark = pytest.mark.filterwarnings("default")  # napari's packages warn of each other


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """napari's viewer where there is a screen (xvfb-run), else all of it but the window that needs OpenGL."""
    monkeypatch.setenv("NAPARI_CONFIG", "")
    napari = pytest.importorskip("napari", reason="the extra napari is not installed")
    pytest.importorskip("qtpy.QtWidgets", reason="no Qt for napari", exc_type=ImportError)
    if "DISPLAY" in os.environ:
        viewer = napari.Viewer(show=False)
        yield viewer
        viewer.close()
    else:
        monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
        yield napari.components.ViewerModel()
    gc.collect()  # here, where what napari leaves may warn, and not in the test after it


@pytest.fixture
def window(viewer: Any) -> Iterator[Any]:
    from qtpy.QtWidgets import QApplication

    from zsn2m_deploy.napari.widget import Window

    application = QApplication.instance() or QApplication([])
    window = Window(viewer)
    if "DISPLAY" in os.environ:
        viewer.window.add_dock_widget(window.container)
    yield window
    window.timer.stop()
    application.processEvents()


def until(condition: Callable[[], object]) -> None:
    """Let Qt work until something is so."""
    from qtpy.QtWidgets import QApplication

    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends
        QApplication.processEvents()
        time.sleep(0.01)


def test_napari_finds_the_plugin() -> None:
    npe2 = pytest.importorskip("npe2", reason="the extra napari is not installed")
    manifest = npe2.PluginManifest.from_file(ROOT / "zsn2m_deploy" / "napari" / "napari.yaml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["napari.manifest"] == {manifest.name: "zsn2m_deploy.napari:napari.yaml"}
    (command,) = manifest.contributions.commands
    assert [widget.command for widget in manifest.contributions.widgets] == [command.id]
    pytest.importorskip("qtpy.QtWidgets", reason="no Qt for napari", exc_type=ImportError)
    assert callable(pkgutil.resolve_name(command.python_name))


def test_a_result_is_a_layer_like_its_source(window: Any, viewer: Any, make_bundle: BundleMaker) -> None:
    bundle = make_bundle(channels=1, method="mbd", video=True)
    layer = viewer.add_image(FRAMES, name="cells", **LIKE)
    window.bundle.value = bundle
    assert window.model.choices == ("default", "mbd", "video")
    assert not window.report.enabled  # such a bundle has none
    denoiser = Denoiser(bundle, provider="cpu", threads=1)
    viewer.dims.set_current_step(0, 2)
    window.denoise.clicked()
    assert not window.denoise.enabled
    until(lambda: len(viewer.layers) == 2 and window.denoise.enabled)
    window.frames.value = "all"
    window.layer.value = layer
    window.denoise.clicked()
    until(lambda: len(viewer.layers) == 3 and window.denoise.enabled)
    shown, whole = viewer.layers[1:]
    np.testing.assert_array_equal(whole.data, np.stack([denoiser(frame) for frame in FRAMES]))
    np.testing.assert_array_equal(shown.data, whole.data[2:])
    np.testing.assert_allclose(shown.translate, (1 + 2 * 2.0, 3, 5))
    np.testing.assert_allclose(whole.translate, layer.translate)
    for result in (shown, whole):
        np.testing.assert_allclose(result.scale, layer.scale)
        assert (result.units, result.axis_labels) == (layer.units, layer.axis_labels)
        assert (result.metadata, result.contrast_limits) == (layer.metadata, layer.contrast_limits)
        assert (result.data.dtype, result.colormap.name) == (layer.data.dtype, "green")
        assert result.name.startswith("cells denoised")


def test_errors_are_shown_and_the_window_goes_on(
    window: Any, viewer: Any, make_bundle: BundleMaker, tmp_path: Path
) -> None:
    window.denoise.clicked()
    assert "image layer" in window.status.value
    viewer.add_image(FRAMES.astype(np.uint16))
    window.bundle.value = tmp_path
    assert "bundle folder" in window.status.value
    window.bundle.value = make_bundle(channels=1, method="mbd")
    window.denoise.clicked()
    until(lambda: window.denoise.enabled)
    assert "expected uint8" in window.status.value and len(viewer.layers) == 1
    window.range.value = "much"
    window.train.clicked()
    assert "two numbers" in window.status.value


def test_training_can_be_stopped_and_writes_nothing(window: Any, viewer: Any, tmp_path: Path) -> None:
    viewer.add_image(from_nchw(noisy_planes(1, 64, 64, 255.0), "uint8"))
    window.target.value = tmp_path / "new.zsn2m"
    window.train.clicked()
    until(lambda: window.task.done > 0)
    window.cancel.clicked()
    until(lambda: window.train.enabled)
    assert "stopped" in window.status.value
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_layer_is_trained_on_and_denoised(
    window: Any, viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    viewer.add_image(from_nchw(noisy_planes(1, 64, 64, 1.0), "float32") + np.float32(0.25))
    window.target.value, window.preset.value, window.range.value = tmp_path / "new.zsn2m", "instant", "0, 2"
    window.train.clicked()
    until(lambda: window.train.enabled)
    assert window.bundle.value == tmp_path / "new.zsn2m", window.status.value
    window.denoise.clicked()
    until(lambda: len(viewer.layers) == 2)
    window.report.clicked()
    assert opened == [(tmp_path / "new.zsn2m" / "report.html").as_uri()]
