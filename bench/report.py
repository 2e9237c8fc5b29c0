"""What the benchmarks share: a table on the screen, and JSON in bench/results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def print_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print `rows` under `title`, one column for each key, numbers to the right.

    The columns are the keys in the order in which they first appear; a missing value stays blank.
    Floats are shown with four significant digits, and whole from 1000 on.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_shown(row.get(name, "")) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in [names, *cells]) for column in range(len(names))]
    numeric = [all(isinstance(row.get(name, 0), int | float) for row in rows) for name in names]

    def line(values: Sequence[str]) -> str:
        padded = (
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(values, widths, numeric, strict=True)
        )
        return "  ".join(padded).rstrip()

    print(f"\n{title}")
    print(line(names))
    print("  ".join("-" * width for width in widths))
    for values in cells:
        print(line(values))


def write_json(name: str, data: Any, path: Path | None = None) -> Path:
    """Write `data` to `path`, by default bench/results/<name>.json; return where it went."""
    path = path or RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)
