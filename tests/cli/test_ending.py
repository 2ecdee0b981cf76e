"""The end of a command, which leaves what is there to the system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

START = """
import atexit, sys, threading, time
from zsn2m_deploy.cli.ending import leave
atexit.register(print, "taken apart")
"""


def ended(program: str, stdout: int = subprocess.PIPE) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a program that ends; it would not where it waited for its thread."""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", START + program]
    done = subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, env=buffered, check=False
    )
    return done.returncode, done.stdout or "", done.stderr


@pytest.mark.parametrize(("given", "code"), [("None", 0), ("0", 0), ("3", 3)])
def test_what_was_printed_is_there_and_nothing_is_taken_apart(given: str, code: int) -> None:
    program = f"sys.stdout.write('a result'); sys.stderr.write('a remark'); leave({given})"
    assert ended(program) == (code, "a result", "a remark")


def test_threads_are_not_waited_for() -> None:
    assert ended("threading.Thread(target=time.sleep, args=(600,)).start(); leave(0)") == (0, "", "")


def test_a_text_is_said_as_sys_exit_says_it() -> None:
    assert ended("leave('what is wrong')") == (1, "taken apart\n", "what is wrong\n")


def test_what_cannot_be_printed_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        code, _, said = ended("print('a result'); leave(0)", stdout=full.fileno())
    assert code == 120
    assert "No space left on device" in said


def test_closed_streams_end_as_others() -> None:
    assert ended("sys.stdout = None; leave(0)") == (0, "", "")


@pytest.mark.parametrize("loaded", [True, False])
def test_a_program_that_loaded_torch_does_not_take_it_apart(loaded: bool) -> None:
    program = "sys.modules['torch'] = sys; " if loaded else ""
    program += "import gc; atexit.register(lambda: print('frozen', gc.get_freeze_count() > 0)); "
    program += "from zsn2m_deploy import cli; sys.argv = ['zsn2m-deploy', '--version']; cli.run()"
    code, said, wrong = ended(program)
    assert (code, wrong) == (0, "")
    assert said.splitlines()[1:] == ([] if loaded else ["frozen True", "taken apart"])  # nor is garbage looked for
    assert said.startswith("0.")


def test_a_program_ends_with_the_code_of_its_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zsn2m_deploy", "train-and-export", str(tmp_path / "nothing.png")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert "nothing.png" in done.stderr.splitlines()[-1]
