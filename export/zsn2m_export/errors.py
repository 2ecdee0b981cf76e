"""What can go wrong in an export besides the gate."""

from zsn2m_runtime.errors import CheckFailedError


class ExportError(CheckFailedError):
    """A graph could not be exported as promised."""
