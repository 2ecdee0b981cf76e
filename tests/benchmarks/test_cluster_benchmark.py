"""What docs/results say of clusters, on frames of this machine: workers against one, and memory over many frames."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.bundles import BundleMaker

pytest.importorskip("distributed", reason="--cluster needs Dask: pip install 'zsn2m-deploy[dask]'")

from benchmarks import cluster

LEAST_RATIO = 1.8  # issue of clusters: two workers against one
GROWTH = 40  # megabytes over nine tenths of 20,000 frames; caches of allocators fill within the first tenth


@pytest.fixture(scope="module")
def bundle(make_bundle: BundleMaker) -> Path:
    return make_bundle("uint16", 1, (0.0, 4095.0), method="adapt")


@pytest.mark.slow
@pytest.mark.skipif(
    len(os.sched_getaffinity(0)) - os.getloadavg()[0] < 1.5, reason="two workers need two cores that are free"
)
def test_two_workers_do_nearly_twice_as_much(tmp_path: Path, bundle: Path) -> None:
    assert max(cluster.throughput(bundle, tmp_path, 24).ratios) >= LEAST_RATIO


@pytest.mark.slow
def test_memory_is_flat_over_20000_frames(tmp_path: Path, bundle: Path) -> None:
    _, *seen = cluster.memory(bundle, tmp_path, 20_000).seen
    for place in (1, 2):  # client with scheduler, and the larger worker
        held = [sample[place] for sample in seen]
        assert max(held) - held[1] < GROWTH
