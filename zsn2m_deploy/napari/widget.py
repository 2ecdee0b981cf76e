"""The plugin's window in napari: train on a layer, denoise a layer, open the report."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from magicgui.widgets import (
    ComboBox,
    Container,
    FileEdit,
    FloatSpinBox,
    Label,
    LineEdit,
    ProgressBar,
    PushButton,
    RadioButtons,
)
from napari.layers import Image
from napari.qt.threading import create_worker
from napari.utils.notifications import show_error, show_warning
from qtpy.QtCore import QTimer

from zsn2m_deploy.config.training import EFFORT, LEAST_STRENGTH, MOST_STRENGTH, TrainConfig
from zsn2m_deploy.frames.reading import FrameOptions
from zsn2m_deploy.napari.work import Place, Stack, StoppedError, Task, denoise, train
from zsn2m_deploy.report.writing import PAGE_NAME
from zsn2m_runtime.bundle import Bundle, read_manifest
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import BundleError, UsageError, Zsn2mError
from zsn2m_runtime.sample_types import Pixels

WATCHED = 100  # milliseconds between looks at how far the work is
SHOWN, ALL = "the shown one", "all"
DEFAULT_MODEL = "default"


def open_widget(napari_viewer: Any) -> Any:
    """The plugin's window for a viewer."""
    return Window(napari_viewer).container


