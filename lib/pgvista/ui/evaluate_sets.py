"""The query set of the page Evaluate: chosen, uploaded, begun, taken along and deleted."""

from __future__ import annotations

import hashlib
from functools import partial

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import InvalidInput
from pgvista.io.judgments import queries_jsonl, read_judgments, read_queries, trec_qrels
from pgvista.model.collection import Collection
from pgvista.model.evaluation import EvaluationQuery, QuerySet, SavedQuerySet
from pgvista.services.evaluate import Counted, unknown_documents, unknown_note
from pgvista.services.judgments import delete_query_set, save_query_set, uploaded_query_set
from pgvista.ui import evaluate_state as state
from pgvista.ui.components.panels import empty_state
from pgvista.ui.confirm import READ_ONLY
from pgvista.ui.errors import guarded, plain
from pgvista.ui.evaluate_names import show_notes
from pgvista.ui.evaluate_state import Chosen
from pgvista.ui.format import plural

_BRING = "evaluate_bring"
_UPLOAD, _NEW = "upload", "new"
_SUFFIXES = ["jsonl", "ndjson", "json", "csv", "tsv", "txt", "qrels", "trec", "parquet"]
_PREVIEW_ROWS = 100
_MAX_TYPED = 1_000
_EMPTY = (
    "A judgment says how well one document answers one question: 0 of no use, 1 a little, 2 useful, "
    "3 the answer. With some twenty judged questions every setting of the search gets a figure, and "
    "you see which one is better, instead of believing it."
)


def query_id(text: str) -> str:
    """Return the id of a query typed here: the same for the same text, whoever types it."""
    return "q-" + hashlib.blake2s(text.encode(errors="replace"), digest_size=5).hexdigest()


def choose_set(db: Database, collection: Collection) -> Chosen | None:
    """Draw the sets there are and the ways to another; None while there is none."""
    if said := st.session_state.pop("_evaluate_said", None):
        st.toast(said, icon=":material/check_circle:")
    sets = state.offered(db, collection)
    if not sets:
        _begin(db, collection)
        return None
    if (wanted := st.session_state.pop(state.NEXT_SET, None)) in sets:
        st.session_state[state.SET] = wanted
    if st.session_state.get(state.SET) not in sets:
        st.session_state[state.SET] = next(iter(sets))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.container(width=420):
            st.selectbox(
                "Query set",
                list(sets),
                key=state.SET,
                format_func=lambda key: _label(key, sets.get(key)),
                persist_state="session",
            )
        _bring_button("Upload", _UPLOAD, ":material/upload:")
        _bring_button("New set", _NEW, ":material/add:")
        more = st.popover("More", icon=":material/more_horiz:", key="evaluate_more")
        key = st.session_state[state.SET]
        chosen = state.read(db, key, sets[key])
        # What is judged grows beside the hit that is judged, which is painted alone.
        judging = chosen.saved is not None and st.session_state.get(state.PART) == state.JUDGE
        st.markdown(f":gray[{_counts(chosen.query_set, judging)}]", width="content")
    with more:
        _more(db, collection, chosen)
    _bring(db, collection)
    return chosen


# What a selectbox sends back is the label: one that changed would choose the first set instead.
def _label(key: str, item: SavedQuerySet | QuerySet | None) -> str:
    if item is None:
        return "gone"
    if isinstance(item, SavedQuerySet):
        return item.name
    kind = "comes with the sample" if key == state.SAMPLE else "not saved"
    return f"{item.name} · {kind}"


def _counts(query_set: QuerySet, judging: bool) -> str:
    queries = plural(len(query_set.queries), "query", "queries")
    return queries if judging else f"{queries}, {plural(query_set.judged, 'judgment')}"


