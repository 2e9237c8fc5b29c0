"""Every component in every state, on made-up data: ``streamlit run tests/e2e/gallery.py``.

The figures and texts are those of a gallery: they were not searched, measured or loaded anywhere.
``?part=hits`` and so on shows one part alone.
"""

from __future__ import annotations

import math
import time

import streamlit as st

from pgvista.errors import Cancelled, InvalidInput
from pgvista.model.search import Hit, Mode, Plan, PlanNode, SearchResult, Span
from pgvista.ui.components.hits import Sum, hit_list
from pgvista.ui.components.live_slider import live_slider
from pgvista.ui.components.panels import (
    empty_state,
    metric_chips,
    plan_panel,
    sql_panel,
    timings_bar,
    vector_picture,
)
from pgvista.ui.errors import guarded, show_error
from pgvista.ui.theme import apply_theme

st.set_page_config(page_title="Gallery", layout="wide")
apply_theme()
part = st.query_params.get("part", "search")


def marked(text: str) -> tuple[Span, ...]:
    """Turn ``a [b] c`` into spans, b being marked."""
    spans = []
    for i, piece in enumerate(text.replace("]", "[").split("[")):
        if piece:
            spans.append(Span(piece, marked=i % 2 == 1))
    return tuple(spans)


def made_up(
    hit_id: str, title: str, text: str, semantic: int | None, keyword: int | None, k: float
) -> Hit:
    terms = [None if rank is None else 1 / (k + rank) for rank in (semantic, keyword)]
    plain = "".join(span.text for span in marked(text))
    return Hit(
        id=hit_id,
        content=f"{plain} " + "The rest of this gallery article goes on for a while. " * 6,
        metadata={"title": title, "subject": "accessibility", "year": 2024, "code": "D-417"},
        columns={},
        score=sum(term or 0 for term in terms),
        distance=0.2 + 0.03 * (semantic or 20),
        semantic_rank=semantic,
        keyword_rank=keyword,
        keyword_score=None if keyword is None else 0.3 / keyword,
        semantic_term=terms[0],
        keyword_term=terms[1],
        snippet=marked(text),
    )


ARTICLES: tuple[tuple[str, str, str, int | None, int | None], ...] = (
    (
        "help-012",
        "Adjust font size in settings",
        "Open Settings, choose [Display], then move the slider under [Text size]. The change "
        "applies to menus and articles at once.",
        1,
        1,
    ),
    (
        "help-044",
        "Screen is too small to read: zoom and large text",
        "Large [text] can be turned on for one user or for the whole kiosk. Zoom keeps the layout "
        "and [increases] everything.",
        2,
        3,
    ),
    (
        "help-097",
        "Error D-417: display cable not found",
        "The [display] reports D-417 when the cable is loose or the adapter does not supply "
        "enough power.",
        14,
        2,
    ),
    (
        "help-101",
        "Make subtitles larger on the player",
        "Subtitles follow their own [size]; the player keeps it per profile.",
        3,
        None,
    ),
    (
        "help-140",
        "High contrast and bold letters",
        "Letters can be drawn bolder and with more contrast, for readers with low vision.",
        4,
        None,
    ),
)
MOVED = {"help-012": 2, "help-044": -1, "help-097": -1, "help-101": 0}
SQL = """with semantic as (
  select id, row_number() over (order by embedding <=> '[{vector}]'::vector, id) as rank
  from "pgvista"."help" -- gallery data
  order by embedding <=> '[{vector}]'::vector
  limit 60
)
select id, content, 1.0 / (60 + rank) as score
from semantic
where metadata @> '{{"subject": "it''s accessible"}}'
order by score desc, id
limit 10;""".format(vector=",".join(f"{math.sin(i):.6f}" for i in range(384)))
TIMINGS = {"embedding": 14.2, "database": 4.1, "other": 0.9, "total": 19.2}
PLAN = Plan(
    nodes=(
        PlanNode("Limit", 0, 10, 10, 0.02, 412, 0),
        PlanNode("Sort", 1, 60, 10, 0.09, 412, 0, ("Sort Key: score DESC, id",)),
        PlanNode(
            "Index Scan using help_embedding_idx on help",
            2,
            60,
            60,
            3.61,
            398,
            14,
            ("Order By: (embedding <=> $1)", "Filter: (metadata @> $2)"),
            rows_removed=31,
        ),
    ),
    vector_index="help_embedding_idx",
    summary=(
        "The HNSW index help_embedding_idx gave 60 candidates in 3.6 ms.",
        "A filter removed 31 of the rows the index offered.",
    ),
    planning_ms=0.4,
    execution_ms=3.8,
    text='[{"Plan": {"Node Type": "Limit"}}]',
)


def result(k: float = 60, weight: float = 1.0, notes: tuple[str, ...] = ()) -> SearchResult:
    hits = [made_up(*article, k=k) for article in ARTICLES]
    if weight < 0.5:
        hits = [hits[2], hits[0], hits[1], *hits[3:]]
    return SearchResult(
        hits=tuple(hits), render_sql=lambda: SQL, timings_ms=TIMINGS, notes=notes, plan=PLAN
    )


