"""Text from strangers (names of files, metadata, manifests, messages of libraries) as it may be shown to people."""

from __future__ import annotations

import re
import unicodedata

# Marks, overrides and isolates that make a reader see letters in another order than they stand in (UAX 9).
_TURNS_TEXT = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HIDDEN = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of surrogate pairs, other ends of a line
_LAST_PLAIN = "~"  # up to it all printable ASCII is harmless
_PLAIN = re.compile(r"[ -~\n\t]*")
_BYTE = 0xDC00  # Python keeps a byte of a name that is not UTF-8 as this plus the byte
_URL = re.compile(r"\b([a-z][a-z0-9+.-]*://)(\S*)", re.IGNORECASE)
_HOST = re.compile(r"(\[[^]]*\]|[^:]*)(:\d*)?")


def visible(text: str) -> str:
    r"""Text in which every character shows itself and moves nothing: others are spelled as Python would, `\x1b`.

    Ends of lines and tabs stay. Secrets in URLs are hidden.
    """
    text = without_secrets(text)
    return text if _PLAIN.fullmatch(text) else "".join(map(_shown, text))


def one_line(text: str) -> str:
    """As `visible`, ends of lines and tabs spelled too: a name must not look like a message of its own."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def without_secrets(text: str) -> str:
    """Text whose URLs have neither user and password nor any value of their queries: tokens, keys, signatures."""
    return _URL.sub(lambda found: found[1] + _public(found[2]), text) if "://" in text else text


def _public(rest: str) -> str:
    """What follows a URL's `//`: its host and path, and the names in its query."""
    place, mark, query = re.fullmatch(r"([^?#]*)([?#]?)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    host, slash, way = place.rpartition("@")[2].partition("/")
    if not _HOST.fullmatch(host):  # a user and a part of a password, whose question mark is no query's
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