def _begin(db: Database, collection: Collection) -> None:
    """Say what judgments are, and offer the two fastest ways to some."""
    if st.session_state.get(_BRING) is None:
        pressed = empty_state(
            "No judged queries yet",
            _EMPTY,
            key="evaluate_none",
            icon=":material/fact_check:",
            actions={_NEW: "Judge hits here", _UPLOAD: "Upload judgments"},
        )
        if pressed is not None:
            st.session_state[_BRING] = pressed
            st.rerun()
    _bring(db, collection)


def _bring_button(label: str, way: str, icon: str) -> None:
    st.button(
        label,
        key=f"evaluate_bring_{way}",
        icon=icon,
        on_click=lambda: st.session_state.update({_BRING: way}),
    )


def _close() -> None:
    st.session_state[_BRING] = None


def _bring(db: Database, collection: Collection) -> None:
    """Draw the form that was opened, if any."""
    way = st.session_state.get(_BRING)
    if way is None:
        return
    with st.container(border=True, key="evaluate_card_bring"):
        with st.container(horizontal=True, vertical_alignment="center"):
            title = "Upload queries and judgments" if way == _UPLOAD else "A new set, judged here"
            st.markdown(f"**{title}**", width="stretch")
            st.button(
                "Close", key="evaluate_close", type="tertiary", icon=":material/close:",
                on_click=_close,
            )  # fmt: skip
        with guarded():
            if way == _UPLOAD:
                _upload(db, collection)
            else:
                _new(db, collection)


# -- uploading


def _upload(db: Database, collection: Collection) -> None:
    left, right = st.columns(2)
    queries = left.file_uploader(
        "Queries",
        type=_SUFFIXES,
        key="evaluate_file_queries",
        help="JSONL with id and text as BEIR has it, or CSV or TSV with two columns: id and text.",
    )
    qrels = right.file_uploader(
        "Judgments",
        type=_SUFFIXES,
        key="evaluate_file_qrels",
        help="TREC's qrels with four columns (query, 0, document, grade), BEIR's TSV, or CSV and "
        "JSONL with query, document and grade.",
    )
    if queries is None or qrels is None:
        missing = "both files" if queries is None and qrels is None else (
            "the file of queries" if queries is None else "the file of judgments"
        )  # fmt: skip
        st.markdown(
            f":small[:gray[Choose {missing} to see what is in them. Nothing is saved yet.]]"
        )
        return
    found = uploaded_query_set(
        queries.name.rsplit(".", 1)[0],
        read_queries(queries.getvalue(), name=queries.name),
        read_judgments(qrels.getvalue(), name=qrels.name),
    )
    _preview(db, collection, found)
    name = st.text_input("Save as", value=found.name, key=f"evaluate_name_{found.name}")
    found = QuerySet(name.strip(), found.queries, found.judgments, found.notes)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Save the set",
            key="evaluate_save",
            type="primary",
            disabled=db.read_only,
            help=READ_ONLY
            if db.read_only
            else "Into the database, where others find it too. "
            "Into a set of this name it is merged; the grades given here win.",
        ):
            _saved(save_query_set(db, collection, found), f"{found.name} saved")
        if st.button(
            "Use without saving",
            key="evaluate_use",
            help="For this session alone; nothing is written.",
        ):
            state.forget_runs(collection, state.UPLOADED)
            state.use_uploaded(collection, found)
            _close()
            st.rerun()


def _preview(db: Database, collection: Collection, found: QuerySet) -> None:
    """Show what was read, and what was wrong with it. Raises InvalidInput when nothing fits."""
    counted = Counted.of(found)
    unknown = unknown_documents(db, collection, found.judgments)
    st.markdown(
        f"**{plural(len(found.queries), 'query', 'queries')}**, "
        f"**{plural(found.judged, 'judgment')}**; {len(counted.queries):,} can be measured."
    )
    show_notes((*found.notes, *counted.notes(), *unknown_note(collection, found, unknown)))
    shown = found.queries[:_PREVIEW_ROWS]
    st.dataframe(
        {
            "id": [query.id for query in shown],
            "query": [query.text for query in shown],
            "judged": [len(found.judgments.get(query.id, {})) for query in shown],
            "relevant": [found.relevant(query.id) for query in shown],
        },
        hide_index=True,
        height=38 + 35 * min(4, len(shown)),
        column_config={"query": st.column_config.TextColumn(width="large")},
        alt="The first queries of the file, with their numbers of judged and relevant documents",
    )