def sums(k: float) -> dict[str, Sum]:
    """How the gallery's scores come about; two hits share theirs."""
    hits = [made_up(*article, k=k) for article in ARTICLES]
    best = max(hit.score for hit in hits)
    return {
        hit.id: Sum(
            raw=(
                f"distance {hit.distance:.3f}",
                "" if hit.keyword_score is None else f"BM25 {40 * hit.keyword_score:.1f}",
            ),
            terms=(hit.semantic_term or 0, hit.keyword_term or 0),
            shares=((hit.semantic_term or 0) / best, (hit.keyword_term or 0) / best),
            how=(
                f"1 / ({k:g} + {hit.semantic_rank}) = {hit.semantic_term or 0:.4f}",
                f"1 / ({k:g} + {hit.keyword_rank}) = {hit.keyword_term:.4f}"
                if hit.keyword_term
                else "not in the list; adds nothing",
            ),
            tied=1 if hit.id in ("help-101", "help-140") else 0,
        )
        for hit in hits
    }


def search() -> None:
    """The Search page as in a picture: hits left, knobs right."""
    st.text_input("Question", "increase text size on display", label_visibility="collapsed")
    left, right = st.columns([2, 5], vertical_alignment="center")
    left.segmented_control(
        "Mode", ["Semantic", "Keyword", "Hybrid"], default="Hybrid", label_visibility="collapsed"
    )
    right.caption("Help centre (gallery data) · 214 rows · all-MiniLM-L6-v2 · cosine")
    board()


@st.fragment
def board() -> None:
    """Hits and knobs, repainted alone."""
    hits, knobs = st.columns([2.7, 1], gap="medium")
    with knobs:
        with st.container(border=True):
            st.markdown("**Fusion**")
            k = live_slider(
                "RRF k",
                key="gallery.k",
                minimum=1,
                maximum=1000,
                value=60,
                log=True,
                help="Higher: both lists count more evenly. 1 to 1,000; default 60.",
            )
            weight = live_slider(
                "Semantic weight",
                key="gallery.weight",
                minimum=0,
                maximum=2,
                value=1,
                format="{:.1f}",
                note=f"seen {st.session_state.get('gallery.runs', 0)} times",
            )
        with st.container(border=True):
            st.markdown("**Index** · hnsw (m 16, ef_construction 64)")
            live_slider(
                "ef_search",
                key="gallery.ef",
                minimum=1,
                maximum=1000,
                value=40,
                log=True,
                note="recall@10 0.98",
            )
            st.caption("Index used. 60 rows asked, 60 got.")
        with st.container(border=True):
            st.markdown("**Where the time went**")
            timings_bar(TIMINGS, key="gallery.times")
    st.session_state["gallery.runs"] = st.session_state.get("gallery.runs", 0) + 1
    with hits:
        hit_list(
            result(k, weight),
            key="gallery.hits",
            mode=Mode.HYBRID,
            actions=("similar", "map"),
            moved=MOVED,
            sums=sums(k),
            since="k 60",
            head="semantic: 60 asked, 60 got · keyword: 60 asked, 41 got",
        )
        st.caption(f"k = {k:g}, weight = {weight:g}")


def sliders() -> None:
    """States of the live slider; every value that arrives is written down."""
    slow = st.query_params.get("slow")
    if st.button("Set to 77"):
        st.session_state["gallery.plain"] = 77.0
    value = live_slider("Plain", key="gallery.plain", minimum=0, maximum=100, value=50)
    seen = st.session_state.setdefault("gallery.seen", [])
    if not seen or seen[-1] != value:
        seen.append(value)
    log = live_slider(
        "Log", key="gallery.log", minimum=1, maximum=1000, value=60, log=True, help="1 to 1,000"
    )
    live_slider(
        "Rows asked of every list before they are fused into one",
        key="gallery.rows",
        minimum=0,
        maximum=100_000,
        value=20_000,
        step=1000,
        format="{:,.0f} rows",
        note=f"a note that changes ({len(seen)}) and is rather long for its place in the middle",
    )
    live_slider(
        "Disabled",
        key="gallery.off",
        minimum=0,
        maximum=1,
        value=0.5,
        format="{:.2f}",
        disabled=True,
    )
    if slow:
        time.sleep(float(slow))
    st.text(f"value={value:g} log={log:g}")
    st.text("seen=" + ",".join(f"{one:g}" for one in seen))


