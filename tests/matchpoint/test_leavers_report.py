"""What the report says of leavers, on the page and in Markdown alike."""

from __future__ import annotations

from typing import Any

from leaver_feeds import told
from test_report import html, make_receipt, page, rows_of, text_of, to_html

from matchpoint.leavers.files import LeaverCounts
from matchpoint.report import render_html, render_markdown


def leavers(**more: Any) -> dict[str, Any]:
    groups = {"": told(absent=1200, held=1), "UG|<b>": told(expired=2)}
    return LeaverCounts(told(absent=1200, held=1, expired=2), groups, **more).as_dict()


def test_leavers_are_told_by_user_group_as_far_as_there_are_any() -> None:
    document = page(make_receipt(leavers=leavers()))
    assert rows_of(document, "leavers") == [
        ["User group", "absent", "expired", "held"],
        ["no user group", "1,200", "0", "1"],
        ["UG|<b>", "0", "2", "0"],
        ["Total", "1,200", "2", "1"],
    ]
    shown = html.fromstring(f"<div>{to_html(render_markdown(make_receipt(leavers=leavers())))}</div>")
    table = shown.xpath("//h2[.='Leavers']/following-sibling::table[1]")[0]
    assert [[text_of(cell) for cell in row] for row in table.iter("tr")] == rows_of(document, "leavers")


def test_what_one_should_know_is_said() -> None:
    receipt = make_receipt(leavers=leavers(settled=3, unidentified=1, conflict=4, not_counted="mended"))
    for render in (render_html, render_markdown):
        said = render(receipt).replace("\\", "")
        assert "the run took mended rejections files only" in said
        assert "1 row without any identifier" in said
        assert "1 person on the clearance list" in said
        assert "left for the next run: 4" in said
        assert "nothing due in this run: 3" in said


def test_the_page_links_the_clearance_list_when_there_is_somebody_on_it() -> None:
    assert page(make_receipt(leavers=leavers())).xpath("//a[@href='clearance.csv']")
    nobody = LeaverCounts(told(absent=1)).as_dict()
    assert not page(make_receipt(leavers=nobody)).xpath("//a[@href='clearance.csv']")


def test_nothing_is_said_where_the_profile_does_nothing_about_leavers() -> None:
    for render in (render_html, render_markdown):
        assert "Leavers" not in render(make_receipt())


def test_a_feed_in_which_nobody_is_missing_says_so() -> None:
    nobody = LeaverCounts(told()).as_dict()
    for render in (render_html, render_markdown):
        assert "Nobody is newly missing." in render(make_receipt(leavers=nobody))
