"""The bits of one row beside those of others: the first ones to count by hand, all of them as a field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pgvista.ui.components._mount import component

_bits = component("bit_compare")

BY_HAND = 16
"""So many bits are written out."""


@dataclass(frozen=True, slots=True)
class BitLine:
    """A row: its name and its bits."""

    name: str
    """A word or two."""
    bits: str
    """A 0 or 1 for each dimension."""
    title: str = ""
    """What the row is called above its field."""
    note: str = ""
    """What is said of it beneath its field."""


def bit_compare(
    one: BitLine, others: Sequence[BitLine], *, key: str, fields: bool, label: str
) -> None:
    """Draw the bits; those that differ from the one's stand out.

    Args:
        one: What the others are compared with.
        others: As many bits as the one.
        key: Of the component.
        fields: Whether all bits are drawn too, and told how many differ.
        label: What is shown, in words.
    """
    _bits(
        key=key,
        data={
            "label": label,
            "shown": BY_HAND,
            "fields": fields,
            "one": [one.name, one.bits[:BY_HAND]],
            "others": [
                {
                    "name": other.name,
                    "title": other.title or other.name,
                    "note": other.note,
                    "bits": other.bits[:BY_HAND],
                    "differs": [a != b for a, b in zip(one.bits, other.bits, strict=True)]
                    if fields
                    else [a != b for a, b in zip(one.bits, other.bits, strict=True)][:BY_HAND],
                }
                for other in others
            ],
        },
    )