def hits() -> None:
    """States of the list of hits."""
    many = int(st.query_params.get("many", "0"))
    if many:
        rows = tuple(
            made_up(f"row-{i}", f"Made-up row {i}", "Some [marked] text " * 20, i + 1, None, 60)
            for i in range(many)
        )
        hit_list(SearchResult(rows, str, {}), key="many", mode=Mode.HYBRID)
        return
    odd = Hit(
        id="<img src=x onerror=window.pwned=1>",
        content="<script>window.pwned = 1</script> Title of a chunk\nand <b>bold</b> text & more",
        metadata={"_parent": "manual.md", "_chunk": 3, "lang": "<i>de</i>", "n": 7, "ok": True}
        | {f"field_{i}": f"a rather long value number {i}, longer than any chip" for i in range(8)},
        columns={"price": 12.5},
        score=0.02,
        semantic_rank=3,
        semantic_term=0.02,
        snippet=(Span("<script>window.pwned = 1</script> "), Span("<b>bold</b>", marked=True)),
    )
    cranfield = Hit(
        id="184",
        content="scale models for thermo-aeroelastic research . an investigation is made of the "
        "parameters to be satisfied for thermo-aeroelastic similarity .",
        metadata={},
        columns={},
        score=0.01,
        keyword_rank=1,
        keyword_term=0.01,
        snippet=marked(
            "scale [models] for thermo-aeroelastic research . an investigation is made of the "
            "parameters to be satisfied for thermo-aeroelastic [similarity] ."
        ),
    )
    bare = Hit(id="bare", content=None, metadata={}, columns={}, score=0.005)
    reverse = st.toggle("Reverse")
    base = [*result().hits[:2], odd, cranfield, bare]
    found = SearchResult(
        tuple(reversed(base) if reverse else base),
        lambda: SQL,
        TIMINGS,
        notes=("A note on this result.",),
    )
    pressed = st.session_state.setdefault("gallery.actions", [])
    hit_list(
        found,
        key="hits",
        mode=Mode.HYBRID,
        actions=("similar", "map"),
        moved=MOVED,
        on_action=lambda action: pressed.append(f"{action.kind}:{action.id}"),
    )
    st.text(f"actions={';'.join(st.session_state['gallery.actions'])}")
    st.button("Run again")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Semantic")
        hit_list(
            SearchResult(tuple(_semantic(hit) for hit in result().hits[:3]), str, {}),
            key="semantic",
            mode=Mode.SEMANTIC,
        )
    with right:
        st.subheader("Keyword")
        hit_list(
            SearchResult(tuple(_keyword(hit) for hit in result().hits[:3]), str, {}),
            key="keyword",
            mode=Mode.KEYWORD,
        )
    for mode in Mode:
        notes = ("The question holds only words that the language leaves out.",)
        hit_list(
            SearchResult((), str, {}, notes=notes if mode is Mode.KEYWORD else ()),
            key=f"none-{mode}",
            mode=mode,
        )


def _semantic(hit: Hit) -> Hit:
    return Hit(
        hit.id, hit.content, hit.metadata, {}, 1 - (hit.distance or 0), hit.distance,
        semantic_rank=hit.semantic_rank, snippet=hit.snippet,
    )  # fmt: skip


def _keyword(hit: Hit) -> Hit:
    return Hit(
        hit.id, hit.content, hit.metadata, {}, hit.keyword_score or 0,
        keyword_rank=hit.keyword_rank, keyword_score=hit.keyword_score, snippet=hit.snippet,
    )  # fmt: skip


def errors() -> None:
    """States of errors."""
    show_error(
        InvalidInput("The column *price* of `a_b` is 12 $ [x](y).", "Choose a number from 1 to 10.")
    )
    show_error(InvalidInput("Only a message."))
    show_error(Cancelled("Loading was stopped after 1,200 rows.", "Start it again to go on."))
    with guarded():
        raise InvalidInput("Caught by guarded().", "The page goes on beneath.")
    st.text("after the guard")


def panels() -> None:
    """States of what stands beside the hits."""
    metric_chips(
        {"rows": "214", "size": "3.1 MB", "model": "all-MiniLM-L6-v2", "metric": "cosine"},
        key="chips",
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("SQL")
        sql_panel(SQL)
        st.subheader("SQL without a vector")
        sql_panel("select count(*) from docs;", key="short")
    with right:
        st.subheader("Plan")
        plan_panel(PLAN)
        st.subheader("Plan that was not run")
        guessed = tuple(
            PlanNode(node.title, node.depth, 9 * node.estimated_rows, None, None, None, None)
            for node in PLAN.nodes
        )
        plan_panel(Plan(guessed, None, ("Every row will be compared.",)), key="guessed")
        st.subheader("Time")
        timings_bar(TIMINGS)
        timings_bar({"database": 2345.0, "parsing": 80.0}, key="other-times")
        st.subheader("Vector")
        vector_picture([math.sin(i * 1.7) * math.cos(i / 9) / 9 for i in range(384)], key="vector")
        vector_picture([0.6, -0.8, 0.0], key="vector-short")
    pressed = empty_state(
        "No collection yet",
        "A collection is a table of texts with their vectors. Begin with a sample, or load a file.",
        key="empty",
        icon=":material/database:",
        actions={"sample": "Load the sample", "file": "Load a file"},
    )
    st.text(f"pressed={pressed}")


PARTS = {"panels": panels, "search": search, "sliders": sliders, "hits": hits, "errors": errors}
PARTS[part]()
