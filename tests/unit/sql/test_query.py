"""The statement shown is the statement run."""

from __future__ import annotations

import numpy as np

from pgvista.sql.query import Query, compose, local_settings, param


def test_values_stand_in_the_text_as_literals() -> None:
    query = Query(
        compose("select {a}, {b}, {c}", a=param("a"), b=param("b"), c=param("c")),
        {"a": "it's; drop table x--", "b": None, "c": 3},
    )
    assert query.text() == "select 'it''s; drop table x--', NULL, 3"


def test_percent_signs_are_single_in_the_text() -> None:
    query = Query(compose("select 5 %% 3, {a}", a=param("a")), {"a": "100 %s"})
    assert query.text() == "select 5 % 3, '100 %s'"


def test_vectors_keep_each_float32_in_the_fewest_digits() -> None:
    vector = np.array([0.1, -2.0, 1e-20], dtype=np.float32)
    text = Query(compose("select {v}", v=param("v")), {"v": vector}).text()
    assert text == "select '[0.1,-2.0,1e-20]'"


def test_settings_are_quoted_by_their_parts() -> None:
    assert local_settings({"hnsw.ef_search": "100"}) == 'set local "hnsw"."ef_search" = \'100\';\n'
