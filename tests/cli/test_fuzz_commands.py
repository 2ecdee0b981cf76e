"""Commands and configurations of random rubbish: none is called a bug, each ends in a code that --help lists.

Options are walked as typer has them, so that a new one is tried without being named here. Training never begins.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from support.bundles import BundleMaker
from support.commands import write_frame

from zsn2m_deploy import api
from zsn2m_deploy.cli import app, main
from zsn2m_deploy.config.loading import load_config
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_runtime import benching
from zsn2m_runtime.errors import TrainingError, UsageError

CODES = {0, 1, 2, 3, 4, 5, 6, 7}
FEW, MANY = 40, 2000  # examples of the fast set and of the slow one
RUBBISH = st.one_of(
    st.sampled_from(
        [
            *["", " ", "-", "--", ".", "..", "0", "-1", "1e300", "nan", "inf", "9" * 30, "1,3-5", "[red]", "[/]", "%s"],
            *[
                "{}",
                "a\nb",
                "a\\b",
                "x" * 300,
                "a.png",
                "cam.zsn2m",
                "nope/a.png",
                "a.png/b",
                "\x1b[2J",
                "\udcff",
                "1x1",
            ],
        ]
    ),
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
)
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
PLAIN = {  # arguments that a command gets on; options are added to them
    "train-and-export": ["a.png"],
    "train": [],
    "export": ["cam.zsn2m", "--cpp", "project"],
    "denoise": ["cam.zsn2m", "a.png", "-o", "out.png", "--no-check"],
    "stream": ["cam.zsn2m", "a.png", "-o", "out.png"],
    "verify": ["cam.zsn2m"],
    "inspect": ["a.png"],
    "bench": ["cam.zsn2m", "--size", "16x16", "--seconds", "0"],
    "doctor": [],
    "sample": ["s.png", "--size", "16", "16"],
}
NOT_TRIED = {"--help", "--preview", "--show-completion", "--install-completion"}  # windows, and files of the shell
SLOW = {("bench", "--seconds"), ("bench", "--size"), ("sample", "--size"), ("sample", "--frames"), ("doctor", "--json")}
ENDLESS = {("train-and-export", "FRAME"), ("stream", "SOURCE")}  # a number is a camera


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with some of its options, each with rubbish for its values."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    line = list(PLAIN[name])
    if line and draw(st.booleans()) and name not in {command for command, _ in ENDLESS}:
        line[0] = draw(RUBBISH)
    options = [
        option
        for option in COMMANDS[name].params
        if option.param_type_name == "option"
        and not NOT_TRIED & set(option.opts)
        and not any((name, spelling) in SLOW for spelling in option.opts)
    ]
    for option in draw(st.lists(st.sampled_from(options), max_size=3)) if options else []:
        line.append(max(option.opts, key=len))
        if not getattr(option, "is_flag", False):
            line += [draw(RUBBISH) for _ in range(option.nargs)]
    return [name, *line]


@pytest.fixture
def place(make_bundle: BundleMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in; training ends before it begins, and measuring starts no processes."""

    def end(*_: object) -> None:
        raise TrainingError("not trained here")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(api, "train_networks", end)
    monkeypatch.setattr("zsn2m_deploy.bundle.export.export", end)
    monkeypatch.setattr(benching, "_measured_apart", benching.measure)  # starting a process takes a second
    shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")
    write_frame(tmp_path / "a.png")
    return tmp_path


def run(line: list[str]) -> tuple[int, str]:
    """Exit code of a command in this process, and what it said."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    before, sys.argv = sys.argv, ["zsn2m-deploy", *line]
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0
            else:
                code = 0
    finally:
        sys.argv = before
        for number, handler in handlers.items():
            signal.signal(number, handler)
    said.seek(0)
    return code, said.read()


def check(line: list[str]) -> None:
    code, said = run(line)
    assert code in CODES, (line, code, said)
    assert "this is a bug" not in said, (line, said)
    assert "Traceback" not in said, (line, said)


FUZZ = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_any_command_line(place: Path, examples: int) -> None:
    kept = {path: path.read_bytes() for path in (place / "a.png", place / "cam.zsn2m" / "manifest.json")}

    @settings(FUZZ, max_examples=examples)
    @given(command_lines())
    def each(line: list[str]) -> None:
        for path, content in kept.items():  # or what one line did would be laid at the next one's door
            path.write_bytes(content)
        check(line)
        for path, content in kept.items():
            assert path.read_bytes() == content or line[0] == "sample", line  # which is told to write a.png
        for path in place.iterdir():
            if path.name not in ("a.png", "cam.zsn2m"):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    each()


NUMBERS = st.one_of(st.integers(-(10**40), 10**40), st.floats(), st.booleans(), st.text(max_size=5), st.none())


def fields(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Some fields of a configuration with any value, tables within tables."""
    values: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in model.model_fields.items():
        inner = field.annotation
        nested = isinstance(inner, type) and issubclass(inner, BaseModel)
        values[name] = fields(inner) if nested else st.one_of(NUMBERS, st.lists(NUMBERS, max_size=7))  # type: ignore[arg-type]
    return st.fixed_dictionaries({}, optional=values)


@pytest.mark.parametrize("examples", [FEW * 2, pytest.param(MANY * 2, marks=pytest.mark.slow)])
def test_any_values_of_the_configuration(examples: int) -> None:
    @settings(FUZZ, max_examples=examples)
    @given(fields(TrainConfig))
    def each(values: dict[str, Any]) -> None:
        with contextlib.suppress(UsageError):
            TrainConfig().updated(values)

    each()


@pytest.mark.parametrize("examples", [FEW * 2, pytest.param(MANY * 2, marks=pytest.mark.slow)])
def test_any_text_as_a_configuration(tmp_path: Path, examples: int) -> None:
    names = st.sampled_from(
        ["strength", "seed", "stage", "method", "mbd", "grd.widths", "mbd.schedule.iterations", "'a.b'", "[mbd]"]
    )
    values = st.sampled_from(
        ["1", "-1", "nan", "inf", "1e999", "true", "'x'", "[", "[[]]", "{}", "2026-11-29", "0x10", '"""']
    )
    lines = st.tuples(names, st.sampled_from([" = ", "=", " ", ""]), values).map("".join)
    texts = st.lists(st.one_of(lines, st.text(max_size=12)), max_size=5).map("\n".join)

    @settings(FUZZ, max_examples=examples)
    @given(st.one_of(texts.map(lambda text: text.encode(errors="surrogatepass")), st.binary(max_size=60)))
    def each(content: bytes) -> None:
        (tmp_path / "c.toml").write_bytes(content)
        with contextlib.suppress(UsageError):
            load_config(tmp_path / "c.toml")

    each()


def test_every_command_is_tried() -> None:
    assert set(PLAIN) == set(COMMANDS)
    assert os.environ.get("ZSN2M_DEBUG") is None