class Window:
    """What the user chooses, and what comes of it; `container` is the widget."""

    def __init__(self, viewer: Any) -> None:
        self.viewer, self.task = viewer, Task()
        self.layer = ComboBox(name="layer", choices=self._layers)
        self.frames = RadioButtons(name="frames", choices=[SHOWN, ALL], value=SHOWN, orientation="horizontal")
        self.target = FileEdit(name="new_bundle", mode="w", filter="*.zsn2m", value=Path("layer.zsn2m"))
        self.preset = ComboBox(name="preset", choices=list(EFFORT), value="default")
        self.strength = FloatSpinBox(name="strength", value=1.0, min=LEAST_STRENGTH, max=MOST_STRENGTH, step=0.05)
        self.range = LineEdit(name="range", tooltip="Lowest and highest value; for layers of floats, as: 0 1")
        self.train = PushButton(text="Train on this layer")
        self.bundle = FileEdit(name="bundle", mode="d", value=Path())
        self.model = ComboBox(name="model", choices=[DEFAULT_MODEL])
        self.denoise = PushButton(text="Denoise this layer")
        self.report = PushButton(text="Open the report", enabled=False)
        self.progress = ProgressBar(name="progress", visible=False)
        self.cancel = PushButton(text="Cancel", enabled=False)
        self.status = Label(value="Choose a layer and train on it, or choose a bundle.")
        parts = [self.layer, self.frames, self.target, self.preset, self.strength, self.range, self.train]
        parts += [self.bundle, self.model, self.denoise, self.report, self.progress, self.cancel, self.status]
        self.container = Container(widgets=parts)
        self.status.native.setWordWrap(True)
        self.timer = QTimer(self.container.native)
        self.timer.timeout.connect(self._show_progress)
        for event in (viewer.layers.events.inserted, viewer.layers.events.removed):
            event.connect(self.layer.reset_choices)
        self.train.clicked.connect(self._train)
        self.denoise.clicked.connect(self._denoise)
        self.bundle.changed.connect(self._look_at_bundle)
        self.report.clicked.connect(lambda: webbrowser.open((self.bundle.value / PAGE_NAME).absolute().as_uri()))
        self.cancel.clicked.connect(self._cancel)
        self.container.native.destroyed.connect(self._leave)

    def _cancel(self) -> None:
        self.task.stop.set()

    def _leave(self) -> None:
        """The window is closed: nothing goes on for it."""
        self._cancel()
        for event in (self.viewer.layers.events.inserted, self.viewer.layers.events.removed):
            event.disconnect(self.layer.reset_choices)

    def _layers(self, _: Any) -> list[Image]:
        return [layer for layer in self.viewer.layers if isinstance(layer, Image)]

    def _train(self) -> None:
        def start() -> None:
            stack, path = self._chosen()[0], Path(self.target.value)
            config = TrainConfig.from_preset(self.preset.value)
            if self.strength.value != 1:
                config = config.updated({"strength": self.strength.value})
            options = FrameOptions(value_range=_range_of(self.range.value))
            self._run(lambda task: train(stack, path, config, options, task), self._trained)

        self._trying(start)

    def _trained(self, bundle: Bundle) -> None:
        self.bundle.value = bundle.path.absolute()
        self.status.value = f"wrote {bundle.path}: {bundle.manifest.training.summary['verdict']}"

    def _denoise(self) -> None:
        def start() -> None:
            layer, (stack, place) = self.layer.value, self._chosen()
            path, model = self.bundle.value, None if self.model.value == DEFAULT_MODEL else self.model.value

            def work(task: Task) -> Pixels:
                return denoise(stack, Denoiser(path, model), task)

            self._run(work, lambda pixels: self._add(layer, pixels, place))

        self._trying(start)

    def _add(self, layer: Any, pixels: Pixels, place: Place) -> None:
        """A layer with the results, like their source in all but the pixels; `place` is that of a single frame."""
        _, like, _ = layer.as_layer_data_tuple()
        like |= {"name": f"{layer.name} denoised", "multiscale": False}
        for axis, index in enumerate(place):
            like["translate"][axis] += like["scale"][axis] * index
        self.viewer.add_image(pixels, **like)
        self.status.value = f"added the layer {layer.name} denoised"
        for sentence in self.task.unlike:
            show_warning(f"{layer.name} is unlike the training frames: {sentence}")

    def _chosen(self) -> tuple[Stack, Place]:
        """The frames to work on; and where the shown one is, if it is chosen.

        Raises:
            UsageError: no layer is chosen.
        """
        layer = self.layer.value
        if layer is None:
            raise UsageError("expected an image layer, but there is none; open an image")
        stack = Stack(layer.data[0] if layer.multiscale else layer.data, layer.rgb)
        if self.frames.value == ALL:
            return stack, ()
        point = layer.world_to_data(self.viewer.dims.point)
        place = tuple(min(max(round(float(at)), 0), length - 1) for at, length in zip(point, stack.axes, strict=False))
        return stack.at(place), place

    def _look_at_bundle(self) -> None:
        """Offer the models of the chosen bundle, and its report."""
        path = self.bundle.value
        try:
            models = [model.id for model in read_manifest(path).models if model.io == "sensor"]
        except BundleError as error:
            models, self.status.value = [], str(error)
        self.model.choices = [DEFAULT_MODEL, *models]
        self.report.enabled = (path / PAGE_NAME).is_file()

    def _run(self, work: Callable[[Task], Any], then: Callable[[Any], None]) -> None:
        """Do long work in a thread, one at a time."""
        self.task = Task()
        worker = create_worker(work, self.task, _start_thread=False, _ignore_errors=True)
        worker.returned.connect(lambda result: self._trying(lambda: then(result)))
        worker.errored.connect(self._failed)
        worker.finished.connect(lambda: self._set_busy(False))
        self._set_busy(True)
        worker.start()

    def _set_busy(self, busy: bool) -> None:
        self.train.enabled = self.denoise.enabled = not busy
        self.cancel.enabled = self.progress.visible = busy
        if busy:
            self.timer.start(WATCHED)
        else:
            self.timer.stop()

    def _show_progress(self) -> None:
        task = self.task
        self.progress.max, self.progress.value = task.total, task.done
        self.status.value = "stopping" if task.stop.is_set() else task.stage

    def _trying(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Zsn2mError as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, StoppedError):
            self.status.value = "stopped; nothing was written"
            return
        text = str(error) if isinstance(error, Zsn2mError) else f"{type(error).__name__}: {error}"
        self.status.value = text
        show_error(text)


def _range_of(text: str) -> tuple[float, float] | None:
    """Two numbers; None: none were given.

    Raises:
        UsageError: something else.
    """
    try:
        low, high = (float(part) for part in text.replace(",", " ").split()) if text.strip() else (None, None)
    except ValueError as error:
        raise UsageError(f"range: expected two numbers, such as 0 1, but got {text!r}") from error
    return None if low is None or high is None else (low, high)
