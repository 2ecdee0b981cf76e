"""What a stranger's manifest says of its training frames may be any number: nothing is compared with nonsense."""

import numpy as np
import pytest

from zsn2m_runtime.noise.estimate import estimate_noise
from zsn2m_runtime.noise.familiarity import training_stats, unlike_all
from zsn2m_runtime.noise_record import TrainingStats


@pytest.mark.parametrize("odd", [{"noise": (0.0, 0.0)}, {"noise": (-1.0, -0.5)}, {"texture": -1.0}])
def test_nonsense_divides_nothing(odd: dict[str, object]) -> None:
    frame = np.float32(100 + 5 * np.random.default_rng(0).standard_normal((64, 64)))
    noise = estimate_noise([frame])
    look = TrainingStats.model_validate(training_stats([frame], noise).model_dump() | odd)
    assert isinstance(unlike_all(frame, [(noise.record(), look)], False, None), tuple)
