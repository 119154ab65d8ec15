"""The report: what it shows, what it leaves out, and that no file name can do harm in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html
from markdown_it import MarkdownIt

from matchpoint.outcomes import Outcome, count_outcomes
from matchpoint.receipt import FileReceipt, Reason, Receipt
from matchpoint.report import render_html, render_json, render_markdown
from matchpoint.report.chart import VISIBLE, cut_slices, has_thin_slice
from matchpoint.report.text import duration, escape_markdown, file_size, moment, share

HOSTILE = [
    "<script>alert(1)</script>.csv",
    "a|b.csv",
    "a\\|b\\.csv",
    '"><img src=x onerror=alert(1)>.csv',
    "two\nlines\r\n| x |.csv",
    "[click](https://evil.example) ![](http://evil.example/x.png)",
    "`code` **bold** _it_ # heading <!-- comment &amp; {{ 7 * 7 }}",
    "www.evil.example",
    "gpj.\u202evsc\x00\udcff.csv",
]


def counts(**given: int) -> dict[str, int]:
    return count_outcomes(word for word, rows in given.items() for _ in range(rows))


def make_receipt(**changes: Any) -> Receipt:
    receipt = Receipt(
        run_id="scheduled__2026-09-01",
        profile="students",
        profile_name="Students",
        mode="synchronize",
        dry_run=False,
        as_of="2026-09-01",
        started_at="2026-09-01T02:15:04.120394+00:00",
        finished_at="2026-09-01T04:16:16+02:00",
        files=[
            FileReceipt(
                name="students.zip",
                member="enrolled.csv",
                sha256="a1" * 32,
                size=1_240_133,
                counts=counts(created=10, updated=40, unchanged=1100, rejected=2),
                rejections="rejections-enrolled.csv",
            ),
            FileReceipt("guests.csv", None, "b2" * 32, 845, counts(created=3, unchanged=49)),
        ],
        reasons=[
            Reason("rejected", "date", "expiry_date", "The date cannot be read.", 1, [("students.zip", 12)]),
            Reason("rejected", "group", "user_group", "The user group is unknown.", 1, [("students.zip", 40)]),
        ],
        changed_fields={"emails": 7, "expiry_date": 31, "phones": 0},
        plan_sha256="c3" * 32,
    )
    return replace(receipt, **changes)


def named(name: str, member: str | None = None) -> Receipt:
    one = FileReceipt(name, member, "a1" * 32, 1, counts(rejected=1), rejections=f"rejections-{name}")
    reason = Reason("rejected", "x", name, name, 1, [(name, 3)])
    return make_receipt(files=[one], reasons=[reason], changed_fields={name: 1}, profile_name=name, run_id=name)


def page(receipt: Receipt) -> Any:
    return html.document_fromstring(render_html(receipt).encode())


def text_of(element: Any) -> str:
    return " ".join(element.text_content().split())


def rows_of(document: Any, section: str) -> list[list[str]]:
    return [[text_of(cell) for cell in row] for row in document.xpath(f"//section[h2/@id='{section}']//tr")]


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.*)$", text, re.MULTILINE)


def to_html(markdown: str) -> str:
    return MarkdownIt("commonmark").enable("table").render(markdown)


def lead(receipt: Receipt) -> str:
    (sentence,) = page(receipt).xpath("//p[@class='lead']")
    return text_of(sentence)


def test_says_in_a_sentence_what_happened() -> None:
    said = "1,204 rows of 2 files: 13 created, 40 updated, 1,149 unchanged, 2 rejected."
    assert lead(make_receipt()) == said
    assert f"\n{said}\n" in render_markdown(make_receipt())


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "There was no file, so there was nothing to do."),
        (
            [FileReceipt("a.csv", None, "", 0, counts())],
            "No rows in 1 file, so there was nothing to do.",
        ),
        ([FileReceipt("a.csv", None, "", 0, counts(failed=1))], "1 row of 1 file: 1 failed."),
    ],
)
def test_says_so_when_there_was_little_to_do(files: list[FileReceipt], said: str) -> None:
    assert lead(make_receipt(files=files)) == said


def test_names_profile_and_mode() -> None:
    receipt = make_receipt(mode="online_import")
    assert text_of(page(receipt).find(".//h1")) == "Students: online import"
    assert render_markdown(receipt).startswith("# Students: online import\n")


def test_only_a_dry_run_has_the_banner() -> None:
    dry = make_receipt(dry_run=True)
    for render in (render_html, render_markdown):
        assert "Dry run: nothing was written" in render(dry)
        assert "would come out as 13 created" in render(dry)
        assert "Dry run" not in render(make_receipt())


def test_shows_each_file_and_the_law() -> None:
    head, *files, total = rows_of(page(make_receipt()), "files")
    assert head[:3] == ["File", "processed", "= created"]
    assert files == [
        ["students.zip \u203a enrolled.csv", "1,152", "10", "40", "1,100", "0", "2", "0", "0"],
        ["guests.csv", "52", "3", "0", "49", "0", "0", "0", "0"],
    ]
    assert total == ["Total", "1,204", "13", "40", "1,149", "0", "2", "0", "0"]
    for row in [*files, total]:
        processed, *outcomes = (int(cell.replace(",", "")) for cell in row[1:])
        assert processed == sum(outcomes)
    law = "processed = created + updated + unchanged + skipped + rejected + conflict + failed"
    assert law in render_html(make_receipt())
    assert law in render_markdown(make_receipt())


def test_markdown_shows_the_same_tables() -> None:
    shown = html.fromstring(f"<div>{to_html(render_markdown(make_receipt()))}</div>")
    table = shown.xpath("//h2[.='Files']/following-sibling::table[1]")[0]
    rows = [[text_of(cell) for cell in row] for row in table.iter("tr")]
    assert rows == rows_of(page(make_receipt()), "files")


def test_counts_that_do_not_add_up_are_marked() -> None:
    wrong = FileReceipt("a.csv", None, "", 0, {**counts(created=3), "processed": 4})
    for render in (render_html, render_markdown):
        assert "The counts do not add up" in render(make_receipt(files=[wrong]))
        assert "do not add up" not in render(make_receipt())


def test_shows_reasons_fields_and_what_to_mend() -> None:
    document = page(make_receipt())
    assert rows_of(document, "reasons")[1] == [
        "rejected",
        "expiry_date",
        "The date cannot be read.",
        "1",
        "students.zip, row 12",
    ]
    assert rows_of(document, "changed") == [
        ["Field", "Users", ""],
        ["expiry_date", "31", ""],
        ["emails", "7", ""],
    ]
    assert rows_of(document, "mend")[1:] == [["students.zip \u203a enrolled.csv", "rejections-enrolled.csv", "2"]]
    assert "drop the file back on the server" in text_of(document)


def test_reasons_stand_by_outcome_then_by_rows() -> None:
    reasons = [Reason(*one) for one in [("failed", "a", "", "A", 9), ("rejected", "b", "", "B", 1)]]
    reasons.append(Reason("rejected", "c", "", "C", 1204))
    shown = rows_of(page(make_receipt(reasons=reasons)), "reasons")
    assert [(row[2], row[3]) for row in shown[1:]] == [("C", "1,204"), ("B", "1"), ("A", "9")]


def test_footer_shortens_hashes_and_keeps_them_whole_in_the_title() -> None:
    (footer,) = page(make_receipt()).xpath("//footer")
    assert [code.get("title") for code in footer.iter("code")] == ["a1" * 32, "b2" * 32, "c3" * 32]
    assert "a1a1a1a1a1a1… of students.zip \u203a enrolled.csv, 1.2 MB" in text_of(footer)
    assert "2026-09-01 02:16:16 UTC, after 1 min 12 s" in text_of(footer)
    assert "c3" * 32 in render_markdown(make_receipt())


def test_empty_sections_are_left_out() -> None:
    empty = make_receipt(files=[], reasons=[], changed_fields={})
    assert headings(render_markdown(empty)) == ["This run"]
    assert [text_of(one) for one in page(empty).iter("h2")] == ["This run"]
    full = ["Outcomes", "Rows to mend", "Reasons", "Files", "Changed fields", "This run"]
    assert headings(render_markdown(make_receipt())) == full
    assert [text_of(one) for one in page(make_receipt()).iter("h2")] == full


@pytest.mark.parametrize("receipt", [make_receipt(), make_receipt(dry_run=True), *map(named, HOSTILE)])
def test_page_is_whole_and_asks_for_nothing(receipt: Receipt) -> None:
    document = page(receipt)
    assert document.get("lang") == "en"
    used = {element.tag for element in document.iter() if isinstance(element.tag, str)}
    assert not used & {
        "script",
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "use",
        "image",
    }
    names = {name for element in document.iter() for name in element.attrib}
    assert not {name for name in names if name.startswith("on")} | (names & {"src", "srcset", "style"})
    links = document.xpath("//@href")
    assert len(links) == sum(1 for file in receipt.files if file.rejections)
    assert all(re.fullmatch(r"rejections/[^/:?#]+", link) for link in links)
    (style,) = document.iter("style")
    assert "url(" not in style.text and "@import" not in style.text
    assert all(cell.get("scope") in {"col", "row"} for cell in document.iter("th"))
    ids = document.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert set(" ".join(document.xpath("//@aria-labelledby")).split()) <= set(ids)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_text_in_the_page(name: str) -> None:
    document = page(named(name, member=name))
    shown = "".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in name)
    assert rows_of(document, "files")[1][0] == " ".join(f"{shown} \u203a {shown}".split())
    assert len(rows_of(document, "files")[1]) == 9


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_text_in_markdown(name: str) -> None:
    harmless, hostile = (render_markdown(named(one, member=one)) for one in ("a.csv", name))
    assert hostile.count("\n") == harmless.count("\n")
    assert not re.search(r"<[a-z/!]|://|www\.", hostile)
    hostile.encode()
    shape = [re.sub(r"[^<]*(<[^>]*>)", r"\1", to_html(one)) for one in (harmless, hostile)]
    assert shape[0] == shape[1]


@settings(deadline=None)
@given(st.text())
def test_markdown_escape_reads_as_the_text_itself(text: str) -> None:
    document = html.fromstring(to_html(f"| h |\n| --- |\n| x{escape_markdown(text)}x |"))
    (cell,) = document.iter("td")
    shown = "".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text)
    assert text_of(cell) == " ".join(f"x{shown}x".split())
    assert len(cell) == 0


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(list(map(str, Outcome))), st.integers(1, 10**9), min_size=1))
def test_chart_fills_the_bar(given_rows: dict[str, int]) -> None:
    slices = cut_slices({**counts(), **given_rows})
    assert sum(one.width for one in slices) == pytest.approx(100)
    assert [one.outcome for one in slices] == [word for word in Outcome if word in given_rows]
    assert min(one.width for one in slices) > VISIBLE * 0.9
    end = 0.0
    for one in slices:
        assert one.x == pytest.approx(end)
        end = one.x + one.width


def test_chart_is_true_to_scale_unless_a_slice_would_vanish() -> None:
    even = cut_slices(counts(created=1, failed=3))
    assert [one.width for one in even] == [25.0, 75.0]
    assert not has_thin_slice(even)
    thin = cut_slices({**counts(), "unchanged": 999, "failed": 1})
    assert [one.width for one in thin] == [98.902, 1.098]
    assert has_thin_slice(thin)
    assert cut_slices(counts()) == []


def test_chart_has_a_text_alternative_and_no_empty_slices() -> None:
    (bar,) = page(make_receipt()).xpath("//svg[@role='img']")
    assert [one.get("class") for one in bar.iter("rect")] == ["created", "updated", "unchanged", "rejected"]
    assert sum(float(one.get("width")) for one in bar.iter("rect")) == pytest.approx(100)
    assert (
        bar.findtext("desc") == "created 13 (1.1 %), updated 40 (3.3 %), unchanged 1,149 (95.4 %), rejected 2 (0.2 %)"
    )


def test_every_outcome_has_its_colour() -> None:
    for word in Outcome:
        assert f".{word} {{ --colour: #" in render_html(make_receipt())


def test_json_round_trip() -> None:
    receipt = make_receipt()
    text = render_json(receipt)
    assert json.loads(text) == json.loads(json.dumps(receipt.as_dict()))
    assert json.loads(text)["total"]["processed"] == 1204
    assert text == render_json(make_receipt(changed_fields=dict(reversed(receipt.changed_fields.items()))))
    assert text.startswith('{\n  "as_of"') and text.endswith("}\n")


def test_same_receipt_same_report() -> None:
    for render in (render_html, render_markdown, render_json):
        assert render(make_receipt()) == render(make_receipt())


def test_values_read_well() -> None:
    assert [file_size(n) for n in (1, 999, 1500, 999_999, 24_000_000, 5 * 10**9, 10**13)] == [
        "1 byte",
        "999 bytes",
        "1.5 kB",
        "1.0 MB",
        "24.0 MB",
        "5.0 GB",
        "10,000.0 GB",
    ]
    assert [share(*n) for n in ((1, 5000), (4999, 5000), (1, 1), (1, 3))] == [
        "< 0.1 %",
        "> 99.9 %",
        "100.0 %",
        "33.3 %",
    ]
    assert moment("2026-09-01T02:15:04") == "2026-09-01 02:15:04 UTC"
    assert duration("2026-09-01T02:00:00Z", "2026-09-01T02:00:42Z") == "42 s"
    assert duration("2026-09-01T02:00:00Z", "2026-09-01T04:05:59Z") == "2 h 5 min"
