"""Names and metadata of strangers do nothing to a terminal, keep no stream from running, and show no secret."""

import json
import logging
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.bundles import BundleMaker, edit_manifest
from support.commands import run_command, untrained, write_frame

from zsn2m_deploy import api
from zsn2m_deploy.cli.escaping import LogFormatter
from zsn2m_deploy.cli.terminal import table
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.plain_text import one_line, visible, without_secrets

FRAME = Frame(np.random.default_rng(0).integers(90, 160, (40, 48, 3), np.uint8))
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.\u2066\r\x08"
# Surrogates stand for bytes that are no UTF-8.
NAMES = ("[red]x", "[/]", "[/nothing] [x", f"a{EVIL}b", "two\nerror: lines", "no-utf8-\udcff", "back\\[bold]", "æ日本")


def acts(text: str) -> list[str]:
    """The characters of a text that a terminal would obey."""
    return [letter for letter in text if letter != "\n" and not letter.isprintable()]


def test_text_is_spelled_and_stays_readable() -> None:
    assert visible("naïve 日本 \t\nµ") == "naïve 日本 \t\nµ"
    assert visible("\x1b[31m\x9b\x7f\u202e\udcff\u2028") == "\\x1b[31m\\x9b\\x7f\\u202e\\xff\\u2028"
    assert one_line("a\nb\tc") == "a\\nb\\tc"
    assert not any(letter in visible(EVIL) for letter in acts(EVIL))
    assert table([("name\x1b", "value\nerror: another")]) == "name\\x1b  value\\nerror: another"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/v.m3u8?token=abc/def==&X-Amz-Signature=1&n", "https://h/v.m3u8?token=...&X-Amz-Signature=...&..."),
        ("rtsp://user:pa/ss@h:554/live", "rtsp://h:554/live"),
        ("rtsp://user:p?ss@h/live", "rtsp://..."),
        ("rtsp://user:p#ss@h/live", "rtsp://..."),
        ("rtsp://h/user=admin_password=x_channel=1.sdp", "rtsp://h/user=..."),
        ("rtsp://[::1]:8554/live?sig=a;key=b", "rtsp://[::1]:8554/live?sig=...&key=..."),
        ("srt://h:1234?passphrase=secret&streamid=x", "srt://h:1234?passphrase=...&streamid=..."),
        ("https://h/a#access_token=x", "https://h/a#access_token=..."),
        ("https://h/a?SECRET", "https://h/a?..."),
        ("https://github.com/x/y", "https://github.com/x/y"),
        ("tcp://10.0.0.1:8786", "tcp://10.0.0.1:8786"),
        ("tcp://me:secret@h:1", "tcp://h:1"),
        ("https:/me:secret@h/a.zarr?sig=x", "https:/h/a.zarr?sig=..."),  # what a Path makes of it
    ],
)
def test_secrets_of_urls_are_hidden(url: str, shown: str) -> None:
    assert without_secrets(url) == shown
    assert visible(f"cannot open {url} now") == f"cannot open {shown} now"
    assert visible(f"{url}: expected {url}:") == f"{shown}: expected {shown}:"  # as messages begin


def test_log_records_are_one_harmless_line() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "%s: odd https://h/?key=k", (f"a\nb{EVIL}",), None)
    text = LogFormatter().format(record)
    assert text.startswith("WARNING: a\\nb\\x1b]0;owned")
    assert not acts(text) and "\n" not in text and "key=k" not in text


@pytest.mark.parametrize("name", NAMES)
def test_frames_of_any_name_are_inspected_and_denoised(
    name: str, make_bundle: BundleMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = tmp_path / f"{name}.png"
    save_image(frame, FRAME)
    (tmp_path / f"{name}.tif").write_bytes(b"II*\x00damaged")
    for arguments in (
        ("inspect", frame),
        ("inspect", tmp_path / f"{name}.tif"),
        ("denoise", make_bundle(), frame, "-o", tmp_path / "out"),
        ("stream", make_bundle(), frame, "-o", tmp_path / "stack.tif"),
    ):
        ended = run_command(capsys, *arguments)
        assert ended.code == (3 if str(arguments[1]).endswith(".tif") else 0), ended.err
        assert not acts(ended.out) and not acts(ended.err)
        assert not any(line.startswith("error: lines") for line in (ended.out + ended.err).splitlines())
    found = run_command(capsys, "denoise", make_bundle(), frame, "-o", tmp_path / "again", "--json")
    assert json.loads(found.out)["files"][0]["input"] == str(frame)
    assert not acts(found.out)


def on_terminal(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Exit code, and what a command writes to a terminal."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "zsn2m_deploy", *arguments]
    with subprocess.Popen(command, stdout=follower, stderr=follower, stdin=follower, cwd=folder) as running:
        os.close(follower)
        text = b""
        while True:
            try:
                piece = os.read(leader, 1 << 16)
            except OSError:  # how Linux says that the other end is closed
                break
            if not piece:
                break
            text += piece
        code = running.wait()
    os.close(leader)
    return code, text.decode()


@pytest.mark.parametrize("command", ["stream", "denoise"])
def test_brackets_and_escapes_on_a_real_terminal(command: str, make_bundle: BundleMaker, tmp_path: Path) -> None:
    for name in ("[red]x", "[/]", "a\x1b]0;owned\x07"):
        save_image(tmp_path / f"{name}.png", FRAME)
        out = "out.tif" if command == "stream" else "out"
        code, text = on_terminal([command, str(make_bundle()), f"{name}.png", "-o", out], tmp_path)
        assert code == 0, text
        assert f"{one_line(name)}.png" in text
        assert "\x1b]0;" not in text


def test_manifests_and_usage_errors_do_not_act(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(content: dict[str, object]) -> None:
        content["created"] = EVIL
        content["training"] = {"frames": [{"name": EVIL}], "hints": [f"a\n{EVIL}"], "stages": [], "warnings": [EVIL]}
        content["training"]["summary"] = {EVIL: EVIL}  # type: ignore[index]

    edit_manifest(bundle, change)
    shown = run_command(capsys, "inspect", bundle)
    assert shown.code == 0 and "\\x1b]0;owned" in shown.out and not acts(shown.out)
    for arguments in (["inspect", "a", EVIL], [f"--{EVIL}"], ["train-and-export", "a", "--preset", EVIL], [EVIL]):
        refused = run_command(capsys, *arguments)
        assert refused.code == 2 and not acts(refused.err) and "owned" in refused.err


@pytest.mark.parametrize("name", ["no-utf8-\udcff", f"a{EVIL}", "<script>alert(1)</script>".replace("/", "%")])
def test_bundles_of_frames_of_any_name_have_harmless_manifests_and_reports(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "train_networks", untrained)
    frame, bundle = write_frame(tmp_path / f"{name}.png"), tmp_path / f"{name}.zsn2m"
    done = run_command(capsys, "train-and-export", frame, "-o", bundle)
    assert done.code == 0, done.err
    assert not acts(done.out)
    page = (bundle / "report.html").read_text(encoding="utf-8")
    assert not acts(page) and "<script" not in page
    assert (
        json.loads((bundle / "manifest.json").read_text())["training"]["frames"][0]["name"] == f"{one_line(name)}.png"
    )
    assert run_command(capsys, "inspect", bundle).code == 0
