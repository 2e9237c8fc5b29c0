"""The maps of the lesson are made of a collection's rows, one after the other, and can be stopped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import pgvista
from pgvista.api import Collection, Workbench
from pgvista.errors import Cancelled, InvalidInput
from pgvista.model.map_spec import MapMethod
from pgvista.model.progress import Progress
from pgvista.science.lesson_reading_map import picture, shared
from pgvista.science.map_quality import aligned
from pgvista.services.lesson_reading_map import (
    MIN_DISTS,
    NEIGHBORS,
    NOISE,
    NOISE_TWIN,
    PCA,
    SEEDS,
    TSNE,
    UMAP,
    Pictures,
    column_values,
    make_pictures,
    read_rows,
    seed_name,
    umap_name,
)


class Told:
    """A reporter that keeps what it is told, and stops after a number of stages."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.stages: list[str] = []
        self.stop_after = stop_after

    def report(self, progress: Progress) -> None:
        self.stages.append(progress.stage)

    def check(self) -> None:
        if len(self.stages) > self.stop_after:
            raise Cancelled("Stopped.")


@pytest.fixture
def workbench(database_url: str) -> Iterator[Workbench]:
    with pgvista.connect(database_url) as opened:
        yield opened


def fill(workbench: Workbench, count: int, name: str = "docs") -> Collection:
    rng = np.random.default_rng(2)
    centres = rng.normal(size=(4, 12))
    made = workbench.create_collection(name, dimension=12)
    made.upsert(
        {
            "id": f"{number:04}",
            "content": f"Row {number}",
            "metadata": {"group": f"g{number % 4}", "a.b": number % 3},
            "embedding": (4 * centres[number % 4] + rng.normal(size=12)).tolist(),
        }
        for number in range(count)
    )
    return made


def test_all_maps_but_the_one_that_is_there(workbench: Workbench) -> None:
    docs = fill(workbench, 60)
    lesson = read_rows(docs.db, docs.info)
    assert (len(lesson.ids), len(lesson.rows), lesson.total) == (60, 60, 60)
    pictures, told = Pictures(), Told()
    pictures.put(TSNE, picture(lesson.rows, MapMethod.PCA))  # the slow one is taken for made
    make_pictures(lesson.rows, pictures, told)
    names = [umap_name(n, d) for n in NEIGHBORS for d in MIN_DISTS]
    assert pictures.has(PCA, NOISE, *names, *(seed_name(seed) for seed in range(SEEDS)))
    assert not any("t-SNE" in stage for stage in told.stages)
    assert told.stages[1] == "UMAP, n_neighbors 15, min_dist 0.1"  # what is shown first
    for name in names:
        made = pictures.get(name)
        assert made is not None
        assert name == umap_name(made.n_neighbors, made.min_dist)
        assert made.mean_kept > 2 * lesson.rows.kept_random
    one, other = pictures.get(UMAP), pictures.get(seed_name(1))
    assert one is not None
    assert other is not None
    assert (one.seed, other.seed) == (0, 1)
    for name in (seed_name(1), umap_name(3, 0.5)):  # turned to lie as the first one does
        turned = pictures.get(name)
        assert turned is not None
        assert np.allclose(aligned(turned.xy, one.xy), turned.xy, atol=1e-3)
    assert 0.3 < shared(one.xy, other.xy, 10).mean() < 1
    noise = pictures.get(NOISE)
    twin = pictures.get(NOISE_TWIN)
    assert noise is not None
    assert twin is not None
    assert (noise.n_neighbors, noise.min_dist) == (twin.n_neighbors, twin.min_dist)
    assert noise.cluster is not None
    assert twin.groups >= 4
    assert noise.mean_kept < twin.mean_kept
    assert pictures.noise is not None
    assert pictures.noise.vectors.shape == (60, 12)


def test_t_sne_is_made_in_a_process_of_its_own(workbench: Workbench) -> None:
    docs = fill(workbench, 40)
    rows = read_rows(docs.db, docs.info).rows
    made = picture(rows, MapMethod.TSNE, n_neighbors=10)
    assert made.method is MapMethod.TSNE
    assert made.mean_kept > 1.5 * rows.kept_random


def test_what_was_made_before_a_stop_stays(workbench: Workbench) -> None:
    docs = fill(workbench, 40)
    rows, pictures = read_rows(docs.db, docs.info).rows, Pictures()
    with pytest.raises(Cancelled):
        make_pictures(rows, pictures, Told(stop_after=2))
    assert pictures.has(PCA, UMAP)
    assert not pictures.has(NOISE)
    first = pictures.get(UMAP)
    with pytest.raises(Cancelled):
        make_pictures(rows, pictures, Told(stop_after=2))
    assert pictures.get(UMAP) is first
    assert pictures.has(umap_name(3, 0.0))


def test_a_thousand_rows_at_most_the_same_each_time(workbench: Workbench) -> None:
    docs = fill(workbench, 1_200)
    lesson = read_rows(docs.db, docs.info)
    assert len(lesson.ids) == len(set(lesson.ids)) == 1_000
    assert lesson.total == 1_200
    assert read_rows(docs.db, docs.info).ids == lesson.ids


def test_too_few_rows(workbench: Workbench) -> None:
    docs = fill(workbench, 29)
    with pytest.raises(InvalidInput, match="29 rows that can be on a map; this lesson needs 30"):
        read_rows(docs.db, docs.info)


def test_values_of_a_key_and_of_a_column(workbench: Workbench) -> None:
    docs = fill(workbench, 5)
    ids = ("0001", "gone", "0004")
    assert column_values(docs.db, docs.info, ids, "group") == ["g1", None, "g0"]
    assert column_values(docs.db, docs.info, ids, "a.b") == ["1", None, "1"]
    assert column_values(docs.db, docs.info, ids, "content") == ["Row 1", None, "Row 4"]
