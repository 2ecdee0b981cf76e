"""When Python looks for garbage."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from zsn2m_deploy.cli.importing import imported_beside, importing


def test_imports_are_not_looked_through() -> None:
    assert gc.isenabled()
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_imported_is_not_looked_through_later() -> None:
    gc.unfreeze()
    with importing():
        made = [[] for _ in range(1000)]
    try:
        assert gc.get_freeze_count() > 1000
        assert not any(made[0] is found for found in gc.get_objects())
    finally:
        gc.unfreeze()


def test_garbage_is_looked_for_after_an_import_that_fails() -> None:
    with pytest.raises(ModuleNotFoundError), importing():
        raise ModuleNotFoundError
    assert gc.isenabled()


def test_who_looks_for_none_goes_on_so() -> None:
    gc.disable()
    try:
        with importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_module_is_imported_beside_other_work() -> None:
    assert imported_beside("colorsys")().__name__ == "colorsys"
    assert gc.isenabled()


def test_what_an_import_beside_raises_is_raised_where_it_is_needed() -> None:
    module = imported_beside("zsn2m_deploy.nothing_like_it")
    with pytest.raises(ModuleNotFoundError):
        module()
    assert gc.isenabled()


def test_frames_are_read_without_torch() -> None:
    asked = "import sys, zsn2m_deploy.frames.given; print('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"
