"""Bytes of rows by Postgres's layout, worked out by hand; real tables are in tests/db/test_types.py."""

from __future__ import annotations

from pgvista.model.published import (
    DIMENSIONS,
    MACHINES,
    machines_for,
    smallest_machine,
)
from pgvista.science.sizes import row_size, table_size


def test_a_short_row_stays_whole() -> None:
    size = row_size(8 + 4 * 3, 12)
    assert size.table_bytes == 24 + 20 + 12 + 4
    assert size.toast_bytes == 0


def test_the_longest_value_is_moved_out_first() -> None:
    assert row_size(1544, 464).toast_bytes == 0  # 24 + 1544 + 464 = 2032
    moved = row_size(1544, 465)
    assert moved.table_bytes == 512 + 4  # 24 + 18 + 465, aligned to 8
    assert moved.toast_bytes > 1544
    text = row_size(776, 3_000)  # here the text is longer
    assert text.table_bytes == 824 + 4  # 24 + 776 + 18 = 818, aligned


def test_rows_do_not_span_pages() -> None:
    # 8,168 bytes hold five rows of 1,548 + 4
    assert table_size(10, 1_520, 0) == 2 * 8192
    assert table_size(11, 1_520, 0) == 3 * 8192
    assert table_size(0, 1_520, 0) == 0


def test_published_machines_by_dimension_and_rows() -> None:
    assert len(MACHINES) == 30
    assert [machines_for(d)[0] for d in (3, 384, 385, 1024, 1536, 3072)] == [
        384, 384, 960, 1536, 1536, 1536,
    ]  # fmt: skip
    for dimension in DIMENSIONS:
        rams = [item.ram_gb for item in machines_for(dimension)[1]]
        assert rams == sorted(rams)
    enough = smallest_machine(384, 1_000_000)
    assert enough is not None
    assert (enough.size, enough.qps) == ("Large", 270)
    assert getattr(smallest_machine(1536, 1_000_000), "size", None) == "2XL"
    assert getattr(smallest_machine(384, 50_000), "size", None) == "Small"  # Micro swapped
    assert smallest_machine(384, 2_000_000) is None
