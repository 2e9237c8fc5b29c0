"""Choose a file or paste rows, see what was found in it, and set what was found wrongly.

An upload is held once, by Streamlit, and a small one is read where it is. A large one is copied, by
blocks, to an unnamed file on disk, from which it is looked at and loaded: the job outlives the page,
and when the page is left Streamlit lets go of the memory.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import streamlit as st

from pgvista.config import load_settings
from pgvista.errors import OutOfSpace
from pgvista.io.formats import FileFormat
from pgvista.io.readers import ReadOptions, Source, TextUnit, open_source
from pgvista.model.rows import Record

PREVIEW_ROWS = 20
IN_MEMORY_BYTES = 8 * 1024 * 1024
"""A smaller file is handed to its job as it is; a larger one is copied to disk."""
MAX_CELL_CHARS = 300

SUFFIXES = ["csv", "tsv", "jsonl", "ndjson", "json", "parquet", "pq", "txt", "md", "markdown"]

_FORMATS = {
    FileFormat.CSV: "CSV",
    FileFormat.TSV: "TSV",
    FileFormat.JSONL: "JSON lines",
    FileFormat.JSON: "JSON",
    FileFormat.PARQUET: "Parquet",
    FileFormat.TXT: "Text",
    FileFormat.MD: "Markdown",
}
_ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "cp1252",
    "iso8859-1",
    "utf-16",
    "shift_jis",
    "gb18030",
    "koi8-r",
)
_CODECS = {"iso8859-1": "latin-1", "utf-8-sig": "utf-8 with BOM"}
_DELIMITERS = {",": "comma ,", ";": "semicolon ;", "\t": "tab", "|": "bar |"}
_UNITS = {
    TextUnit.LINE: "a line",
    TextUnit.PARAGRAPH: "a paragraph",
    TextUnit.SECTION: "a section",
    TextUnit.FILE: "the whole file",
}
_PASTE_HINT = 'id,text\n1,"The first text"\n2,"The second text"'
_KEPT = "_load_source"


def choose_source() -> Source | None:
    """Draw the ways to bring rows; return what they are read from, None while there is nothing.

    Raises InvalidInput when it is nothing that can be loaded.
    """
    way = st.segmented_control(
        "Source",
        ["File", "Paste"],
        key="load_way",
        required=True,
        default=None if "load_way" in st.session_state else "File",
        label_visibility="collapsed",
        persist_state="session",
    )
    if way == "Paste":
        text = st.text_area(
            "Rows",
            key="load_paste",
            height=180,
            placeholder=_PASTE_HINT,
            help="CSV, TSV, JSON, JSON lines, Markdown, or a text a line.",
            persist_state="session",
        )
        if not text or not text.strip():
            return None
        data = text.encode("utf-8", "surrogatepass")
        return _opened(hashlib.sha256(data).hexdigest(), io.BytesIO(data), "")
    upload = st.file_uploader(
        "A file with a row for each text or vector",
        type=SUFFIXES,
        key="load_file",
        help="CSV, TSV, JSON lines, JSON, Parquet, text or Markdown. Files on the server's disk are "
        "loaded from a shell: pgvista load FILE --collection NAME.",
    )
    return None if upload is None else _opened(upload.file_id, upload, upload.name)


def take() -> None:
    """Forget the source without closing it: it belongs to a job now."""
    st.session_state.pop(_KEPT, None)


def _opened(identity: str, stream: BinaryIO, name: str) -> Source:
    """Return the source, the same one as long as file and options stay."""
    options = _options(identity)
    kept: tuple[str, ReadOptions, Source, BinaryIO] | None = st.session_state.get(_KEPT)
    if kept is not None and kept[0] == identity:
        if kept[1] == options:
            return kept[2]
        stream = kept[3]
    else:
        stream = _spooled(stream)
    source = open_source(stream, name=name, options=options)
    st.session_state[_KEPT] = (identity, options, source, stream)
    return source


def _spooled(stream: BinaryIO) -> BinaryIO:
    """Return a large file as an unnamed one on disk, which goes when nobody holds it."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size <= IN_MEMORY_BYTES:
        return stream
    folder = load_settings().data_dir
    copy = tempfile.TemporaryFile(dir=folder if folder.is_dir() else None)  # noqa: SIM115
    try:
        shutil.copyfileobj(stream, copy, 1024 * 1024)
    except OSError as error:
        copy.close()
        raise OutOfSpace(
            f"The upload cannot be kept on disk: {error.strerror or error}.",
            "Free some space, or load the file from a shell: pgvista load FILE --collection NAME.",
        ) from None
    copy.seek(0)
    return copy


