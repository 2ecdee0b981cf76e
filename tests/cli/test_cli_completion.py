"""What bash offers after TAB, by the script that --install-completion puts into a user's settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from support.commands import COMMANDS

from zsn2m_deploy.cli.completion import PRESETS, PROVIDERS
from zsn2m_deploy.config.training import Preset
from zsn2m_runtime.inference import providers

COMPLETE = """
eval "$(_ZSN2M_DEPLOY_COMPLETE=source_bash zsn2m-deploy)"
complete -p zsn2m-deploy | grep -q -- '-o default' || exit 9
COMP_WORDS=(zsn2m-deploy "$@")
COMP_CWORD=$#
$(complete -p zsn2m-deploy | sed 's/.* -F \\([^ ]*\\) .*/\\1/') zsn2m-deploy  # as bash calls it
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ([""], COMMANDS),
        (["tr"], ["train-and-export"]),
        (["train-and-export", "--preset", ""], ["instant", "fast", "default", "best"]),
        (["train-and-export", "--method", ""], ["adapt", "mbd", "full", "paper"]),
        (["denoise", "c"], ["cam0.zsn2m", "cam1.zsn2m"]),
        (["verify", "cam1"], ["cam1.zsn2m"]),
        (["stream", "deep/"], ["deep/er.zsn2m"]),
        (["denoise", "nothing"], []),
        (["denoise", "cam0.zsn2m", ""], []),  # frames: bash's own completion of file names
        (["denoise", "--provider", "c"], ["cpu", "cuda", "coreml"]),
        (["export", "--prec"], ["--precision"]),
    ],
)
def test_bash_completes(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    for name in ("cam0.zsn2m", "cam1.zsn2m", "deep/er.zsn2m", "caves"):
        (tmp_path / name).mkdir(parents=True)
    program = tmp_path / "bin" / "zsn2m-deploy"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\nfrom zsn2m_deploy.cli import main\nsys.argv[0] = 'zsn2m-deploy'\nmain()\n"
    )
    program.chmod(0o755)
    paths = {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        ["bash", "--norc", "-c", COMPLETE, "bash", *words],
        cwd=tmp_path, env=os.environ | paths, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.split()) == sorted(offered)


def test_what_is_offered_is_what_there_is() -> None:
    assert set(PRESETS) == set(get_args(Preset))
    assert set(PROVIDERS) == {"auto", *providers.PROVIDERS}
