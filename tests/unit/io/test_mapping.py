"""Columns are guessed from names and values, and records become rows or say why not."""

import time
from typing import Any

import numpy as np
import pytest

from pgvista.io.columns import ColumnKind, describe_columns
from pgvista.io.mapping import guess_mapping, map_records, stable_id
from pgvista.io.readers import open_source
from pgvista.model.collection import PGVISTA_ROLES, VECS_ROLES, Collection, Column, Roles
from pgvista.model.metric import VectorType
from pgvista.model.rows import BadRow, ColumnMapping, Record, Row


def collection(**options: Any) -> Collection:
    settings: dict[str, Any] = {"roles": PGVISTA_ROLES, "dimension": 3} | options
    return Collection("pgvista", "docs", **settings)


def guess(
    rows: list[dict[str, Any]], target: Collection | None = None, *, textual: bool = False
) -> ColumnMapping:
    records = [Record(row, number) for number, row in enumerate(rows, start=1)]
    return guess_mapping(describe_columns(records, textual=textual), records, target)


class TestGuess:
    def test_telling_names(self) -> None:
        found = guess(
            [
                {"doc_id": 1, "title": "T", "text": "words", "embedding": [0.1, 0.2], "year": 1999},
                {"doc_id": 2, "title": "U", "text": "more", "embedding": [0.3, 0.4], "year": 1999},
            ]
        )
        assert found == ColumnMapping("doc_id", "text", "embedding", ("title", "year"))

    def test_names_in_any_case(self) -> None:
        found = guess([{"ID": "1", "Page Content": "x", "Vec": [1.0, 2.0]}])
        assert found == ColumnMapping("ID", "Page Content", "Vec")

    def test_an_id_is_unique(self) -> None:
        rows = [{"key": "a", "slug": "x", "text": "t"}, {"key": "a", "slug": "y", "text": "u"}]
        assert guess(rows).id == "slug"
        assert guess([{"key": "a", "text": "t"}] * 2).id is None

    def test_a_plain_id_may_have_a_few_doubles(self) -> None:
        rows = [{"id": str(number % 19), "text": "t"} for number in range(20)]
        assert guess(rows).id == "id"

    def test_without_a_telling_name_the_longest_texts_are_the_content(self) -> None:
        rows = [{"a": "short", "b": "a much longer text that people would search in", "c": 5}]
        found = guess(rows)
        assert (found.content, found.metadata) == ("b", ("a", "c"))

    def test_metadata_object(self) -> None:
        found = guess([{"id": "1", "content": "x", "metadata": {"a": 1}, "other": 5}])
        assert (found.metadata_object, found.metadata) == ("metadata", ("other",))

    def test_other_vectors_are_left_out(self) -> None:
        found = guess([{"id": "1", "vec": [1.0, 2.0], "image_vec": [1.0, 2.0, 3.0], "text": "x"}])
        assert found.embedding == "vec"
        assert found.metadata == ()

    def test_a_vector_by_its_dimension(self) -> None:
        rows = [{"id": "1", "a": [1.0, 2.0], "b": [1.0, 2.0, 3.0], "text": "x"}]
        assert guess(rows).embedding is None
        assert guess(rows, collection()).embedding == "b"

    def test_pgvector_text(self) -> None:
        source = open_source(b'id,text,emb\n1,a,"[1,2,3]"\n2,b,"[4,5,6]"\n', name="a.csv")
        assert guess_mapping(source.columns, source.preview()).embedding == "emb"

    def test_structured_columns_by_name(self) -> None:
        target = collection(columns=(Column("Year", "bigint"), Column("tags", "text[]")))
        found = guess([{"id": "1", "text": "x", "year": 1, "tags": "a;b", "more": 1}], target)
        assert found.structured == {"year": "Year", "tags": "tags"}
        assert found.metadata == ("more",)

    def test_an_adopted_table_s_own_names(self) -> None:
        target = collection(roles=Roles("vec2", "nr", "lyrics", None))
        found = guess([{"nr": 1, "id": 9, "lyrics": "la", "text": "x", "vec2": [1, 2, 3]}], target)
        assert found == ColumnMapping("nr", "lyrics", "vec2")

    def test_a_table_without_content_and_model_keeps_the_text_as_metadata(self) -> None:
        found = guess([{"id": 1, "text": "x", "vec": [1, 2, 3]}], collection(roles=VECS_ROLES))
        assert found == ColumnMapping("id", None, "vec", ("text",))

    def test_no_columns(self) -> None:
        assert guess([]) == ColumnMapping()


MAPPING = ColumnMapping("id", "text", "emb", ("year",), "meta")


def mapped(values: dict[str, Any], mapping: ColumnMapping = MAPPING, **options: Any) -> Any:
    (row,) = map_records([values], mapping, **options)
    return row


