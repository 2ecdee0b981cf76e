"""The constants of averaging in C++ are Python's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zsn2m_runtime import cells, fusion, gain, light, motion, tiles, usual_change
from zsn2m_runtime.noise import clipping, model

SOURCES = Path(__file__).resolve().parents[2] / "runtime/cpp/src"
NUMBER = r"-?[0-9.]+(?:e-?[0-9]+)?"
CONSTANTS = {
    "fusion.h": {"kFusionCell": cells.CELL},
    "fusion.cpp": {
        "kDrift": fusion.DRIFT,
        "kNear": usual_change.SIDES[1] // 2,
        "kEnergyReach": usual_change.ENERGY_SIDE // 2,
        "kSpread": usual_change.SPREAD,
        "kExcess": fusion.EXCESS,
        "kRepeated": fusion.REPEATED,
        "kFarthest": fusion.FARTHEST,
        "kWhole": fusion.WHOLE,
        "kLeastNoise": usual_change.LEAST_NOISE,
        "kEvery": fusion.EVERY,
        "kBetween": fusion.BETWEEN,
        "kMostly": fusion.MOSTLY,
        "kWeak": fusion.WEAK,
        "kClipped": usual_change.CLIPPED,
    },
    "motion.h": {"kLeastMotionSide": motion.LEAST_SIDE},
    "motion.cpp": {
        "kFactor": motion.FACTOR,
        "kMostPixels": motion.MOST_PIXELS,
        "kDetailReach": motion.DETAIL // 2,
        "kBlock": motion.BLOCK,
        "kLeastAlike": motion.LEAST_ALIKE,
        "kLeastChange": motion.LEAST_CHANGE,
    },
    "motion_opencv.cpp": {
        "kBlackShare": motion.ENDS[0] / 100,
        "kWhiteShare": motion.ENDS[1] / 100,
        "kRefinements": motion.REFINEMENTS,
        "kStride": motion.STRIDE,
        "kUneven": motion.UNEVEN,
        "kDoubt": motion.DOUBT,
        "kNearVectors": motion.NEAR,
    },
    "gain.cpp": {
        "kQuartile": gain.QUARTILE,
        "kLikeTrainingLow": gain.LIKE_TRAINING[0],
        "kLikeTrainingHigh": gain.LIKE_TRAINING[1],
        "kSudden": gain.SUDDEN,
        "kSlow": gain.SLOW,
        "kMost": gain.MOST,
        "kLeastShared": gain.LEAST_SHARED,
        "kFewest": gain.FEWEST,
    },
    "tiles.h": {"kTile": tiles.TILE},
    "tiles.cpp": {"kMostTiles": tiles.MOST_TILES, "kClipped": tiles.CLIPPED},
    "light.cpp": {
        "kFewest": light.FEWEST,
        "kClear": light.CLEAR,
        "kLit": light.LIT,
        "kSure": light.SURE,
        "kMost": light.MOST,
        "kRounds": light.ROUNDS,
        "kOfMedian": light.OF_MEDIAN,
        "kNear": light.NEAR,
        "kOfNear": light.OF_NEAR,
        "kMostOfPart": light.MOST_OF_PART,
    },
    "light.h": {"kPart": light.PART},
    "noise.cpp": {"kPhotons": model.PHOTONS, "kCorrelated": model.CORRELATED, "kLeast": model.LEAST},
    "clipping.cpp": {
        "kFarthestFromEnd": clipping.FARTHEST,
        "kSteps": clipping.STEPS,
        "kRefinements": clipping.REFINEMENTS,
        "kLevels": clipping.LEVELS,
        "kRounds": clipping.ROUNDS,
    },
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_are_python_s(name: str) -> None:
    found = dict(re.findall(rf"\b(k[A-Z]\w+) = ({NUMBER})F?[,;]", (SOURCES / name).read_text(encoding="utf-8")))
    assert {key: float(value) for key, value in found.items()} == pytest.approx(CONSTANTS[name])


def test_one_cell_and_one_square_are_judged() -> None:
    assert len(usual_change.SIDES) == 2
    assert usual_change.SIDES[0] == 1
