"""`python -m pgvista.ui.serve run <app.py>`: Streamlit's command, with four faults of it kept away.

Streamlit takes a folder `pages` beside the script for its old way of making an app of several
pages, until `st.navigation` has been called once in the process. The first visit to a cold server
by the address of a page would then be answered with "page not found". The others are told in
`message_queue`, `timed_runs` and `script_age`.
"""

from __future__ import annotations

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main

from pgvista.ui.message_queue import keep_finished_runs
from pgvista.ui.script_age import let_versions_be_kept
from pgvista.ui.timed_runs import keep_what_was_set

if __name__ == "__main__":
    PagesManager.uses_pages_directory = False
    keep_finished_runs()
    keep_what_was_set()
    let_versions_be_kept()
    main(prog_name="streamlit")
