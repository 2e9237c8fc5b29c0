"""What a collection of the Python face does with near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence

from pgvista.db.database import Database
from pgvista.model.collection import Collection
from pgvista.model.duplicates import DuplicateGroup, DuplicateScan, Keep, KeepPlan
from pgvista.services.request_dicts import choice


class DuplicateVerbs:
    """Near-duplicates of the collection `info` in `db`."""

    db: Database
    info: Collection

    def duplicates(
        self, *, threshold: float | None = None, scan: DuplicateScan | None = None
    ) -> tuple[DuplicateGroup, ...]:
        """Return groups of near-duplicates, the largest first; equal texts are always in one.

        `threshold` is in the collection's metric (cosine for the inner product); None begins at a
        cosine distance of 0.2 or what is like it, and at less where chains would grow long. With a
        `scan` rows are not compared anew. Raises InvalidInput.
        """
        from pgvista.services.duplicate_scan import scan as compare
        from pgvista.services.duplicates import groups

        return groups(scan or compare(self.db, self.info, threshold=threshold), threshold)

    def scan_duplicates(self, *, threshold: float | None = None) -> DuplicateScan:
        """Compare all rows once: `nearest` is each row's distance to its nearest other one.

        Groups can then be had at any threshold up to `ceiling`, which is at least `threshold`.
        """
        from pgvista.services.duplicate_scan import scan

        return scan(self.db, self.info, threshold=threshold)

    def plan_keep(
        self, groups: Sequence[DuplicateGroup], keep: str = "first", *, key: str | None = None
    ) -> KeepPlan:
        """Choose the row of each group that is kept: the first, longest or newest; write nothing.

        `key` is the column or metadata key that says what is newest. `sql` is what would be run.
        Raises InvalidInput.
        """
        from pgvista.services.duplicates import plan_keep

        return plan_keep(self.db, self.info, groups, choice(Keep, "keep", keep), key=key)

    def carry_out(self, plan: KeepPlan) -> int:
        """Delete what a plan says, in one transaction; return how many rows.

        Raises Conflict, and deletes nothing, when one of its rows was changed since.
        """
        from pgvista.services.duplicates import carry_out

        return carry_out(self.db, self.info, plan)
