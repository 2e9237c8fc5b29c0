"""Maps on a real Postgres: made, kept, opened, stale, brought up to date, asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.db.loading import WordEmbedder

import pgvista
from pgvista.api import Collection, Workbench
from pgvista.errors import Cancelled, Conflict, InvalidInput, NotFound
from pgvista.jobs import JobRunner
from pgvista.model.map import Freshness, MapPoints, SavedMap
from pgvista.model.map_spec import MapMethod, MapSpec
from pgvista.model.map_words import rows_in_words
from pgvista.model.metric import Metric
from pgvista.model.progress import Progress, Reporter
from pgvista.science.distances import to_all
from pgvista.services import map_vectors
from pgvista.services.map import make_map
from pgvista.services.map_compare import compare_noise, compare_seeds, sentences
from pgvista.services.map_query import distances_from, distances_to, errors_of, place_query
from pgvista.services.map_store import (
    delete_map,
    list_maps,
    open_map,
    rename_cluster,
    rename_map,
)
from pgvista.services.map_update import state_of, update_map
from pgvista.services.map_vectors import draw, same_version

TOPICS = ("ships harbour sail", "bread oven flour", "violin concert score", "snow glacier ice")


@pytest.fixture
def workbench(database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(database_url) as opened:
        yield opened


def rows(count: int = 120, size: int = 8) -> list[dict[str, Any]]:
    """Rows of four topics, whose vectors lie in four groups."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, size)) * 3
    return [
        {
            "id": f"r{number:03d}",
            "content": f"The {TOPICS[number % 4]} and the rest of number {number}",
            "metadata": {"topic": number % 4},
            "embedding": (centres[number % 4] + rng.normal(size=size)).astype(np.float32),
        }
        for number in range(count)
    ]


def docs(
    workbench: Workbench, count: int = 120, metric: str = "cosine", vector_type: str = "vector"
) -> Collection:
    made = workbench.create_collection("docs", dimension=8, metric=metric, vector_type=vector_type)
    made.upsert(rows(count))
    return made


def same(one: MapPoints, other: MapPoints) -> bool:
    return one.ids == other.ids and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name != "is_new")
        for name in ("xy", "kept", "cluster", "neighbours", "distances", "pca", "is_new")
    )


# -- making


@pytest.mark.parametrize("metric", ["cosine", "l2", "inner_product", "l1"])
def test_neighbours_are_those_of_postgres(workbench: Workbench, metric: str) -> None:
    made = docs(workbench, metric=metric)
    found = made.map(save=False)
    operator = Metric(metric).operator
    with workbench.db.transaction() as connection:
        truth = connection.execute(
            f"select b.id, a.embedding {operator} b.embedding from pgvista.docs a, pgvista.docs b "
            "where a.id = 'r007' and b.id <> a.id order by 2, 1 limit 15"
        ).fetchall()
    place = found.points.ids.index("r007")
    assert [found.points.ids[other] for other in found.points.neighbours[place]] == [
        row[0] for row in truth
    ]
    assert found.points.distances[place] == pytest.approx([row[1] for row in truth], abs=1e-5)


@pytest.mark.parametrize("vector_type", ["vector", "halfvec"])
def test_a_map_keeps_groups_and_names_them(workbench: Workbench, vector_type: str) -> None:
    made = docs(workbench, vector_type=vector_type)
    found = made.map()
    info = found.info
    assert (info.points, info.rows, info.is_sample, info.exact) == (120, 120, False, True)
    assert info.quality.kept > 3 * info.quality.kept_random
    assert info.quality.trustworthiness is not None
    assert info.quality.trustworthiness > 0.9
    words = {word for label in info.clusters for word in label.words}
    assert words >= {"ships", "bread", "violin", "snow"}
    assert not words & {"the", "and", "of"}  # stop words by Postgres' dictionary
    for label in info.clusters:
        members = np.flatnonzero(found.points.cluster == label.number)
        assert label.size == len(members)
        assert len({int(found.points.ids[place][1:]) % 4 for place in members}) == 1


