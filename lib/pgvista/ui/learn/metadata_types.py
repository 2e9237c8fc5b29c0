"""The step on types in the lesson on metadata: numbers, texts, null, and keys that are not there."""

from __future__ import annotations

import streamlit as st

from pgvista.db.database import Database
from pgvista.errors import PgvistaError
from pgvista.services.lesson_metadata_types import DOCUMENTS, Answer, Question, answers, write
from pgvista.ui.errors import plain, show_error
from pgvista.ui.learn.frame import predict, presenting, sql_behind, verdict

_QUESTION = "learn_metadata_question"
_VALUE = "learn_metadata_value"
_WRITE = "is written"
_YES_NO = ("Yes", "No")
_TEXT_2024 = DOCUMENTS.index('{"year": "2024"}')
_SAID: dict[Question, str] = {
    Question.EQUAL: "`@>` compares by type: the number is not the text, and 1973 is 1973.0. `->>` makes "
    "a text of both first, and a cast fails for all rows at the first value it cannot read.",
    Question.BELOW: "jsonb has one order for all types, null below text below number, and vecs "
    "compares like this. As texts, the order is that of the alphabet. pgvista compares numbers with "
    "numbers alone.",
    Question.NOT: "`<>` on a key that is not there is null, and the row is gone. Not containing it is "
    "true there: so pgvista's `$ne` keeps rows without the key.",
}


def types(db: Database) -> None:
    """Ask conditions of documents with values of every type, and write a value to both places."""
    if st.session_state.get(_QUESTION) not in (*Question, _WRITE):
        st.session_state[_QUESTION] = Question.BELOW
    by_order = answers(db, Question.BELOW)
    guess = predict(
        "order",
        "Is the text “2024” below the number 2000, in `metadata -> 'year' < '2000'`?",
        _YES_NO,
    )
    if guess is None:
        st.code("\n".join(DOCUMENTS), language="json")
        return
    holds = by_order[0].found[_TEXT_2024] if by_order[0].found else None
    verdict(guess, _YES_NO[not holds], _SAID[Question.BELOW])
    _asked(db)


@st.fragment
def _asked(db: Database) -> None:
    chosen = st.segmented_control(
        "The year", (*Question, _WRITE), key=_QUESTION, format_func=str, required=True
    )
    if chosen == _WRITE:
        _door(db)
    else:
        _matrix(db, Question(chosen or Question.BELOW))


def _matrix(db: Database, question: Question) -> None:
    found = answers(db, question)
    names = [f"`{one.condition}`" + (" in pgvista" if one.is_filter else "") for one in found]
    cells = [[_cell(one, place) for place in range(len(DOCUMENTS))] for one in found]
    table = [["The year", *map(_value, DOCUMENTS)]]
    table += [[name, *row] for name, row in zip(names, cells, strict=True)]
    if not presenting():  # a narrow page has room for four conditions, not for eight values
        table = [list(column) for column in zip(*table, strict=True)]
    lines = [f"| {' | '.join(row)} |" for row in table]
    lines.insert(1, "|:--|" + ":-:|" * (len(table[0]) - 1))
    st.markdown("\n".join(lines))
    for answer in found:
        if answer.error:
            st.markdown(f":orange[**error**] {plain(answer.error)}")
    if question is not Question.BELOW:  # it stands above already
        st.markdown(_SAID[question])
    if not presenting():
        sql_behind([answer.sql for answer in found], name=f"types_{question.name}")


def _door(db: Database) -> None:
    st.text_input(
        "Write a year",
        key=_VALUE,
        placeholder="unknown",
        width=320,
        help="Into a column of type integer, and into metadata. Both are undone.",
    )
    value = (st.session_state.get(_VALUE) or "").strip() or "unknown"
    try:
        written = write(db, value)
    except PgvistaError as error:
        show_error(error)
        return
    left, right = st.columns(2, gap="medium")
    with left:
        if written.refused:
            st.error(
                f"**The column refuses it.** {plain(written.refused)}", icon=":material/block:"
            )
        else:
            st.success("**The column takes it.**", icon=":material/check_circle:")
    with right:
        st.info("**jsonb keeps it** as it is:", icon=":material/data_object:")
        st.code(written.kept, language="json", wrap_lines=True)
    st.markdown(
        "A typed column refuses a bad value when it is written, in one sentence, to the one who "
        "writes it. jsonb takes any, and whoever reads it finds out later."
    )
    sql_behind(written.sql, name="door")


def _value(document: str) -> str:
    """Return the year of a document as JSON has it."""
    value = document.removeprefix("{").removesuffix("}").partition(": ")[2]
    return f"`{value}`" if value else "not there"


def _cell(answer: Answer, place: int) -> str:
    if not answer.found:
        return ":orange[error]"
    value = answer.found[place]
    if value is None:
        return ":gray[null]"
    return ":primary[**yes**]" if value else ":gray[no]"