def _options(identity: str) -> ReadOptions:
    chosen = st.session_state.get("_load_options", {})
    if chosen.get("of") != identity:
        st.session_state["_load_options"] = chosen = {"of": identity}
    return ReadOptions(
        **{name: value for name, value in chosen.items() if name != "of" and value is not None}
    )


def read_options(source: Source) -> None:
    """Draw what was found out about the file; each of it can be changed."""
    places = iter(st.columns(4))
    _option(next(places), "Format", "format", list(FileFormat), source.format, _FORMATS)
    if source.encoding is not None:
        encodings = list(dict.fromkeys((source.encoding, *_ENCODINGS)))
        _option(next(places), "Encoding", "encoding", encodings, source.encoding, _CODECS)
    if source.delimiter is not None:
        offered = list(dict.fromkeys((source.delimiter, *_DELIMITERS)))
        _option(next(places), "Delimiter", "delimiter", offered, source.delimiter, _DELIMITERS)
        _option(next(places), "Header row", "header", [True, False], _now("header", True), _HEADER)
    if source.format in (FileFormat.TXT, FileFormat.MD):
        usual = TextUnit.SECTION if source.format is FileFormat.MD else TextUnit.LINE
        _option(next(places), "A row is", "unit", list(TextUnit), _now("unit", usual), _UNITS)


_HEADER = {True: "yes", False: "no"}


def _now(name: str, default: Any) -> Any:
    chosen = st.session_state["_load_options"].get(name)
    return default if chosen is None else chosen


def _option(
    place: st.delta_generator.DeltaGenerator,
    label: str,
    name: str,
    offered: list[Any],
    found: Any,
    words: Mapping[Any, str],
) -> None:
    """Draw one choice; its key holds what was found, so that another file draws it anew."""
    identity = st.session_state["_load_options"]["of"]
    key = f"load_option_{name}_{identity[:12]}_{found}"
    value = place.selectbox(
        label,
        offered,
        index=offered.index(found),
        format_func=lambda item: words.get(item, str(item)),
        key=key,
    )
    if value != found:
        st.session_state["_load_options"] = {**st.session_state["_load_options"], name: value}
        st.rerun()


def drop_options() -> None:
    """Read the file again as it is found, when it cannot be read as it was set."""
    st.session_state.pop("_load_options", None)


def preview(source: Source) -> None:
    """Draw the first rows."""
    records = source.preview(PREVIEW_ROWS)
    more = len(source.preview(PREVIEW_ROWS + 1)) > len(records)
    if not records:
        st.info("No row of it can be read.", icon=":material/info:")
        return
    name = source.name or "Pasted"
    size = f"{source.size_bytes / 1e6:,.1f} MB" if source.size_bytes >= 1e5 else _kb(source)
    rows = "1 row" if len(records) == 1 else f"{len(records)} rows"
    first = f"the first {rows}" if more else f"all of it: {rows}"
    frame = _frame(records, [column.name for column in source.columns])
    st.dataframe(
        frame,
        hide_index=True,
        height=min(35 * len(records) + 38, 560),
        key="load_preview",
        alt=f"The first rows of {name}",
    )
    st.markdown(f":gray[{size}; {first}]")


def _kb(source: Source) -> str:
    return f"{source.size_bytes / 1e3:,.1f} kB"


def _frame(records: list[Record], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: [_cell(record.values.get(name)) for record in records] for name in names}
    )


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list | tuple | np.ndarray) and len(value) > 6:
        head = ", ".join(
            f"{item:.3g}" if isinstance(item, float | np.floating) else str(item)
            for item in value[:3]
        )
        return f"[{head}, … {len(value):,} items]"
    text = str(value)
    return text if len(text) <= MAX_CELL_CHARS else text[:MAX_CELL_CHARS] + "…"
