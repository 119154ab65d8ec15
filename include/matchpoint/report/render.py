"""From a receipt to the text of a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from matchpoint.amounts import number
from matchpoint.outcomes import Outcome
from matchpoint.receipt import Receipt
from matchpoint.report import words
from matchpoint.report.text import escape_markdown, moment, one_line
from matchpoint.report.view import view_receipt

if TYPE_CHECKING:
    from matchpoint.notices import Notice
    from matchpoint.report.job import Job


def _environment(finalize: Callable[[object], str]) -> Environment:
    """Make an environment in which every printed value goes through ``finalize``, so none is forgotten."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=number, moment=moment)
    environment.globals.update(words=words, outcomes=tuple(Outcome))
    return environment


PAGES = _environment(one_line)
"""Templates of HTML pages: what they print is one line of visible text, and escaped."""
MARKDOWN = _environment(escape_markdown)
"""Templates of Markdown: what they print cannot become markup."""


def render_html(receipt: Receipt) -> str:
    """Give the report as one HTML page that needs nothing else: no script, no network, ready to print.

    The page is in English, in light and dark, with times in UTC. Whatever the receipt holds is escaped.
    """
    return PAGES.get_template("report.html.j2").render(view=view_receipt(receipt))


def render_markdown(receipt: Receipt) -> str:
    """Give the report as Markdown with tables, the same content as the page; hashes are written in full.

    Whatever the receipt holds is escaped: it can neither break a table nor become markup, HTML or a link.
    """
    return MARKDOWN.get_template("report.md.j2").render(view=view_receipt(receipt))


def render_job_html(job: Job) -> str:
    """Give the report of a job on users as one HTML page; it names nobody."""
    return PAGES.get_template("job.html.j2").render(job=job)


def render_notice_html(notice: Notice) -> str:
    """Give a notice as one HTML page for a mail; whatever it holds is escaped."""
    return PAGES.get_template("notice.html.j2").render(notice=notice)


def render_json(receipt: Receipt) -> str:
    """Give :meth:`Receipt.as_dict` as indented ASCII JSON with sorted keys: equal receipts, equal text."""
    return json.dumps(receipt.as_dict(), indent=2, sort_keys=True) + "\n"
