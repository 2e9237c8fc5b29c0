"""The page Map without a browser: what it says and sends, for tables and maps in every state."""

from __future__ import annotations

import io
import json
import struct
import time
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest
from tests.app.conftest import OpenPage, finish_jobs, texts

from pgvista.api import Collection, Workbench
from pgvista.jobs import JobState
from pgvista.model.map import MapMethod, MapSpec, SavedMap, empty_points
from pgvista.services import map_store, map_warm
from pgvista.services.map import make_map
from pgvista.services.map_files import values_of
from pgvista.ui import map_actions, map_cards, map_chance, map_colour, map_query, map_view
from pgvista.ui.components.map_plot import pack_colours, pack_points, read_event
from pgvista.ui.jobs import runner

PAGE = "map"
PCA = MapSpec(method=MapMethod.PCA)
DIMENSION = 4
VECTORS = np.random.default_rng(4).standard_normal((400, DIMENSION)).astype(np.float32)


def make(workbench: Workbench, rows: int, name: str = "docs") -> Collection:
    made = workbench.create_collection(name, dimension=DIMENSION)
    made.upsert(
        {
            "id": f"r{n}",
            "content": f"text {n} <b>bold</b>",
            "embedding": VECTORS[n].tolist(),
            "metadata": {"part": f"part {n % 3}", "n": n, "many": f"v{n}", "none": None},
        }
        for n in range(rows)
    )
    return made


def mapped(workbench: Workbench, rows: int = 40) -> tuple[Collection, SavedMap]:
    docs = make(workbench, rows)
    return docs, make_map(workbench.db, docs.info, PCA)


