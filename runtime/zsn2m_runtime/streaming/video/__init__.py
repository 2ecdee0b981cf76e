"""Video through FFmpeg: decoding, encoding, and all that goes through beside the picture.

The one package that needs PyAV, which is optional: importing any module of it raises UnavailableError where PyAV is
missing. Whoever may do without videos imports from here inside the function that opens one.
"""

from __future__ import annotations

from zsn2m_runtime.errors import UnavailableError

try:
    import av  # noqa: F401
except ImportError as error:
    raise UnavailableError(
        f"expected PyAV to read and write videos, but it cannot be imported ({error}); run: pip install "
        f"'zsn2m-deploy[video]' (images need none)"
    ) from error
