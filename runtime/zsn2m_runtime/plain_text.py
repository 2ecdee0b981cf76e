"""Making text from strangers (file names, metadata, manifests, messages of libraries) safe to show."""

from __future__ import annotations

import re
import unicodedata

# Characters that change the order in which text is displayed: Unicode Standard Annex 9, section 2.
_TURNS_TEXT = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HIDDEN = ("Cc", "Cs", "Zl", "Zp")  # Unicode categories: control, surrogate, line and paragraph separator
_LAST_PLAIN = "~"  # the last printable ASCII character
_PLAIN = re.compile(r"[ -~\n\t]*")
_BYTE = 0xDC00  # Python stores a byte that is not UTF-8 as this plus the byte: PEP 383
# A Path has one slash of the two; a message may add a colon, which is no part of it.
_URL = re.compile(r"\b([a-z][a-z0-9+.-]+:/{1,2})(\S*?)(:?)(?!\S)", re.IGNORECASE)
_HOST = re.compile(r"(\[[^]]*\]|[^:]*)(:\d*)?")


def visible(text: str) -> str:
    r"""Text with control characters and those that reorder text replaced by escapes, such as `\x1b`.

    Line ends and tabs stay. Secrets in URLs are removed.
    """
    text = without_secrets(text)
    return text if _PLAIN.fullmatch(text) else "".join(map(_shown, text))


def one_line(text: str) -> str:
    """As `visible`, with line ends and tabs escaped too, so that a name cannot look like a second message."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def without_secrets(text: str) -> str:
    """Text with user, password and all query values (tokens, keys, signatures) removed from its URLs."""
    return _URL.sub(lambda found: found[1] + _public(found[2]) + found[3], text) if ":/" in text else text


def _public(rest: str) -> str:
    """The part of a URL after `//`, with host, path and names of the query, but without secrets."""
    place, mark, query = re.fullmatch(r"([^?#]*)([?#]?)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    host, slash, way = place.rpartition("@")[2].partition("/")
    if not _HOST.fullmatch(host):  # user and part of a password that contains a question mark
        return "..."
    way = re.sub(r"=[^/;]+", "=...", way)
    names = [part.partition("=")[0] + "=..." if "=" in part else "..." for part in re.split("[&;]", query)]
    return host + slash + way + (mark + "&".join(names) if mark else "")


def _shown(letter: str) -> str:
    if " " <= letter <= _LAST_PLAIN or letter in "\n\t":
        return letter
    if letter not in _TURNS_TEXT and unicodedata.category(letter) not in _HIDDEN:
        return letter
    code = ord(letter)
    if _BYTE + 0x80 <= code <= _BYTE + 0xFF:
        code -= _BYTE
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
