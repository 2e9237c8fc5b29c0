"""Runs the `pgvista` command in this process, and says how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pgvista.cli import main


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it printed where."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


def run_command(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> Outcome:
    """Run the command; what was printed before is dropped. It shows no traceback."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    out, err = capfd.readouterr()
    status = ended.value.code
    assert isinstance(status, int)
    assert "Traceback" not in err
    return Outcome(status, out, err)
