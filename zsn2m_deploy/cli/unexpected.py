"""Messages of unexpected errors: those of the machine (memory, disk, packages), and bugs."""

from __future__ import annotations


def explained(error: Exception) -> tuple[str, int]:
    """The message and the exit code of an unexpected error."""
    from zsn2m_runtime.errors import OutputError, UnavailableError, UsageError
    from zsn2m_runtime.writing_errors import ADVICE

    if isinstance(error, MemoryError) or _is_of_memory(error):
        return (
            f"expected enough memory, but the system gives no more ({_first_line(error)}); free some, or "
            "take smaller frames",
            UnavailableError.exit_code,
        )
    if isinstance(error, ImportError) and not (error.name or "zsn2m").startswith("zsn2m"):
        return (
            f"expected the package {error.name}, but it cannot be imported ({error}); run: zsn2m-deploy doctor",
            UnavailableError.exit_code,
        )
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
        return (
            f"expected a folder for temporary files, but there is none ({error}); set TMPDIR to one to write to",
            OutputError.exit_code,
        )
    if isinstance(error, FileNotFoundError) and error.filename is None:  # of os.getcwd
        return (
            "expected a working folder, but it was removed; change to one that is there (cd), and try again",
            UsageError.exit_code,
        )
    if isinstance(error, OSError) and error.errno is not None:
        advice = ADVICE.get(error.errno, "check that files and folders are still there and can be read")
        return (
            f"expected the system to let this program read and write, but it says: {error}: {advice}",
            OutputError.exit_code,
        )
    return (
        f"unexpected {type(error).__name__}: {error}; this is a bug: please report it with the output of the same "
        f"command with ZSN2M_DEBUG=1 set, and of: zsn2m-deploy doctor",
        1,
    )


def _is_of_memory(error: Exception) -> bool:
    """Whether torch or OpenCV got no memory; on the CPU, only the text of their errors says so."""
    return any(words in str(error) for words in ("not enough memory", "can't allocate memory", "Insufficient memory"))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