def test_what_is_handed_out_meanwhile(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgvista.services.map.PREVIEW_EVERY_S", 0.0)
    made = docs(workbench)
    seen: list[MapPoints] = []
    found = make_map(made.db, made.info, MapSpec(), on_preview=seen.append)
    assert np.array_equal(seen[0].xy, found.points.pca)
    assert len(seen) > 100
    assert not np.array_equal(seen[-2].xy, seen[-1].xy)  # copies, not one array that moves
    assert {points.ids for points in seen} == {found.points.ids}


class StopAt:
    """Stops the work at a stage."""

    def __init__(self, stage: str) -> None:
        self.stage, self.last = stage, ""

    def report(self, progress: Progress) -> None:
        self.last = progress.stage

    def check(self) -> None:
        if self.last == self.stage:
            raise Cancelled("stopped")


@pytest.mark.parametrize(
    "stage",
    ["reading vectors", "PCA", "finding neighbours", "laying out by UMAP", "finding clusters"],
)
def test_cancel_keeps_nothing(workbench: Workbench, stage: str) -> None:
    made = docs(workbench)
    with pytest.raises(Cancelled):
        make_map(made.db, made.info, MapSpec(), reporter=StopAt(stage))
    assert made.maps() == []


def test_as_a_job_it_stops_between_epochs(workbench: Workbench) -> None:
    made = docs(workbench)
    laying_out, cancelled, runner = threading.Event(), threading.Event(), JobRunner()

    def work(reporter: Reporter) -> SavedMap:
        def on_preview(points: MapPoints) -> None:
            laying_out.set()
            assert cancelled.wait(60)

        return make_map(
            made.db, made.info, MapSpec(n_neighbors=100), reporter=reporter, on_preview=on_preview
        )

    job = runner.submit("map", work, owner="me")
    assert laying_out.wait(60)
    runner.cancel(job.id, owner="me")
    cancelled.set()
    ended = runner.wait(job.id, owner="me", timeout_s=60)
    runner.close()
    assert ended.state == "cancelled"
    assert made.maps() == []


def test_samples_and_filters_are_stated(workbench: Workbench) -> None:
    made = docs(workbench)
    one, again = made.map(sample=50, seed=3), made.map(sample=50, seed=3, save=False)
    assert same(one.points, again.points)
    assert one.points.ids != made.map(sample=50, seed=4, save=False).points.ids
    assert (one.info.points, one.info.rows, one.info.is_sample) == (50, 120, True)
    assert one.info.notes == ("50 of 120 rows were drawn at random.",)
    filtered = made.map(filters={"topic": {"$lt": 2}}, save=False)
    assert {int(row_id[1:]) % 4 for row_id in filtered.points.ids} == {0, 1}
    assert (filtered.info.rows, filtered.info.table_rows) == (60, 120)
    assert rows_in_words(filtered.info) == "60 of 120 rows where topic < 2"
    assert open_map(made.db, made.info).info == one.info


def test_a_map_by_filter_goes_on_with_its_filter(workbench: Workbench) -> None:
    made = docs(workbench, 100)
    made.map(filters={"topic": {"$lt": 2}})
    kept = made.open_map()
    assert rows_in_words(kept.info) == "50 of 100 rows where topic < 2"
    made.upsert(rows()[100:])
    assert state_of(made.db, made.info, kept).added == 10
    found = update_map(made.db, made.info, kept)
    assert rows_in_words(found.info) == "60 of 120 rows where topic < 2"
    with pytest.raises(InvalidInput, match="No row of docs can be on a map with this filter"):
        made.map(filters={"topic": 9})


def test_memory_bounds_the_sample(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = docs(workbench)
    monkeypatch.setattr(map_vectors, "fitting", lambda _dimension: 30)
    found = made.map(sample=None, save=False)
    assert len(found.points) == 30
    assert "do not fit into memory" in found.info.notes[0]


@pytest.mark.parametrize("method", [method.value for method in MapMethod])
@pytest.mark.parametrize("count", [1, 2, 14])
def test_few_rows(workbench: Workbench, count: int, method: str) -> None:
    made = docs(workbench, count)
    kept = made.map(method=method)
    assert same(made.open_map().points, kept.points)
    assert np.isfinite(kept.points.xy).all()
    assert sentences(kept)
    assert kept.info.name.endswith("of 1 row" if count == 1 else f"of {count} rows")
    found = place_query(made.db, made.info, kept, vector=[1.0] * 8)
    assert found.placement.ok == (count == 1) or count > 1


def test_no_rows(workbench: Workbench) -> None:
    made = workbench.create_collection("docs", dimension=3)
    with pytest.raises(InvalidInput, match="No row of docs can be on a map"):
        made.map()
    with pytest.raises(NotFound, match="has no map yet"):
        made.open_map()


def test_bare_zero_and_equal_rows(workbench: Workbench) -> None:
    made = workbench.create_collection("docs", dimension=3)
    made.upsert({"id": f"n{n}", "embedding": [1, 2, 3]} for n in range(20))
    with workbench.db.transaction() as connection:
        connection.execute(
            "insert into pgvista.docs (id, embedding) values ('bare', null), ('zero', '[0,0,0]')"
        )
    found = made.map()
    assert len(found.points) == 20
    assert any("1 without a vector" in note for note in found.info.notes)
    assert any("1 with a zero vector" in note for note in found.info.notes)
    assert any("All vectors are equal" in note for note in found.info.notes)
    assert len(np.unique(found.points.xy, axis=0)) == 20
    assert (found.points.cluster == -1).all()
    assert found.info.quality.k == 0
    assert sentences(found) == found.info.notes
    made.delete(ids=[f"n{n}" for n in range(20)])
    with pytest.raises(InvalidInput, match=r"1 with a zero vector, which points nowhere"):
        made.map()


def test_clusters_that_no_word_tells_apart_are_numbered(workbench: Workbench) -> None:
    made = workbench.create_collection("docs", dimension=8)
    made.upsert({**row, "content": "always these words"} for row in rows())
    found = made.map(method="pca").info.clusters
    assert [cluster.label for cluster in found] == [f"Cluster {n + 1}" for n in range(len(found))]
    assert len(found) > 1


def test_odd_names_and_keys(workbench: Workbench) -> None:
    with workbench.db.transaction() as connection:
        connection.execute(
            """create table "a;b%""s" ("k%" int primary key, "t""x" text, v vector);
            insert into "a;b%""s" select n, '<b>x</b> % ''', ('[' || n || ',1]')::vector
            from generate_series(1, 30) n;
            insert into "a;b%""s" values (99, 'other', '[1,2,3]')"""
        )
    made = workbench.collection('public.a;b%"s')
    found = made.map(n_neighbors=5)
    assert len(found.points) == 30
    assert any("have not 2 numbers" in note for note in found.info.notes)
    assert made.open_map().points.ids == found.points.ids
    assert state_of(made.db, made.info, found).freshness is Freshness.FRESH


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample": 0}, {"n_neighbors": 1}, {"n_neighbors": 201}, {"min_dist": 1.0},
        {"min_dist": float("nan")}, {"seed": -1}, {"name": "a\0b"}, {"method": "isomap"},
        {"sample": True},
    ],
)  # fmt: skip
def test_bad_options(workbench: Workbench, wrong: dict[str, object]) -> None:
    made = docs(workbench, 5)
    with pytest.raises(InvalidInput):
        made.map(**wrong)  # type: ignore[arg-type]


