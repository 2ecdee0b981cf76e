"""Every command on a small frame, and the program that runs them one after the other."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


TINY = "method = 'mbd'\n[mbd.schedule]\niterations = 2\ncrop_side = 16\nmax_crops = 1\nflips = false\n"


COMMANDS = """
train-and-export in/a.png -o out/cam.zsn2m --config in/tiny.toml --overwrite
export out/cam.zsn2m --precision int8
denoise out/cam.zsn2m in/a.png -o out/b.png
stream out/cam.zsn2m in/a.png -o out/c.mkv
inspect in/a.png
verify out/cam.zsn2m
bench out/cam.zsn2m --size 32x32 --seconds 0 --threads 1
doctor
sample out/s.png --size 32 32
"""


RUN_ALL = """
import shlex, sys
from zsn2m_deploy.cli import main

if __name__ == "__main__":
    for line in sys.stdin.read().strip().splitlines():
        sys.argv = ["zsn2m-deploy", *shlex.split(line)]
        try:
            main()
        except SystemExit as end:
            if end.code:
                sys.exit(f"{line}: ended with {end.code}")
"""
