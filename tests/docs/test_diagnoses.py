"""docs/diagnoses.md has every cause, and the pictures that the script takes for it."""

from __future__ import annotations

from pathlib import Path

from scripts.diagnosis_pictures import IN_DOCS
from tests.db.diagnosis_cases import CASES

from pgvista.model.diagnosis import Cause

PAGE = Path(__file__).parents[2] / "docs" / "diagnoses.md"


def test_every_cause_stands_in_a_table() -> None:
    text = PAGE.read_text("utf-8")
    for cause in Cause:
        assert f"\n| {cause.label} |" in text


def test_its_pictures_are_those_of_the_script() -> None:
    text = PAGE.read_text("utf-8")
    assert set(IN_DOCS) <= {case.name for case in CASES}
    for name in IN_DOCS:
        assert f"images/diagnoses/{name}-light.png" in text
