"""Nothing in the packages unpickles, evaluates text as code, or starts a shell."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from zsn2m_runtime.files import open_image

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("zsn2m_deploy", "export", "runtime")
OTHERS = ("benchmarks", "examples", "scripts")
SOURCES = sorted(path for name in (*PACKAGES, *OTHERS) for path in (ROOT / name).rglob("*.py"))
UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "yaml", "dbm"}
EVALUATORS = {"eval", "exec", "compile", "__import__"}
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "tempfile.mktemp"}


def faults(tree: ast.AST) -> Iterator[str]:
    """What a source does that it must not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"imports {name.name}" for name in node.names if name.name.split(".")[0] in UNPICKLERS)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLERS:
            yield f"imports {node.module}"
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            passed = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if called in EVALUATORS | SHELLS:
                yield f"calls {called}"
            if passed.get("allow_pickle", "False") != "False" or passed.get("shell") == "True":
                yield f"calls {called} with a pickle or a shell"
            if called == "torch.load" and passed.get("weights_only") != "True":
                yield "calls torch.load without weights_only"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "np.load(p, allow_pickle=True)",
        "torch.load(p)",
        "os.system(c)",
        "tempfile.mktemp()",
        "np.load(p, allow_pickle=trusted)",
        "import yaml",
        "subprocess.run(c, shell=True)",
    ],
)
def test_faults_are_seen(source: str) -> None:
    assert list(faults(ast.parse(source)))


def test_no_source_has_any() -> None:
    assert len(SOURCES) > 100
    found = {str(path): list(faults(ast.parse(path.read_text(encoding="utf-8")))) for path in SOURCES}
    assert {path: what for path, what in found.items() if what} == {}


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize("reference", ["&l11;", "&file;"])
def test_entities_in_the_metadata_of_a_tiff_are_not_expanded(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], reference: str
) -> None:
    """A billion laughs, 10^11 of them, and a file of this machine."""
    secret = tmp_path / "secret.txt"
    secret.write_text("TopSecretChannel")
    kinds = f'<!ENTITY l0 "ha"><!ENTITY file SYSTEM "{secret.as_uri()}">{LAUGHS}'
    channels = "".join(f'<Channel ID="Channel:0:{n}" SamplesPerPixel="1">{reference}</Channel>' for n in range(2))
    text = (
        f'<?xml version="1.0"?><!DOCTYPE OME [{kinds}]><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        f'<Image ID="Image:0" Name="{reference if reference == "&l11;" else "a"}"><Pixels ID="Pixels:0" '
        f'DimensionOrder="XYCZT" Type="uint8" SizeX="8" SizeY="8" SizeC="2" SizeZ="1" SizeT="1">{channels}<TiffData/>'
        f"</Pixels></Image></OME>"
    )
    path = tmp_path / "stack.ome.tif"
    tifffile.imwrite(path, np.zeros((2, 8, 8), np.uint8), description=text.encode(), metadata=None)
    with open_image(path) as image:
        assert image.read().pixels.shape == (8, 8)
        said = repr(image.axes)
    assert "TopSecretChannel" not in said + "".join(capfd.readouterr())


def pinned(name: str) -> dict[str, str]:
    """Versions by package of constraints.txt or requirements.lock."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {
        re.sub(r"[-_.]+", "-", package).lower(): version
        for package, version in re.findall(r"^([A-Za-z][\w.-]*)==([^\s;]+)", text, re.MULTILINE)
    }


def test_the_lock_has_hashes_of_exactly_what_was_tested_together() -> None:
    assert pinned("requirements.lock") == pinned("constraints.txt")
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)[1:]
    assert len(entries) == len(pinned("constraints.txt"))
    for entry in entries:
        first, *hashes = entry.replace("\\\n", "\n").split("\n")
        assert hashes[0], f"{first}: no hash"
        assert all(re.fullmatch(r" *--hash=sha256:[0-9a-f]{64} *", line) for line in hashes if line), first
    assert "://" not in text.replace("https://pypi.org/", "")  # no other index


@pytest.mark.slow
def test_pip_takes_the_lock(tmp_path: Path) -> None:
    """Small packages without needs of their own are really fetched and compared; the others are of the same form."""
    few = ("packaging", "typing-extensions", "mdurl")
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = [block for block in re.split(r"^(?=[A-Za-z])", text, flags=re.MULTILINE) if block.split("==")[0] in few]
    assert len(blocks) == len(few)
    (tmp_path / "few.lock").write_text("".join(blocks))
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-cache-dir", "-q"]
    subprocess.run([*command, "-d", tmp_path / "got", "-r", tmp_path / "few.lock"], check=True, timeout=300)
    assert len(list((tmp_path / "got").iterdir())) == len(few)
    (tmp_path / "few.lock").write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", "".join(blocks)))
    wrong = subprocess.run([*command, "-d", tmp_path / "no", "-r", tmp_path / "few.lock"], check=False, timeout=300)
    assert wrong.returncode