class TestMap:
    def test_a_whole_row(self) -> None:
        target = collection(columns=(Column("tags", "text[]"), Column("day", "date")))
        mapping = ColumnMapping("id", "text", "emb", ("year",), "meta", {"t": "tags", "d": "day"})
        values = {
            "id": 3.0,
            "text": "words",
            "emb": "[1,2,3]",
            "year": np.int64(1973),
            "meta": {"a": float("nan"), "year": 5},
            "t": "a;b",
            "d": "2024-01-02",
            "left_out": 1,
        }
        (row,) = map_records([Record(values, 17)], mapping, collection=target)
        assert isinstance(row, Row)
        assert (row.id, row.content, row.line) == ("3", "words", 17)
        assert row.embedding is not None
        assert row.embedding.tolist() == [1, 2, 3]
        assert row.metadata == {"a": None, "year": 1973}
        assert row.columns["tags"] == ["a", "b"]
        assert row.columns["day"].year == 2024

    def test_bad_rows_pass_and_mappings_are_counted(self) -> None:
        bad = BadRow(9, "why")
        rows = list(map_records([bad, {"id": 1, "text": "x"}], MAPPING))
        assert rows[0] is bad
        assert isinstance(rows[1], Row)
        assert rows[1].line == 2

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"text": "x"}, "The id is missing."),
            ({"id": "", "text": "x"}, "The id is missing."),
            ({"id": 1}, "The row has no content and no vector."),
            ({"id": 1, "text": " ", "emb": ""}, "The row has no content and no vector."),
            ({"id": 1, "text": "a\0b"}, "The content holds a NUL character"),
            ({"id": 1, "text": "a\ud800"}, "The content holds half of a surrogate pair"),
            ({"id": 1, "text": "x", "year": "\0"}, "The metadata 'year' holds a NUL character"),
            ({"id": 1, "text": "x", "meta": {"a": {"b": "\0"}}}, "The metadata holds a NUL"),
            ({"id": 1, "text": "x", "year": b"a"}, "The metadata 'year' holds binary data"),
            ({"id": 1, "text": "x", "meta": [1]}, "The metadata is not an object"),
            ({"id": 1, "text": "x", "meta": "{broken"}, "The metadata is a text that is not JSON"),
            ({"id": 1, "emb": [1, 2]}, "The vector has 2 numbers, but the dimension is 3."),
            ({"id": 1, "emb": [1, 2, float("nan")]}, "The vector holds NaN at place 3."),
            ({"id": 1, "emb": [1, 2, float("inf")]}, "The vector holds infinity at place 3."),
        ],
    )
    def test_set_aside(self, values: dict[str, Any], reason: str) -> None:
        row = mapped(values, collection=collection())
        assert isinstance(row, BadRow)
        assert row.reason.startswith(reason)
        assert row.line == 1
        row.raw.encode()
        assert "\0" not in row.raw

    def test_a_structured_value_that_does_not_fit(self) -> None:
        target = collection(columns=(Column("year", "bigint"),))
        mapping = ColumnMapping("id", "text", structured={"y": "year"})
        row = mapped({"id": 1, "text": "x", "y": "old"}, mapping, collection=target)
        assert row.reason == "The column 'year' holds 'old', which is not of type bigint."

    def test_a_missing_vector_is_left_for_the_model(self) -> None:
        for missing in (None, "", float("nan")):
            assert mapped({"id": 1, "text": "x", "emb": missing}).embedding is None

    def test_without_an_id_column_the_content_is_hashed(self) -> None:
        mapping = ColumnMapping(content="text", embedding="emb")
        first = mapped({"text": "The cat"}, mapping)
        assert first.id == mapped({"text": "The cat"}, mapping).id == stable_id("The cat")
        assert len(first.id) == 16
        assert first.id != mapped({"text": "The kitten"}, mapping).id
        bare = mapped({"emb": [1, 2]}, mapping)
        assert bare.id == mapped({"emb": np.array([1.0, 2.0])}, mapping).id

    def test_kinds_turn_csv_cells_into_values(self) -> None:
        data = b"id,text,n,x,flag,zip,note\n1,a,5,1.5,true,007,\n2,b,,,,008,n/a\n3,c,n/a,2,x,9,y\n"
        source = open_source(data, name="a.csv")
        mapping = guess_mapping(source.columns, source.preview())
        kinds = source.kinds | {"n": ColumnKind.INTEGER, "flag": ColumnKind.BOOLEAN}
        rows = list(map_records(source.records(), mapping, kinds=kinds))
        found = [row.metadata for row in rows if isinstance(row, Row)]
        assert found == [
            {"n": 5, "x": 1.5, "flag": True, "zip": "007", "note": ""},
            {"n": None, "x": None, "flag": None, "zip": "008", "note": "n/a"},
            {"n": "n/a", "x": 2.0, "flag": "x", "zip": "9", "note": "y"},
        ]

    def test_metadata_object_as_json_text(self) -> None:
        assert mapped({"id": 1, "text": "x", "meta": '{"a": [1]}'}).metadata == {"a": [1]}

    def test_halfvec_range(self) -> None:
        target = collection(vector_type=VectorType.HALFVEC)
        row = mapped({"id": 1, "emb": [1, 2, 1e6]}, collection=target)
        assert "halfvec" in row.reason

    def test_double_ids_are_left_to_the_database(self) -> None:
        rows = list(map_records([{"id": 1, "text": "x"}, {"id": "1", "text": "y"}], MAPPING))
        assert [row.id for row in rows if isinstance(row, Row)] == ["1", "1"]

    def test_ready_rows_are_mapped_fast(self) -> None:
        vector = np.ones(384, np.float32)
        rows = [
            {"id": str(n), "text": "some text", "emb": vector, "meta": {"year": n, "x": "y"}}
            for n in range(5_000)
        ]
        times = []
        for _ in range(3):
            begin = time.process_time()
            count = sum(isinstance(row, Row) for row in map_records(rows, MAPPING, dimension=384))
            times.append((time.process_time() - begin) / count)
        assert count == len(rows)
        # 5 microseconds each on a quiet core; the bound leaves room for a busy one.
        assert min(times) < 25e-6
