"""What a run leaves behind: nothing in the home folder, no connection, no file but in its output and in TMPDIR."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.commands import write_frame
from support.traces import COMMANDS, ROOT, RUN_ALL, TINY

from zsn2m_runtime.machine.installation import TELEMETRY_SWITCH, import_onnxruntime, refuse_telemetry

# What makes or changes a file, and what may be a connection.
TRACED = (
    "connect,sendto,sendmsg,sendmmsg,openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,"
    "symlinkat"
)
# onnxruntime takes these for a reason to send nothing (strings of its library).
CI_VARIABLES = (
    "CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "TRAVIS", "JENKINS_URL", "CODEBUILD_BUILD_ID",
    "BUILDKITE", "TEAMCITY_VERSION", "APPVEYOR", "BITBUCKET_BUILD_NUMBER", "ORT_RUNNING_UNIT_TESTS",
)  # fmt: skip
NO_FILES = ("/dev/null", "/proc/", "/sys/", "/var/lib/libuuid/")
PATH = re.compile(r'(?:<(?P<folder>[^>]*)>, )?"(?P<name>[^"]*)"')


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with home, tmp, in (a frame, a quick configuration) and out."""
    for name in ("home", "tmp", "in", "out"):
        (tmp_path / name).mkdir()
    write_frame(tmp_path / "in" / "a.png", side=48)
    (tmp_path / "in" / "tiny.toml").write_text(TINY)
    (tmp_path / "run_all.py").write_text(RUN_ALL)
    return tmp_path


def run_all(place: Path, *prefix: str, **variables: str) -> None:
    """Every command in one process, as a user whose home folder is fresh and who has set nothing else."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in (".", "export", "runtime")),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "tmp"),
    }
    done = subprocess.run(
        [*prefix, sys.executable, place / "run_all.py"],
        input=COMMANDS, cwd=place, env=environment | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_nothing_is_kept_in_the_home_folder_and_nothing_connects(place: Path) -> None:
    if shutil.which("strace") is None:
        run_all(place)
        assert not list((place / "home").iterdir())
        pytest.skip("the home folder stayed empty; strace, which sees connections, is not here")
    trace = place / "trace.txt"
    run_all(place, "strace", "-f", "-qq", "-y", "-s", "4096", "-e", f"trace={TRACED}", "-o", str(trace))
    assert not list((place / "home").iterdir())
    calls = whole_calls(trace.read_text(errors="replace"))
    # A socket alone is none: uuid1 of Python's own library opens one to read the hardware's address.
    assert [call for call in calls if call.startswith(("connect(", "send")) and "AF_INET" in call] == []
    changed = changed_files(calls, place)
    assert place / "out" / "cam.zsn2m" in changed  # the trace sees what is changed
    allowed = (place / "out", place / "tmp")
    assert [path for path in changed if not any(path.is_relative_to(folder) for folder in allowed)] == []


@pytest.mark.parametrize(("chosen", "kept"), [(None, False), ("", False), ("1", False), ("0", True)])
def test_telemetry_is_off_unless_the_user_asks_for_it(tmp_path: Path, chosen: str | None, kept: bool) -> None:
    """With the real onnxruntime; one before 1.29 has none, and keeps nothing either way."""
    environment = {name: value for name, value in os.environ.items() if name != TELEMETRY_SWITCH}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "runtime")}
    environment |= {} if chosen is None else {TELEMETRY_SWITCH: chosen}
    # It is off in the machines of several CI services, too: only here it is to show that this test can fail.
    environment = {name: value for name, value in environment.items() if name not in CI_VARIABLES}
    program = "from zsn2m_runtime.machine.installation import import_onnxruntime as door; print(door().__version__)"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    version = tuple(int(part) for part in done.stdout.split(".")[:2])
    assert any(tmp_path.iterdir()) == (kept and version >= (1, 29))


def test_the_users_own_choice_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for chosen, kept in (("0", "0"), ("yes", "yes"), ("", "1")):
        monkeypatch.setenv(TELEMETRY_SWITCH, chosen)
        refuse_telemetry()
        assert os.environ[TELEMETRY_SWITCH] == kept
    monkeypatch.delenv(TELEMETRY_SWITCH)
    refuse_telemetry()
    assert os.environ[TELEMETRY_SWITCH] == "1"


@pytest.mark.parametrize(("chosen", "asked"), [("1", 1), ("0", 0), ("False", 0)])
def test_its_events_are_off_too_where_it_was_loaded_before_us(
    monkeypatch: pytest.MonkeyPatch, chosen: str, asked: int
) -> None:
    said: list[str] = []
    stand_in = SimpleNamespace(
        __version__="1.24.0", InferenceSession=None, disable_telemetry_events=lambda: said.append("off")
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", stand_in)
    monkeypatch.setenv(TELEMETRY_SWITCH, chosen)
    assert import_onnxruntime() is stand_in
    assert len(said) == asked


def test_onnxruntime_is_imported_behind_that_door_only() -> None:
    for path in (path for folder in ("zsn2m_deploy", "export", "runtime", "benchmarks") for path in importing(folder)):
        text = path.read_text()
        assert path.name == "installation.py" or "import_onnxruntime()" in text, path


def importing(folder: str) -> list[Path]:
    """The modules below a folder that import onnxruntime."""
    found = []
    for path in (ROOT / folder).rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        found += [path] if any(name.split(".")[0] == "onnxruntime" for name in names) else []
    return found


def whole_calls(trace: str) -> list[str]:
    """The calls of a trace, those put together that another thread interrupted."""
    calls, begun = [], {}
    for line in trace.splitlines():
        process, call = line.split(maxsplit=1)
        if call.endswith("<unfinished ...>"):
            begun[process] = call.removesuffix("<unfinished ...>")
        elif call.startswith("<... "):
            calls.append(begun.pop(process, "") + call.partition("resumed>")[2])
        else:
            calls.append(call)
    return calls


def changed_files(calls: list[str], cwd: Path) -> set[Path]:
    """What traced calls made or changed."""
    changed = set()
    for call in calls:
        reads = call.startswith("open") and not re.search("O_CREAT|O_WRONLY|O_RDWR", call)
        if reads or call.startswith(("connect", "send", "+++", "---")) or " = -1 " in call:
            continue
        for found in PATH.finditer(call):
            if not found["name"].startswith(NO_FILES):
                changed.add(cwd / (found["folder"] or "") / found["name"])
    return changed
