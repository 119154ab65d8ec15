"""The report: a receipt made readable, as a page, as Markdown and as JSON. Values in, text out."""

from matchpoint.report.render import render_html, render_json, render_markdown, render_notice_html

__all__ = ["render_html", "render_json", "render_markdown", "render_notice_html"]
