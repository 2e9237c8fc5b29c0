"""Roles are guessed from names and types."""

from __future__ import annotations

from typing import Literal

import pytest

from pgvista.errors import InvalidInput
from pgvista.model.roles import ColumnInfo, check_roles, guess_roles, structured_columns


def info(
    name: str, base_type: str, key: Literal["primary", "unique"] | None = None, typmod: int = -1
) -> ColumnInfo:
    return ColumnInfo(name, base_type, base_type, typmod=typmod, key=key)


def test_langchain_table() -> None:
    columns = [
        info("id", "varchar", "primary"),
        info("collection_id", "uuid"),
        info("embedding", "vector"),
        info("document", "varchar"),
        info("cmetadata", "jsonb"),
    ]
    roles = guess_roles(columns)
    assert (roles.id, roles.content, roles.embedding, roles.metadata) == (
        "id",
        "document",
        "embedding",
        "cmetadata",
    )
    assert [column.name for column in structured_columns(columns, roles)] == ["collection_id"]


def test_llamaindex_table() -> None:
    columns = [
        info("id", "int8", "primary"),
        info("text", "varchar"),
        info("metadata_", "json"),
        info("node_id", "varchar"),
        info("embedding", "halfvec"),
        info("text_search_tsv", "tsvector"),
    ]
    roles = guess_roles(columns)
    assert (roles.content, roles.metadata, roles.fts) == ("text", "metadata_", "text_search_tsv")


def test_a_table_without_text_or_key_opens_with_what_it_has() -> None:
    roles = guess_roles([info("v", "vector")])
    assert (roles.embedding, roles.id, roles.content, roles.metadata) == ("v", None, None, None)


def test_no_vector_column_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no vector column"):
        guess_roles([info("id", "int8", "primary"), info("text", "text")])


def test_roles_are_checked_against_the_columns() -> None:
    columns = [info("id", "int8", "primary"), info("text", "text"), info("v", "vector")]
    roles = guess_roles(columns)
    check_roles(columns, roles)
    for wrong, part in (
        ({"content": "missing"}, "no column"),
        ({"embedding": "text"}, "cannot play"),
        ({"content": "v"}, "cannot play"),
        ({"id": "text"}, "two roles"),
    ):
        import dataclasses

        with pytest.raises(InvalidInput, match=part):
            check_roles(columns, dataclasses.replace(roles, **wrong))
