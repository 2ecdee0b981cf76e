"""The command line: thin commands over the packages, and the one place where an error becomes an exit code."""

from __future__ import annotations

import gc
import logging
import os
import sys
from typing import Annotated, NoReturn

import typer

from zsn2m_deploy.cli import bench, denoise, doctor, export, inspect, sample, stream, train, verify
from zsn2m_deploy.cli.ending import leave
from zsn2m_deploy.cli.escaping import EscapingGroup, LogFormatter, prepare_streams
from zsn2m_deploy.cli.interrupts import catch_interrupts, end_interrupted
from zsn2m_deploy.cli.terminal import INTERRUPTED, Interrupted, complain
from zsn2m_deploy.cli.unexpected import explained

# Read when torch and NumPy load. Source: docs/decisions/time-of-instant.md
THREADS_AND_MEMORY = {
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait busily cost up to ten times the time beside other programs
    "OPENBLAS_NUM_THREADS": "1",  # NumPy's; matrices here are small, and a second thread doubled the processor's time
    "THP_MEM_ALLOC_ENABLE": "1",  # of torch: large pages, which take less time to get
}

app = typer.Typer(
    cls=EscapingGroup,
    no_args_is_help=True,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich would double the time of --help
    help="One noisy frame in, a denoiser specialised to its sensor out: Zero-Shot Noise2Mean as TorchScript and ONNX.",
    epilog="Exit codes: 0 ok, 1 a check failed, 2 usage, 3 input, 4 provider or package missing, 5 bundle, 6 output, "
    "7 training failed, 130 interrupted.",
)


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        import importlib.metadata

        print(importlib.metadata.version("zsn2m-deploy"))
        raise typer.Exit


for module in (train, export, denoise, stream, verify, inspect, doctor, bench, sample):
    module.register(app)


def run() -> NoReturn:
    """The program: `main` in a process of its own, at whose end torch, where it was loaded, is not taken apart."""
    for name, value in THREADS_AND_MEMORY.items():
        os.environ.setdefault(name, value)
    try:
        main()
    except SystemExit as end:
        if "torch" in sys.modules:
            leave(end.code)
        gc.freeze()  # else Python looks for garbage at its end
        raise
    sys.exit()


def main() -> None:
    """Run the command line; every error of ours ends in its message and exit code, never in a traceback."""
    from zsn2m_runtime.errors import UnavailableError, Zsn2mError

    prepare_streams()
    handler = logging.StreamHandler()
    handler.setFormatter(LogFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    interrupts = catch_interrupts()
    try:
        app()
    except Zsn2mError as error:
        if interrupts and isinstance(error, UnavailableError):  # it came while a package was imported
            end_interrupted()
        complain(str(error))
        sys.exit(error.exit_code)
    except Interrupted:
        raise
    except SystemExit as end:
        if end.code == INTERRUPTED:
            end_interrupted()
        raise
    except Exception as error:
        if os.environ.get("ZSN2M_DEBUG"):
            raise
        if interrupts:
            end_interrupted()
        text, code = explained(error)
        complain(text)
        sys.exit(code)
