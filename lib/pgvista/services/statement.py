"""Whether a text is one SELECT that changes nothing: what a person may paste to have it explained."""

from __future__ import annotations

import re

from pgvista.errors import InvalidInput

MAX_STATEMENT_BYTES = 1_000_000

_SKIPPED = re.compile(
    r"""'(?:[^']|'')*'            # a text; E'' with a backslash is refused by Postgres at worst
      | "(?:[^"]|"")*"            # a name
      | \$([A-Za-z_]\w*)?\$.*?\$\1\$
      | --[^\n]*
      | /\*.*?\*/""",
    re.VERBOSE | re.DOTALL,
)
_WRITES = re.compile(
    r"\b(insert\s+into|update\s+\S+\s+set|delete\s+from|merge\s+into|into)\b", re.IGNORECASE
)
_FIRST = re.compile(r"[\s(]*([A-Za-z]+)")


def one_select(text: str) -> str:
    """Return the statement without its final semicolon.

    Raises InvalidInput when it is empty, too long, several statements, or no plain SELECT. Postgres
    has the last word: the statement is sent by the protocol that takes one alone, in a read-only
    transaction, and explained, not run.
    """
    if "\0" in text:
        raise InvalidInput(
            "The statement holds a NUL byte, which Postgres does not take.", "Remove it."
        )
    if len(text.encode(errors="replace")) > MAX_STATEMENT_BYTES:
        raise InvalidInput(
            f"The statement is longer than {MAX_STATEMENT_BYTES:,} bytes.",
            "Paste the part with the ORDER BY, with one vector in it.",
        )
    bare = _SKIPPED.sub(_blank, text)
    end = len(bare.rstrip().rstrip(";").rstrip())
    bare, text = bare[:end], text[: len(bare)][:end]
    if not bare.strip():
        raise InvalidInput("There is no statement yet.", "Paste a SELECT with its ORDER BY.")
    if ";" in bare:
        raise InvalidInput(
            "These are several statements, and one is explained at a time.",
            "Paste the SELECT alone; settings are read from the server.",
        )
    first = _FIRST.match(bare)
    word = first[1].lower() if first else ""
    if word in ("explain", "prepare", "execute", "declare"):
        raise InvalidInput(
            f"The statement begins with {word.upper()}.", "Paste the SELECT that comes after it."
        )
    if word not in ("select", "with"):
        raise InvalidInput(
            "Only a SELECT is explained here.", "Paste the statement that asks for nearest rows."
        )
    if _WRITES.search(bare):
        raise InvalidInput(
            "This statement would write.", "Paste a SELECT without INTO, INSERT, UPDATE or DELETE."
        )
    if re.search(r"(?<![\w$])\$\d+\b", bare):
        raise InvalidInput(
            "The statement holds a placeholder such as $1, and has no value for it.",
            "Put the query vector in its place, as in '[0.1, 0.2, ...]'.",
        )
    return text


def _blank(match: re.Match[str]) -> str:
    """Blank a comment out, and put a text or a name out of the way; lengths stay."""
    return (" " if match[0].startswith(("--", "/*")) else "x") * len(match[0])