# -- keeping


def test_opened_elsewhere(workbench: Workbench, database_url: str) -> None:
    made = docs(workbench)
    kept = made.map(name="Ships & co", seed=5)
    with pgvista.connect(database_url) as other:
        found = other.collection("docs").open_map()
    assert found.info == kept.info
    assert same(found.points, kept.points)
    assert found.info.name == "Ships & co"


def test_many_points_in_blocks(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgvista.services.map_store.BLOCK", 50)
    made = docs(workbench)
    kept = made.map()
    assert same(made.open_map(kept.info.number).points, kept.points)


def test_list_rename_delete(workbench: Workbench) -> None:
    made = docs(workbench)
    first, second = made.map(method="pca"), made.map(method="pca", seed=1)
    db, info = made.db, made.info
    assert [found.number for found in list_maps(db, info)] == [
        second.info.number, first.info.number
    ]  # fmt: skip
    rename_map(db, info, first.info.number, "  Old  ")
    assert open_map(db, info, first.info.number).info.name == "Old"
    with pytest.raises(InvalidInput):
        rename_map(db, info, first.info.number, "x" * 201)
    delete_map(db, info, second.info.number)
    assert open_map(db, info).info.number == first.info.number
    with pytest.raises(NotFound):
        delete_map(db, info, second.info.number)
    with pytest.raises(NotFound):
        open_map(db, info, second.info.number)
    with workbench.db.transaction() as connection:
        assert connection.execute("select distinct map from pgvista.map_points").fetchall() == [
            (first.info.number,)
        ]


def test_a_map_of_another_collection_is_not_touched(workbench: Workbench) -> None:
    made = docs(workbench)
    number = made.map(method="pca").info.number
    other = workbench.create_collection("other", dimension=2)
    with pytest.raises(NotFound):
        delete_map(other.db, other.info, number)
    with pytest.raises(NotFound):
        rename_map(other.db, other.info, number, "mine")
    assert [found.number for found in made.maps()] == [number]


def test_cluster_names_are_kept(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map()
    rename_cluster(made.db, made.info, kept.info.number, 0, "Water <b>")
    rename_cluster(made.db, made.info, kept.info.number, 1, "Second")
    labels = made.open_map().info.clusters
    assert [label.label for label in labels[:2]] == ["Water <b>", "Second"]
    made.upsert(rows(121)[120:])
    updated = update_map(made.db, made.info, kept)  # opened before the names were given
    assert [label.label for label in updated.info.clusters[:2]] == ["Water <b>", "Second"]
    rename_cluster(made.db, made.info, kept.info.number, 0, "")
    assert made.open_map().info.clusters[0].label == ", ".join(labels[0].words[:3])
    with pytest.raises(NotFound, match="no cluster 99"):
        rename_cluster(made.db, made.info, kept.info.number, 99, "x")


def test_where_maps_may_not_be_kept(workbench: Workbench, database_url: str) -> None:
    docs(workbench)
    with pgvista.connect(database_url, read_only=True) as reader:
        found = reader.collection("docs").map(method="pca")
    assert found.info.number == 0
    assert "not kept in the database" in found.info.notes[-1]


def test_a_map_of_another_version_is_left_out(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map(method="pca")
    with workbench.db.transaction() as connection:
        connection.execute("""update pgvista.maps set info = '{"of": "the future"}'""")
    assert made.maps() == []
    with pytest.raises(NotFound, match="another version"):
        made.open_map(kept.info.number)


# -- a table that goes on


def test_stale_and_brought_up_to_date(workbench: Workbench) -> None:
    made = docs(workbench, 100)
    kept = made.map()
    assert state_of(made.db, made.info, kept).freshness is Freshness.FRESH
    made.upsert(rows()[100:])
    made.delete(ids=["r000", "r001"])
    state = state_of(made.db, made.info, kept)
    assert (state.freshness, state.added, state.gone) == (Freshness.STALE, 20, 2)
    assert "20 rows not on the map yet, 2 rows of the map gone" in state.reason
    found = update_map(made.db, made.info, kept)
    assert state_of(made.db, made.info, found).freshness is Freshness.FRESH
    assert len(found.points) == found.info.points == found.info.rows == 118
    assert same(made.open_map().points, found.points)
    new = np.flatnonzero(found.points.is_new)
    assert [found.points.ids[place] for place in new] == [f"r{n}" for n in range(100, 120)]
    for place in new:  # each among the rows of its own topic
        topic = int(found.points.ids[place][1:]) % 4
        near = np.linalg.norm(found.points.xy - found.points.xy[place], axis=1).argsort()[1:6]
        assert {int(found.points.ids[other][1:]) % 4 for other in near} == {topic}
    assert found.points.ids[:98] == kept.points.ids[2:]
    assert np.array_equal(found.points.xy[:98], kept.points.xy[2:])
    there = found.points.neighbours >= 0
    assert (np.isnan(found.points.distances) == ~there).all()
    first = kept.points.ids.index("r005")
    still = [kept.points.ids[p] for p in kept.points.neighbours[first]]
    now = found.points.neighbours[found.points.ids.index("r005")]
    assert [found.points.ids[p] for p in now if p >= 0] == [
        row_id for row_id in still if row_id not in ("r000", "r001")
    ]


def test_a_text_written_anew_leaves_the_map_fresh(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map(method="pca")
    made.upsert([{**rows()[3], "content": "other words", "metadata": {"tag": "seen"}}])
    state = state_of(made.db, made.info, kept)
    assert state.freshness is Freshness.FRESH
    assert "no vector changed" in state.reason


def test_a_vector_written_anew_is_placed_anew(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map()
    made.upsert({**rows()[n], "embedding": rows()[4]["embedding"]} for n in (3, 7))
    state = state_of(made.db, made.info, kept)
    assert (state.freshness, state.added, state.gone) == (Freshness.STALE, 0, 0)
    assert (state.changed, state.can_update) == (2, True)
    assert "2 rows with another vector" in state.reason
    found = update_map(made.db, made.info, kept)
    assert state_of(made.db, made.info, found).freshness is Freshness.FRESH
    assert len(found.points) == 120
    new = [found.points.ids[place] for place in np.flatnonzero(found.points.is_new)]
    assert new == ["r003", "r007"]
    for row_id in new:  # now among the rows of that one's topic
        place = found.points.ids.index(row_id)
        near = np.linalg.norm(found.points.xy - found.points.xy[place], axis=1).argsort()
        others = [found.points.ids[p] for p in near if found.points.ids[p] not in new][:5]
        assert {int(other[1:]) % 4 for other in others} == {0}


def test_a_sample_takes_no_rows_but_changed_ones_move(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map(sample=60, method="pca")
    row_id = kept.points.ids[0]
    made.upsert([{**rows()[int(row_id[1:])], "embedding": [1.0, -2.0, 3.0, 0.5, 0, 0, 0, 1]}])
    assert state_of(made.db, made.info, kept).changed == 1
    found = update_map(made.db, made.info, kept)
    assert set(found.points.ids) == set(kept.points.ids)
    assert [found.points.ids[p] for p in np.flatnonzero(found.points.is_new)] == [row_id]


def test_all_vectors_written_anew_ask_for_a_new_map(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map(method="pca")
    vectors = np.random.default_rng(8).standard_normal((120, 8))
    made.upsert({**row, "embedding": vector} for row, vector in zip(rows(), vectors, strict=True))
    state = state_of(made.db, made.info, kept)
    assert not state.can_update
    assert state.reason.endswith("with another vector. Make a new map.")
    with pytest.raises(Conflict, match="other vectors"):
        update_map(made.db, made.info, kept)


def test_all_rows_gone(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map()
    made.delete(filters={"topic": {"$gte": 0}})
    assert state_of(made.db, made.info, kept).gone == 120
    found = update_map(made.db, made.info, kept)
    assert len(found.points) == 0
    assert len(made.open_map().points) == 0
    made.upsert(rows(3))
    assert np.isfinite(update_map(made.db, made.info, found).points.xy).all()


def test_the_table_is_gone(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map(method="pca")
    made.drop()
    assert state_of(made.db, made.info, kept).freshness is Freshness.UNKNOWN


def test_a_view_has_maps_too(workbench: Workbench) -> None:
    docs(workbench)
    with workbench.db.transaction() as connection:
        connection.execute("create view seen as select id, content, embedding from pgvista.docs")
    seen = workbench.collection("public.seen")
    kept = seen.map(method="pca")
    assert state_of(seen.db, seen.info, kept).freshness is Freshness.FRESH
    workbench.collection("docs").delete(ids=["r001"])
    assert state_of(seen.db, seen.info, kept).freshness is Freshness.STALE


# -- asking


def test_a_query_lies_among_its_true_neighbours(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map()
    vector = rows()[9]["embedding"]
    found = place_query(made.db, made.info, kept, vector=vector.tolist(), distances=True)
    truth = to_all(vector, np.stack([row["embedding"] for row in rows()]), Metric.COSINE)
    order = np.argsort(truth)[:10]
    assert [hit.id for hit in found.neighbours] == [f"r{place:03d}" for place in order]
    assert found.distances == pytest.approx(truth, abs=1e-6)
    near = kept.points.xy[[hit.place for hit in found.neighbours]]
    assert found.placement.xy == pytest.approx(np.median(near, axis=0))
    assert found.placement.ok
    assert [hit.id for hit in found.semantic] == [hit.id for hit in found.neighbours]
    assert found.missed == found.keyword == ()


def test_a_row_is_left_out_of_its_neighbours(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map()
    found = place_query(made.db, made.info, kept, row_id="r009", limit=5)
    assert len(found.neighbours) == 5
    assert "r009" not in {hit.id for hit in found.neighbours}
    place = kept.points.ids.index("r009")
    assert [hit.place for hit in found.neighbours] == kept.points.neighbours[place, :5].tolist()
    with pytest.raises(NotFound):
        place_query(made.db, made.info, kept, row_id="nobody")


def test_words_bring_all_three_lists(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map()
    info = replace(made.info, model="words")
    found = place_query(
        made.db, info, kept, text="violin", limit=8, embedder=WordEmbedder(), scores=True
    )
    assert found.scores is not None
    assert found.scores.mode == "hybrid"
    assert [hit.score for hit in found.hybrid] == pytest.approx(
        [float(found.scores.values[hit.place]) for hit in found.hybrid]
    )
    alone = place_query(made.db, made.info, kept, row_id="r009", scores=True).scores
    assert alone is not None
    assert alone.mode == "semantic"
    assert np.flatnonzero(np.isnan(alone.values)).tolist() == [kept.points.ids.index("r009")]
    assert len(found.keyword) == 8
    assert {int(hit.id[1:]) % 4 for hit in found.keyword} == {2}
    assert len(found.hybrid) == 8
    with pytest.raises(InvalidInput, match="is not known"):
        place_query(made.db, made.info, kept, text="violin")


def test_no_good_place(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map()
    strewn = replace(
        kept, points=replace(kept.points, xy=np.random.default_rng(0).random((120, 2)).astype("f4"))
    )
    found = place_query(made.db, made.info, strewn, row_id="r009")
    assert not found.placement.ok
    assert found.placement.sentence.startswith("No good place")


def test_on_a_sample_it_is_placed_by_points_of_the_map(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map(sample=30)
    found = place_query(made.db, made.info, kept, row_id="r009")
    assert len(found.neighbours) == 10
    assert any(hit.place < 0 for hit in found.neighbours)
    assert "the map is a sample" in found.notes[0]
    assert "10 nearest points" in found.placement.sentence
    assert np.isfinite(found.placement.xy).all()


def test_what_the_index_missed(workbench: Workbench) -> None:
    made = workbench.create_collection("docs", dimension=8)
    rng = np.random.default_rng(1)
    made.upsert({"id": f"r{n}", "embedding": rng.normal(size=8)} for n in range(2_000))
    made.create_index("ivfflat", lists=200)
    with workbench.db.transaction() as connection:
        connection.execute("analyze pgvista.docs")
    kept = workbench.collection("docs").map(method="pca", sample=None)
    info = workbench.collection("docs").info
    missed = 0
    for number in range(20):
        found = place_query(made.db, info, kept, row_id=f"r{number}")
        found_ids = {hit.id for hit in found.semantic}
        assert all(hit.id not in found_ids for hit in found.missed)
        missed += len(found.missed)
    assert missed > 20  # one list of 200 holds few of the ten


def test_equally_near_rows_are_no_misses(workbench: Workbench) -> None:
    made = workbench.create_collection("docs", dimension=2)
    made.upsert({"id": f"n{n:02d}", "embedding": [1, 0]} for n in range(40))
    kept = made.map(method="pca")
    assert place_query(made.db, made.info, kept, vector=[1, 0], limit=5).missed == ()


@pytest.mark.parametrize(
    "wrong",
    [{}, {"text": "a", "row_id": "r001"}, {"vector": [1.0]}, {"vector": [float("nan")] * 8}],
)
def test_bad_queries(workbench: Workbench, wrong: dict[str, object]) -> None:
    made = docs(workbench)
    kept = made.map(method="pca")
    with pytest.raises(InvalidInput):
        place_query(made.db, made.info, kept, **wrong)  # type: ignore[arg-type]


def test_true_distances_from_a_point(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map(method="pca")
    vectors = np.stack([row["embedding"] for row in rows()])
    found = distances_from(made.db, made.info, kept, 4)
    assert found == pytest.approx(to_all(vectors[4], vectors, Metric.COSINE), abs=1e-6)
    made.delete(ids=["r007"])
    map_vectors._remembered._kept.clear()
    assert np.isnan(distances_to(made.db, made.info, kept, vectors[4].tolist())[7])
    with pytest.raises(InvalidInput):
        distances_from(made.db, made.info, kept, 500)
    with pytest.raises(InvalidInput):
        distances_to(made.db, made.info, kept, [1.0, 2.0])


def test_errors_of_a_point(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map(method="pca")
    found = errors_of(kept, 3)
    assert {*found.true, *found.missing} == set(kept.points.neighbours[3, :10].tolist())
    assert len(found.true) + len(found.false) == 10
    assert kept.points.kept[3] == pytest.approx(len(found.true) / 10)
    assert 3 not in (*found.true, *found.false, *found.missing)


# -- what it is worth


def test_seeds_and_noise(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map()
    other = compare_seeds(made.db, made.info, kept, 1)
    assert other.agreement is not None
    assert 0.2 < other.agreement < 1
    assert other.xy.shape == kept.points.xy.shape
    noise = compare_noise(made.info, kept)
    assert noise.quality.kept < kept.info.quality.kept
    assert noise.cluster is not None
    assert noise.cluster.shape == (120,)
    groups = int(noise.cluster.max()) + 1
    told = {0: "no cluster", 1: "1 cluster "}.get(groups, f"{groups} clusters")
    assert told in noise.sentence
    with pytest.raises(Cancelled):
        compare_noise(made.info, kept, reporter=StopAt("laying out by UMAP"))
    pca = made.map(method="pca", save=False)
    assert compare_seeds(made.db, made.info, pca, 7).agreement == 1
    made.delete(ids=["r007"])
    map_vectors._remembered._kept.clear()
    with pytest.raises(InvalidInput, match="Rows of this map are gone"):
        compare_seeds(made.db, made.info, kept, 1)


def test_groups_like_dots_are_told(workbench: Workbench) -> None:
    made = docs(workbench)
    kept = made.map(save=False)
    assert not any("looks like a dot" in said for said in sentences(kept))
    topic = np.array([int(row_id[1:]) % 4 for row_id in kept.points.ids])
    rng = np.random.default_rng(0)
    xy = (topic[:, None] * 1000 + rng.random((120, 2))).astype(np.float32)
    points = replace(kept.points, xy=xy, cluster=topic.astype(np.int32))
    told = [said for said in sentences(replace(kept, points=points)) if "looks like a dot" in said]
    assert len(told) == 1
    assert told[0].endswith("Zoom in, or make a map with a larger min_dist.")


def test_two_at_once(workbench: Workbench) -> None:
    """The tables are made by whoever comes first; both maps are kept."""
    made = docs(workbench)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            made.map(method="pca")
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures
    assert len(made.maps()) == 3


def test_one_moment(workbench: Workbench) -> None:
    """Rows and state are of one snapshot: what is written meanwhile makes the map stale."""
    made = docs(workbench)

    class Writes:
        done = False

        def report(self, progress: Progress) -> None:
            if progress.stage == "reading vectors" and not self.done:
                self.done = True
                made.delete(ids=["r001"])

        def check(self) -> None:
            pass

    drawn = draw(made.db, made.info, MapSpec(), Writes())
    assert "r001" in drawn.ids
    assert not made.db.read(lambda c: same_version(c, made.info, drawn.version))