# -- a set of one's own


def _new(db: Database, collection: Collection) -> None:
    name = st.text_input("Name", value="My queries", key="evaluate_new_name")
    typed = st.text_area(
        "Questions, one a line",
        key="evaluate_new_queries",
        height=140,
        placeholder="how do I reset my password\nscreen too small to read",
        help="As people ask them; more can be added while judging.",
    )
    if not st.button(
        "Begin to judge",
        key="evaluate_new_go",
        type="primary",
        disabled=db.read_only,
        help=READ_ONLY if db.read_only else "Saves the set; each grade is saved as it is given.",
    ):
        return
    lines = dict.fromkeys(line.strip() for line in typed.splitlines() if line.strip())
    if not lines:
        raise InvalidInput("There is no question yet.", "Type at least one, each on its own line.")
    if len(lines) > _MAX_TYPED:
        raise InvalidInput(
            f"{len(lines):,} questions were typed, and at most {_MAX_TYPED:,} are taken.",
            "Upload a file of queries instead.",
        )
    queries = tuple(EvaluationQuery(query_id(line), line) for line in lines)
    set_id = save_query_set(db, collection, QuerySet(name, queries, {}))
    st.session_state[state.PART] = state.JUDGE
    _saved(set_id, f"{name.strip()} saved")


def _saved(set_id: int, said: str) -> None:
    state.use_saved(set_id)
    st.session_state["_evaluate_said"] = plain(said)
    _close()
    st.rerun()


# -- taking along, deleting


def save_copy(db: Database, collection: Collection, chosen: Chosen, *, key: str) -> None:
    """Draw the button that saves a set which is not in the database yet."""
    if st.button(
        "Save it in the database",
        key=key,
        icon=":material/save:",
        disabled=db.read_only,
        help=READ_ONLY if db.read_only else "So that it can be judged further, by others too.",
    ):
        with guarded():
            set_id = save_query_set(db, collection, chosen.query_set)
            if chosen.key == state.UPLOADED:
                state.use_uploaded(collection, None)
            _saved(set_id, f"{chosen.query_set.name} saved")


def _more(db: Database, collection: Collection, chosen: Chosen) -> None:
    found = chosen.query_set
    st.download_button(
        "Judgments as TREC qrels",
        data=partial(trec_qrels, found.judgments),
        file_name=f"{_file_name(found.name)}.qrels",
        mime="text/plain",
        key="evaluate_get_qrels",
        icon=":material/download:",
        on_click="ignore",
        disabled=not found.judged,
        width="stretch",
    )
    st.download_button(
        "Queries as JSONL",
        data=partial(queries_jsonl, found.queries),
        file_name=f"{_file_name(found.name)}.jsonl",
        mime="application/x-ndjson",
        key="evaluate_get_queries",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )
    if chosen.saved is None:
        save_copy(db, collection, chosen, key="evaluate_save_copy")
        return
    agreed = st.checkbox("I want to delete this set", key=f"evaluate_agree_{chosen.saved}")
    if st.button(
        f"Delete {plain(found.name)} and its {plural(found.judged, 'judgment')}",
        key="evaluate_delete",
        icon=":material/lock:" if db.read_only else ":material/delete:",
        disabled=not agreed or db.read_only,
        help=READ_ONLY if db.read_only else None,
        width="stretch",
    ):
        with guarded():
            delete_query_set(db, chosen.saved)
            state.forget_runs(collection, chosen.key)
            st.session_state["_evaluate_said"] = f"{plain(found.name)} deleted"
            st.rerun()


def _file_name(name: str) -> str:
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in name) or "queries"
