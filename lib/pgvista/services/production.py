"""Going to production: the checklist of a collection, each item green or with what to do."""

from __future__ import annotations

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.production import Area, Checklist, Facts, Goal, Status
from pgvista.services import production_index, production_search, production_server
from pgvista.services.production_facts import gather

CHECKS = (*production_index.CHECKS, *production_search.CHECKS, *production_server.CHECKS)
"""Each takes the facts and the goal, and returns a Check; None where it does not apply."""

_MARKS = {Status.OK: "x", Status.TODO: " ", Status.WARNING: "!", Status.UNKNOWN: "?"}


def checklist(db: Database, collection: Collection, goal: Goal | None = None) -> Checklist:
    """Check a collection and its server; nothing is changed.

    An exact search is timed five times, rows without a vector are counted, and each statement is
    given 10 s. Raises NotFound when the collection is gone.
    """
    goal = goal or Goal()
    return judged(gather(db, collection, goal), goal)


def judged(facts: Facts, goal: Goal) -> Checklist:
    """Return what the checks say of facts, in the order of their areas."""
    found = [check for each in CHECKS if (check := each(facts, goal)) is not None]
    order = list(Area)
    return Checklist(facts, goal, tuple(sorted(found, key=lambda item: order.index(item.area))))


def to_markdown(found: Checklist) -> str:
    """Return a checklist as Markdown, the SQL below each item that has some."""
    name = found.facts.stats.collection.name
    lines = [f"# Going to production: {name}", ""]
    lines.append(
        ", ".join(f"{found.count(status)} {status}" for status in Status if found.count(status))
    )
    area = None
    for check in found.checks:
        if check.area is not area:
            area = check.area
            lines += ["", f"## {area}", ""]
        lines.append(f"- [{_MARKS[check.status]}] **{check.title}** {check.sentence}")
        if check.sql:
            lines += [
                "",
                "  ```sql",
                *(f"  {line}" for line in check.sql.splitlines()),
                "  ```",
                "",
            ]
    return "\n".join(lines) + "\n"
