"""What a teacher says in the lesson on metadata, by step."""

from __future__ import annotations

NOTES = {
    "places": "Ask first: where would you put a year? The first two bars read the whole table; jsonb "
    "takes longer because each document is unpacked for one value. With an index of its own kind, "
    "all three ways are as fast. The usual wrong idea: jsonb is slow. It is slow without the index "
    "that fits the condition.",
    "gin": "`->>` looks the most natural and is served by no GIN index. Ask what an index must hold to "
    "serve a range: an order, which GIN has not. The class jsonb_ops, GIN's default, would also serve "
    "`?`; jsonb_path_ops is smaller.",
    "estimates": "A plan is chosen by what is expected, not by what is there. 0.5 % and 33 % are "
    "constants of Postgres. The curve by equality shows the other guess: flat at 100 rows. `create "
    "statistics` on an expression mends it without an index.",
    "types": "Write “2024”, “1973.5” and “unknown” into both. Ask who has a CSV import that makes texts "
    "of numbers. The cast fails for the whole query because of one row, and in a plan that reads "
    "fewer rows it may not fail: that is what makes it hard to find.",
    "vectors": "The year 2024 has many rows: the estimate is right for the column, the vector index is "
    "still taken, and rows are missing. So a typed column is needed for the narrow filter, and an "
    "iterative scan for the wide one. Compare the pages that both read.",
    "remember": 'Type `{"year": "2015"}`: the column refuses it, jsonb looks for a text. Let the class '
    "look at their own metadata in Browse: which key deserves a column?",
}
