"""What became of many frames, in the same words whether one process or a cluster denoised them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from zsn2m_runtime.batch import JobResult
from zsn2m_runtime.errors import Zsn2mError


@dataclass
class Outcome:
    """What became of some frames.

    Attributes:
        skipped: frames that were finished before
        failed: each frame, and why
        unlike: sentences of `Denoiser.unlike`, each with the frame that it is of
        notes: sentences on what could not be kept
    """

    done: int = 0
    skipped: int = 0
    failed: list[tuple[str, Zsn2mError]] = field(default_factory=list)
    unlike: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, result: JobResult) -> None:
        """Count a file."""
        name = str(result.job.source)
        if result.error:
            self.failed.append((name, result.error))
        else:
            self.done += 1
        self.unlike += [(name, sentence) for sentence in result.unlike]
        self.notes += result.notes


@dataclass
class Report:
    """What became of a run; a frame is a file, or a plane of an OME-Zarr image on a cluster.

    Attributes:
        workers: processes
        skipped: frames that an earlier start had finished
        failed: each frame, and why, on a cluster after a second try
        retried: frames that were tried twice
        unlike: by kind, the number of frames and the first sentence
        notes: sentences on what could not be kept
        where: the results; of an OME-Zarr image that is not complete, the folder of what is done
    """

    frames: int
    workers: int
    done: int = 0
    skipped: int = 0
    retried: int = 0
    seconds: float = 0.0
    failed: list[tuple[str, Zsn2mError]] = field(default_factory=list)
    unlike: dict[str, tuple[int, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    where: str = ""

    @property
    def handled(self) -> int:
        """Frames that are done with."""
        return self.done + self.skipped + len(self.failed)

    def add(self, outcome: Outcome) -> None:
        """Count some frames, but for those that failed, which may be tried again."""
        self.done += outcome.done
        self.skipped += outcome.skipped
        self.notes += [note for note in dict.fromkeys(outcome.notes) if note not in self.notes]
        for frame, sentence in outcome.unlike:
            kind = sentence.partition(":")[0]
            count, first = self.unlike.get(kind, (0, f"{frame}: {sentence}"))
            self.unlike[kind] = (count + 1, first)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "frames": self.frames,
            "done": self.done,
            "skipped": self.skipped,
            "retried": self.retried,
            "failed": [{"frame": frame, "error": str(error)} for frame, error in self.failed],
            "seconds": round(self.seconds, 3),
            "frames_per_second": round(self.done / self.seconds, 3) if self.seconds else None,
            "workers": self.workers,
            "unlike": {kind: {"frames": count, "first": first} for kind, (count, first) in self.unlike.items()},
            "notes": self.notes,
            "output": self.where,
        }
