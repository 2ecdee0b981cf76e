"""Pictures of programs that show a bundle at work: `python -m benchmarks.screens BUNDLE FRAME [NAME...]`.

Written to docs/pictures, as PNG. `browser` needs Chromium, playwright and npm's onnxruntime-web in node_modules;
`napari` the extra of that name and a screen, such as that of xvfb-run.
"""

from __future__ import annotations

import argparse
import functools
import io
import shutil
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from PIL import Image

from benchmarks.pictures import CHROMIUM, FOLDER
from zsn2m_deploy.cli.export import ONNXRUNTIME_WEB
from zsn2m_export.web.web_page import write_web_page
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.files import open_image

PAGE = {"width": 780, "height": 480}  # pixels of the browser's window
PATIENCE = 300_000  # milliseconds
WINDOW = (1000, 640)  # pixels of napari's


def save(name: str, picture: Image.Image) -> None:
    """Write a picture as PNG of 256 colours, half of the bytes."""
    picture.convert("RGB").quantize(256).save(FOLDER / f"{name}.png", optimize=True)


def browser(bundle: Path, frame: Path) -> None:
    """The page of `export --web` with a frame, in Chromium."""
    from playwright.sync_api import sync_playwright

    program = next(found for name in CHROMIUM if (found := shutil.which(name)))
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as driver:
        folder = Path(temporary) / "page"
        write_web_page(load_bundle(bundle), folder, ONNXRUNTIME_WEB)
        server = ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = driver.chromium.launch(executable_path=program).new_page(viewport=PAGE)
        page.set_default_timeout(PATIENCE)
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.set_input_files("#file:enabled", frame)
        page.wait_for_selector("#caption:not([hidden])")
        save("browser", Image.open(io.BytesIO(page.screenshot())))
        server.shutdown()


def napari(bundle: Path, frame: Path) -> None:
    """The plugin beside a frame and its result, in napari."""
    import napari as program
    from qtpy.QtWidgets import QApplication

    from zsn2m_deploy.napari.widget import Window

    viewer = program.Viewer(show=False)
    window = Window(viewer)
    viewer.window.add_dock_widget(window.container, name="Train a denoiser, and denoise")
    viewer.window.resize(*WINDOW)
    with open_image(frame) as image:
        viewer.add_image(image.read().pixels, name=frame.stem)
    window.bundle.value, window.target.value = bundle, bundle.with_name("new.zsn2m")
    window.denoise.clicked()
    while not window.denoise.enabled:
        QApplication.processEvents()
    viewer.canvas.grid.enabled = True
    viewer.reset_view()
    viewer.show()
    for _ in range(50):
        QApplication.processEvents()
    save("napari", Image.fromarray(viewer.screenshot(canvas_only=False, flash=False)))
    viewer.close()


PICTURES = {"browser": browser, "napari": napari}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("frame", type=Path, help="of the bundle's sensor, such as that of `zsn2m-deploy sample`")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {list(PICTURES)}; default: all")
    asked = parser.parse_args()
    for name in asked.names or PICTURES:
        PICTURES[name](asked.bundle, asked.frame)


if __name__ == "__main__":
    main()
