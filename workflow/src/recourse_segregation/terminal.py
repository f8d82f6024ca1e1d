"""What Snakemake says on the terminal: one line for each job that is done. All that it says is in its own log."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Any

from snakemake.logging import DefaultFormatter, get_event, logger
from snakemake_interface_logger_plugins.common import LogEvent
from tqdm import tqdm

#: what Snakemake says of its own work, without an event or with one
_LEFT_OUT = ("Select jobs", "Using shell", "Conda environments", "Group jobs", "Building DAG")
_SILENT = (LogEvent.WORKFLOW_STARTED, LogEvent.RESOURCES_INFO, LogEvent.JOB_STARTED, LogEvent.GROUP_INFO)


def one_line_a_job() -> None:
    """Shorten what Snakemake says on the terminal from now on; warnings and errors are said in full."""
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler":
            short = _Short(handler.formatter.quiet, handler.formatter.show_failed_logs)
            handler.setFormatter(short)
            handler.addFilter(short)


class _Short(DefaultFormatter):
    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.names: dict[int, str] = {}
        self.finished: list[str] = []
        self.start = monotonic()

    def filter(self, record: logging.LogRecord) -> bool:
        event = get_event(record)
        if event == LogEvent.JOB_INFO:
            self.names[record.jobid] = " ".join([record.rule_name, *map(str, record.wildcards.values())])
        elif event == LogEvent.JOB_FINISHED:
            self.finished.append(self.names.get(record.job_id, ""))
        elif record.levelno > logging.INFO or event not in (None, *_SILENT):
            return True
        return event is None and not str(record.msg).startswith(_LEFT_OUT)

    def format_run_info(self, msg: dict[str, Any]) -> str:
        jobs = dict(msg["stats"])
        return f"{jobs.pop('total')} jobs: " + ", ".join(f"{number} {rule}" for rule, number in jobs.items())

    def format_progress(self, msg: dict[str, Any]) -> str:
        done, total = msg["done"], msg["total"]
        left = tqdm.format_interval((monotonic() - self.start) / done * (total - done))
        names, self.finished = ", ".join(self.finished), []
        return f"{done} of {total} jobs done, about {left} left: {names}"

    def _format_job_error(self, msg: dict[str, Any]) -> list[str]:
        return super()._format_job_error({**msg, "msg": None, "input": [], "output": []})
