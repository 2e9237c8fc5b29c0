"""Which lessons there are, in which order, and what each of them says in one sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from streamlit.navigation.page import Page

from pgvista.paths import app_script
from pgvista.ui.sidebar import page_of

OVERVIEW = "pages/learn/lessons.py"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson as the overview and the sidebar name it."""

    key: str
    """Its page is ``pages/learn/<key>.py``; the session's keys begin with ``learn_<key>_``."""
    title: str
    idea: str
    """What it shows, in one sentence."""
    icon: str
    short: str = ""
    """What the sidebar calls it, where the title is too long for it."""
    number: int = 0
    """Its place among the lessons, from 1."""

    @property
    def path(self) -> str:
        """The page, as Streamlit names it."""
        return f"pages/learn/{self.key}.py"


_ALL = (
    Lesson(
        "embedding",
        "What is an embedding",
        "A model turns a text into a list of numbers, so that texts of like meaning lie close "
        "together, with or without a common word.",
        ":material/scatter_plot:",
    ),
    Lesson(
        "distance",
        "Distance",
        "Near has four meanings in pgvector, and each of them can put the same rows into another "
        "order.",
        ":material/straighten:",
    ),
    Lesson(
        "axis",
        "A concept axis",
        "Two phrases make a direction, and real rows fall along it from the one to the other.",
        ":material/linear_scale:",
    ),
    Lesson(
        "keyword",
        "Keyword search",
        "Postgres makes lexemes of a text, and ranks rows by which of them they share with the "
        "question.",
        ":material/spellcheck:",
    ),
    Lesson(
        "fusion",
        "Fusion",
        "Two lists become one by their ranks alone: a row that both lists like beats the favourite "
        "of one.",
        ":material/merge:",
    ),
    Lesson(
        "hnsw",
        "HNSW",
        "A graph is walked from neighbour to neighbour, so that a few hundred distances stand for "
        "all of them, and now and then a neighbour is missed.",
        ":material/hub:",
    ),
    Lesson(
        "ivfflat",
        "IVFFlat",
        "Space is cut into cells, and only the cells nearest to the question are looked into.",
        ":material/grid_view:",
    ),
    Lesson(
        "smaller",
        "Smaller vectors",
        "Half the bytes, a bit a number, or the first numbers alone: what each saves, what it "
        "loses, and how re-ranking brings it back.",
        ":material/compress:",
    ),
    Lesson(
        "reading_map",
        "Reading a map",
        "Two dimensions cannot hold 384: which neighbours a map keeps, which it invents, and what "
        "sizes and gaps do not mean.",
        ":material/map:",
    ),
    Lesson(
        "filtering",
        "Filters and recall",
        "An approximate index finds first and filters afterwards, so a narrow filter leaves few "
        "rows or none.",
        ":material/filter_alt:",
    ),
    Lesson(
        "metadata",
        "Structured and unstructured metadata",
        "The same condition on a typed column and on jsonb: another plan, another index, other "
        "mistakes.",
        ":material/data_object:",
        "Columns and jsonb",
    ),
)


def lessons() -> tuple[Lesson, ...]:
    """Return the lessons whose page is there, numbered from 1."""
    root = app_script().parent
    there = [lesson for lesson in _ALL if (root / lesson.path).is_file()]
    return tuple(replace(lesson, number=number) for number, lesson in enumerate(there, 1))


def lesson_pages() -> list[Page]:
    """Return the pages of the section Learn: the overview, then each lesson."""
    return [
        page_of(OVERVIEW, "Lessons", ":material/school:"),
        *(page_of(lesson.path, lesson.short or lesson.title, lesson.icon) for lesson in lessons()),
    ]
