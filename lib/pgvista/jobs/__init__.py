"""Background jobs with progress and cancel; they know no Streamlit and no database."""

from pgvista.jobs.job import Job, JobState
from pgvista.jobs.runner import JobRunner

__all__ = ["Job", "JobRunner", "JobState"]
