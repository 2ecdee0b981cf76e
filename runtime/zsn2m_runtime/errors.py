"""Every error that a user can cause, with the exit code of the command line.

A message says what was expected, what came instead, and what to do next.
"""


class Zsn2mError(Exception):
    """Base of all errors raised on purpose; `exit_code` is that of the command line."""

    exit_code = 1


class CheckFailedError(Zsn2mError):
    """A check did not hold: the parity gate, or `verify`."""

    exit_code = 1


class UsageError(Zsn2mError):
    """A request that cannot be carried out, such as contradicting options or an output equal to the input."""

    exit_code = 2


class InputError(Zsn2mError):
    """An input frame is unreadable or unsuitable (wrong dtype, channels, range, NaN)."""

    exit_code = 3


class UnavailableError(Zsn2mError):
    """A provider, device or package that is needed is not on this machine."""

    exit_code = 4


class BundleError(Zsn2mError):
    """A bundle is missing, damaged, or written by a newer version."""

    exit_code = 5


class OutputError(Zsn2mError):
    """An output cannot be written."""

    exit_code = 6


class TrainingError(Zsn2mError):
    """Training failed: a loss that is not finite, or a network that died."""

    exit_code = 7
