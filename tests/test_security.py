"""Nothing in the packages unpickles, evaluates text as code, or starts a shell."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for name in ("zsn2m_deploy", "export", "runtime") for path in (ROOT / name).rglob("*.py"))
UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
EVALUATORS = {"eval", "exec", "compile", "__import__"}


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
            if called in EVALUATORS:
                yield f"calls {called}"
            if passed.get("allow_pickle") == "True" or passed.get("shell") == "True":
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
        "subprocess.run(c, shell=True)",
    ],
)
def test_faults_are_seen(source: str) -> None:
    assert list(faults(ast.parse(source)))


def test_no_source_has_any() -> None:
    assert len(SOURCES) > 100
    found = {str(path): list(faults(ast.parse(path.read_text(encoding="utf-8")))) for path in SOURCES}
    assert {path: what for path, what in found.items() if what} == {}