def overlaid(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return a list of what is sent to lie over the map; it grows."""
    sent: list[dict[str, Any]] = []
    take = lambda payload, **_: sent.append(json.loads(zlib.decompress(payload)))  # noqa: E731
    monkeypatch.setattr(map_query, "map_overlay", take)
    return sent


def unpacked(data: bytes) -> tuple[dict[str, Any], bytes]:
    length = struct.unpack("<I", data[:4])[0]
    return json.loads(data[4 : 4 + length]), data[4 + length :]


# -- states


def test_no_collection(open_page: OpenPage) -> None:
    assert "No collection here yet" in texts(open_page(PAGE))


def test_an_empty_collection(open_page: OpenPage, workbench: Workbench) -> None:
    workbench.create_collection("docs", dimension=2)
    assert "No rows yet" in texts(open_page(PAGE, collection="docs"))


def test_no_map_yet_says_what_making_one_does(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench, 14)
    said = texts(open_page(PAGE, collection="docs"))
    assert "No map yet" in said
    assert "14 rows" in said


@pytest.mark.parametrize("rows", [1, 2, 14])
def test_a_map_of_few_rows(open_page: OpenPage, workbench: Workbench, rows: int) -> None:
    make(workbench, rows)
    app = open_page(PAGE, collection="docs")
    app.button(key="map_none.make").click().run()
    assert finish_jobs(app, timeout_s=120) == [JobState.DONE]
    assert not app.exception
    assert "How true is it?" in texts(app)
    assert app.session_state["_map_open"].saved.info.points == rows


def test_while_umap_is_compiled_the_page_says_so(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = make(workbench, 14)
    monkeypatch.setattr(map_warm, "is_compiling", lambda: True)
    monkeypatch.setattr(map_warm, "is_kept", lambda: False)
    app = open_page(PAGE, collection="docs")
    assert any("Compiling UMAP, once on this machine" in item.value for item in app.info)
    app.toggle(key="map_first_knobs").set_value(True).run()
    assert "to compile UMAP, once on this machine" in texts(app)
    make_map(workbench.db, docs.info, PCA)
    app = open_page(PAGE, collection="docs")
    assert not app.info
    app.toggle(key="map_another").set_value(True).run()
    assert any("Compiling UMAP" in item.value for item in app.info)


def test_a_map_by_filter_is_stated(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench, 40)
    app = open_page(PAGE, collection="docs")
    app.toggle(key="map_first_knobs").set_value(True).run()
    app.session_state["map_filter"] = '{"part": "part 1", "n": {"$gte": 10}}'
    app.segmented_control(key="map_method").set_value(MapMethod.PCA).run()
    assert "10 of 10 rows that meet the filter, of 40 in all" in texts(app)
    app.button(key="map_make").click().run()
    assert finish_jobs(app) == [JobState.DONE]
    assert "10 of 40 rows where part = part 1 and n ≥ 10" in texts(app)
    ids = app.session_state["_map_open"].saved.points.ids
    assert sorted(ids) == sorted(f"r{n}" for n in range(10, 40, 3))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('{"part": "none such"}', "No row meets this filter."),
        ('{"part": ', "The filter cannot be used"),
        ('{"part": {"$like": 1}}', "The filter cannot be used"),
    ],
)
def test_a_filter_that_makes_no_map(
    open_page: OpenPage, workbench: Workbench, written: str, told: str
) -> None:
    make(workbench, 5)
    app = open_page(PAGE, collection="docs")
    app.toggle(key="map_first_knobs").set_value(True).run()
    app.session_state["map_filter"] = written
    app.run()
    assert told in texts(app)
    assert app.button(key="map_make").disabled


def test_the_filter_of_another_collection_is_forgotten(
    open_page: OpenPage, workbench: Workbench
) -> None:
    make(workbench, 5)
    make(workbench, 6, "other")
    app = open_page(PAGE, collection="docs")
    app.toggle(key="map_first_knobs").set_value(True).run()
    app.session_state["map_filter"] = '{"part": "part 1"}'
    app.run()
    app.selectbox(key="map_collection").set_value("other").run()
    app.toggle(key="map_first_knobs").set_value(True).run()
    assert app.session_state["map_filter"] == ""
    assert "6 of 6 rows" in texts(app)


def test_rows_without_vectors(open_page: OpenPage, workbench: Workbench) -> None:
    make(workbench, 1)
    with psycopg.connect(workbench.url, autocommit=True) as session:
        session.execute("update pgvista.docs set embedding = null")
    app = open_page(PAGE, collection="docs")
    app.button(key="map_none.make").click().run()
    assert finish_jobs(app) == [JobState.FAILED]
    said = texts(app)
    assert "No row of docs can be on a map" in said
    assert "No map yet" in said


def test_a_saved_map_opens_and_says_when_it_is_stale(
    open_page: OpenPage, workbench: Workbench
) -> None:
    docs, _ = mapped(workbench)
    assert "changed since" not in texts(open_page(PAGE, collection="docs"))
    docs.upsert([{"id": "new", "content": "new", "embedding": [1, 2, 3, 4]}])
    app = open_page(PAGE, collection="docs")
    assert "The table has changed since the map was made" in texts(app)
    app.button(key="map_update").click().run()
    assert "changed since" not in texts(app)
    shown = app.session_state["_map_open"].saved.points
    assert "new" in shown.ids
    assert shown.is_new.sum() == 1


def test_a_link_to_a_map_that_is_gone(open_page: OpenPage, workbench: Workbench) -> None:
    _, saved = mapped(workbench)
    app = open_page(PAGE, collection="docs", map=str(saved.info.number + 7))
    assert "This map is gone" in texts(app)
    assert app.session_state["_map_open"].saved.info.number == saved.info.number


def test_a_link_with_nonsense(open_page: OpenPage, workbench: Workbench) -> None:
    mapped(workbench)
    app = open_page(PAGE, collection="docs", map="x' or 1", map_colour="column:no such")
    assert not app.exception
    assert app.selectbox(key="map_colour").value == map_colour.CLUSTER


# -- asking


def test_a_row_as_the_query(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs, saved = mapped(workbench)
    sent = overlaid(monkeypatch)
    app = open_page(PAGE, collection="docs", map_text="r3")
    assert app.text_input(key="map_text").value == "r3"
    nearest = [hit.id for hit in docs.similar("r3", limit=10).hits]
    places, distances, titles, found = sent[-1]["card"]["near"]
    assert [saved.points.ids[place] for place in places] == nearest
    assert [title.split()[1] for title in titles] == [row_id[1:] for row_id in nearest]
    assert distances == sorted(distances)
    assert found[0].startswith("S1")
    assert sent[-1]["lists"]["semantic"] == places
    app.text_input(key="map_text").set_value("").run()
    assert "card" not in sent[-1]


def test_a_long_title_is_shortened_in_the_card() -> None:
    assert map_cards.shortened("a" * 40) == "a" * 40
    assert map_cards.shortened("a" * 41) == "a" * 39 + "…"
    assert map_cards.shortened("言" * 20) == "言" * 20
    assert map_cards.shortened("言" * 21) == "言" * 19 + "…"


def test_a_query_changes_the_link_that_is_shown(open_page: OpenPage, workbench: Workbench) -> None:
    mapped(workbench)
    app = open_page(PAGE, collection="docs", map_text="r3")
    app.toggle(key="map_more").set_value(True).run()
    app.checkbox(key="map_share_text").set_value(True).run()
    app.text_input(key="map_text").set_value("r4").run()
    (link,) = [item.value for item in app.code if "map_text=r4" in item.value]
    assert "?collection=docs&map=" in link


def test_words_without_a_model(open_page: OpenPage, workbench: Workbench) -> None:
    mapped(workbench)
    app = open_page(PAGE, collection="docs", map_text="no such row")
    assert "There is no row 'no such row' on the map" in texts(app)


@pytest.mark.parametrize(
    ("colour", "without", "of"),
    [
        (map_colour.DISTANCE, "distances are measured from it", "True distance"),
        (map_colour.SCORE, "its best rows are coloured", "Score of the semantic search"),
    ],
)
def test_colours_that_a_query_gives(
    open_page: OpenPage,
    workbench: Workbench,
    monkeypatch: pytest.MonkeyPatch,
    colour: str,
    without: str,
    of: str,
) -> None:
    mapped(workbench)
    sent: list[bytes] = []
    monkeypatch.setattr(map_query, "map_colours", lambda payload, **_: sent.append(payload))
    app = open_page(PAGE, collection="docs")
    app.selectbox(key="map_colour").set_value(colour).run()
    assert without.encode() in sent[-1]
    app.text_input(key="map_text").set_value("r1").run()
    assert of.encode() in sent[-1]
    assert without.encode() not in sent[-1]


@pytest.mark.parametrize("colour", ["kept", "plain", "column:part", "column:many", "column:none"])
def test_every_colour(open_page: OpenPage, workbench: Workbench, colour: str) -> None:
    mapped(workbench)
    assert not open_page(PAGE, collection="docs", map_colour=colour).exception


def test_a_key_with_a_dot_is_a_colour(workbench: Workbench) -> None:
    docs = workbench.create_collection("docs", dimension=DIMENSION)
    names = ("a.b", "$x", "c\\d", "")
    docs.upsert(
        {
            "id": f"r{n}",
            "content": f"text {n}",
            "embedding": VECTORS[n].tolist(),
            "metadata": {name: f"{name} {n}" for name in names},
        }
        for n in range(4)
    )
    saved = make_map(workbench.db, docs.info, PCA)
    offered = map_colour.choices(workbench.db, docs.info)
    for name in names:
        assert offered[f"{map_colour.COLUMN}{name}"] == name
        found = values_of(workbench.db, docs.info, saved, name)
        assert found == [f"{name} {row_id[1:]}" for row_id in saved.points.ids]


def focus(app: AppTest, row_id: str) -> AppTest:
    app.session_state["_map_focus"] = row_id
    return app.run()


def test_a_row_that_was_clicked(open_page: OpenPage, workbench: Workbench) -> None:
    docs, _ = mapped(workbench)
    app = focus(open_page(PAGE, collection="docs"), "r5")
    assert "true neighbours lie beside it" in texts(app)
    docs.delete(ids=["r5"])
    assert "This row was deleted" in texts(app.run())


def test_the_true_neighbours_of_a_row_are_listed(open_page: OpenPage, workbench: Workbench) -> None:
    _, saved = mapped(workbench)
    app = focus(open_page(PAGE, collection="docs"), "r5")
    app.toggle(key="map_row_near").set_value(True).run()
    (listed,) = [item.value for item in app.dataframe if "on the map" in item.value.columns]
    place = saved.points.ids.index("r5")
    near = [saved.points.ids[other] for other in saved.points.neighbours[place][:10]]
    assert [told.split()[1] for told in listed["row"]] == [row_id[1:] for row_id in near]
    assert listed["distance"].to_list() == pytest.approx(saved.points.distances[place][:10])
    kept = (listed["on the map"] == "beside it").mean()
    assert kept == pytest.approx(float(saved.points.kept[place]))


def test_rows_are_counted_by_a_column_whose_values_come_again(
    open_page: OpenPage, workbench: Workbench
) -> None:
    docs = workbench.create_collection("docs", dimension=DIMENSION)
    docs.upsert(
        {"id": f"r{n}", "embedding": VECTORS[n].tolist(), "metadata": {"a": f"v{n}", "b": n % 3}}
        for n in range(40)
    )
    make_map(workbench.db, docs.info, PCA)
    app = open_page(PAGE, collection="docs")
    app.session_state["_map_selected"] = ("r1", "r2")
    assert app.run().selectbox(key="map_count_by").value == "b"


def test_a_selection_and_its_deletion(open_page: OpenPage, workbench: Workbench) -> None:
    docs, _ = mapped(workbench)
    app = open_page(PAGE, collection="docs")
    app.session_state["_map_selected"] = ("r1", "r2", "r39")
    app.run()
    assert "3 rows selected" in texts(app)
    assert docs.count() == 40
    assert app.button(key="map_delete").disabled is False


def test_rows_are_hidden_and_shown_again(open_page: OpenPage, workbench: Workbench) -> None:
    mapped(workbench)
    app = open_page(PAGE, collection="docs")
    app.session_state["_map_selected"] = ("r1", "r2", "gone")
    app.session_state["map_exclude"] = True
    app.run()
    app.button(key="map_hide").click().run()
    assert "rows selected" not in texts(app)
    assert app.session_state["_map_hidden"] == {"r1", "r2", "gone"}
    app.button(key="map_show_hidden").click().run()
    assert not app.session_state["_map_hidden"]


@pytest.mark.parametrize("colour", ["plain", "kept", "cluster", "column:part"])
def test_hidden_points_have_a_code_of_their_own(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch, colour: str
) -> None:
    mapped(workbench)
    sent: list[bytes] = []
    monkeypatch.setattr(map_view, "map_colours", lambda payload, **_: sent.append(payload))
    app = open_page(PAGE, collection="docs", map_colour=colour)
    app.session_state["_map_hidden"] = frozenset({"r1", "r39", "gone"})
    app.run()
    before, after = (np.frombuffer(unpacked(data)[1], np.uint8) for data in (sent[0], sent[-1]))
    ids = app.session_state["_map_open"].saved.points.ids
    assert {ids[i] for i in np.flatnonzero(after == map_colour.HIDDEN)} == {"r1", "r39"}
    assert not (before == map_colour.HIDDEN).any()
    seen = after != map_colour.HIDDEN
    assert (before[seen] == after[seen]).all()


def test_a_map_without_the_rows_selected(open_page: OpenPage, workbench: Workbench) -> None:
    mapped(workbench)
    app = open_page(PAGE, collection="docs")
    app.session_state["_map_selected"] = ("r1", "r2")
    app.session_state["map_exclude"] = True
    app.run()
    app.button(key="map_without").click().run()
    assert finish_jobs(app) == [JobState.DONE]
    assert "38 of 40 rows where id is none of r1, r2" in texts(app)
    assert not {"r1", "r2"} & set(app.session_state["_map_open"].saved.points.ids)


def test_a_read_only_connection_writes_no_tag(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped(workbench)
    monkeypatch.setattr(map_actions, "not_writable", lambda *_: "This connection is read-only.")
    app = open_page(PAGE, collection="docs")
    app.session_state["_map_selected"] = ("r1",)
    app.run()
    assert app.button(key="map_tag").disabled
    assert app.button(key="map_delete").disabled


@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
def test_files_of_the_selection(workbench: Workbench, format: str) -> None:
    docs = make(workbench, 5)
    data = map_actions.rows_file(workbench.db, docs.info, ("r3", "r1"), format)
    if format == "parquet":
        assert pq.read_table(io.BytesIO(data)).column("id").to_pylist() == ["r3", "r1"]
    else:
        assert data.index(b"r3") < data.index(b"r1")
        assert b"r2" not in data


def test_names_of_maps_and_clusters(open_page: OpenPage, workbench: Workbench) -> None:
    docs, _ = mapped(workbench, 400)
    app = open_page(PAGE, collection="docs")
    app.toggle(key="map_more").set_value(True).run()
    token = app.session_state["_map_open"].token
    app.text_input(key=f"map_name.{token}").set_value("<b>mine</b>").run()
    assert map_store.list_maps(workbench.db, docs.info)[0].name == "<b>mine</b>"
    assert not app.exception


# -- data or chance


def test_another_seed_and_random_vectors_beside_the_map(
    open_page: OpenPage, workbench: Workbench
) -> None:
    docs = make(workbench, 60)
    make_map(workbench.db, docs.info, MapSpec(n_neighbors=5))
    app = open_page(PAGE, collection="docs")
    app.button(key="map_chance_seed").click().run()
    app.button(key="map_chance_noise").click().run()
    assert finish_jobs(app, timeout_s=120) == [JobState.DONE, JobState.DONE]
    said = texts(app)
    assert "**Seed 1**" in said
    assert "With seed 1 beside seed 0" in said
    assert "60 random vectors of 4 numbers, laid out the same way" in said
    kept = app.session_state["_map_chance"]
    assert set(kept.found) == {"seed", "noise"}
    assert {key[0] for key in kept.drawn} == {"map", "seed", "noise"}
    assert "Lay out with seed 2" in [button.label for button in app.button]


def test_pca_has_no_seed(open_page: OpenPage, workbench: Workbench) -> None:
    mapped(workbench)
    app = open_page(PAGE, collection="docs")
    assert app.button(key="map_chance_seed").disabled
    assert not app.button(key="map_chance_noise").disabled


def test_a_comparison_that_was_cancelled_leaves_the_page_whole(
    open_page: OpenPage, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def until_cancelled(*_: Any, reporter: Any) -> None:
        while True:
            reporter.check()
            time.sleep(0.01)

    monkeypatch.setattr(map_chance, "compare_noise", until_cancelled)
    mapped(workbench)
    app = open_page(PAGE, collection="docs")
    app.button(key="map_chance_noise").click().run()
    assert app.button(key="map_chance_noise").disabled
    session = app.session_state["pgvista.connections"].session
    (job,) = runner().list(session)
    app.button(key=f"job.cancel.{job.id}").click().run()
    assert finish_jobs(app) == [JobState.CANCELLED]
    app.run()
    assert not app.button(key="map_chance_noise").disabled
    assert "How true is it?" in texts(app)


# -- what is sent


def test_points_are_packed_as_float32_and_ids() -> None:
    points = replace(
        empty_points(),
        ids=('a"\n', "b"),
        xy=np.array([[1, 2], [3, 4]], np.float32),
        is_new=np.array([False, True]),
    )
    header, rest = unpacked(pack_points(points, key="k", token="t", alt="", file="f"))
    sizes = {name: size for name, _, size in header["blocks"]}
    assert sizes == {"x": 8, "y": 8, "ids": 5}
    assert np.frombuffer(rest[:16], "<f4").tolist() == [1, 3, 2, 4]
    assert rest[16:] == b'a"\n\0b'
    assert header["added"] == [1]


def test_thousands_of_categories_are_twenty_and_others() -> None:
    values = ["common"] * 10 + [f"v{n:04}" for n in range(5000)] + [None] * 3
    made = map_colour.by_category(values, "many")
    legend = made.header["legend"]
    assert len(legend) == map_colour.TOP + 1
    assert legend[0][:3] == ["common", 10, 0]
    assert legend[-1] == ["4,981 others", 4981, map_colour.TOP, True]
    assert made.header["empty"] == 3
    assert set(made.codes[-3:]) == {map_colour.NONE}
    header, codes = unpacked(pack_colours(made.header, made.codes))
    assert header["title"] == "many"
    assert len(codes) == len(values)


def test_numbers_have_254_steps_and_nan_none() -> None:
    made = map_colour.by_values([str(n) for n in range(100)] + ["nan", None], "n")
    assert made.header["kind"] == "number"
    assert made.codes[0] == 0
    assert made.codes[99] == 253  # 254 is for points that are hidden
    assert made.codes[100:].tolist() == [255, 255]
    few = map_colour.by_values(["2020", "2021", "2020"], "year")
    assert few.header["kind"] == "category"
    equal = map_colour.by_number(np.full(5, 7.0), "same")
    assert equal.codes.tolist() == [0] * 5


def test_only_nulls() -> None:
    made = map_colour.by_values([None, None], "none")
    assert made.codes.tolist() == [255, 255]
    assert made.header["empty"] == 2


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "x",
        {"type": "click", "ids": ["a"], "token": "other"},
        {"type": "drop", "ids": ["a"], "token": "t"},
        {"type": "click", "ids": ["a", "b"], "token": "t"},
        {"type": "select", "ids": [1], "token": "t"},
        {"type": "select", "ids": "a", "token": "t"},
    ],
)
def test_events_that_are_none(sent: object) -> None:
    assert read_event(sent, "t") is None


def test_an_event() -> None:
    event = read_event({"type": "select", "ids": ["a", "b"], "token": "t"}, "t")
    assert event is not None
    assert event.ids == ("a", "b")
