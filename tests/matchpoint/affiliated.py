"""Two profiles that share people, and their rows: the feeds of the tests about affiliations."""

from __future__ import annotations

from typing import Any

from helpers import COLUMNS, House, Row, csv_text, make_profile, person, total

from matchpoint.profile import Profile
from matchpoint.receipt import Receipt

ORDER = ["staff", "students", "visitors"]
MORE = ("JOB", "END", "PROGRAM")


def affiliated(code: str, **options: Any) -> Profile:
    """Make a profile that shares; ``affiliation`` and the options of its synchronize may be others."""
    affiliation = options.pop("affiliation", {"order": ORDER})
    action = {"path": "in", "match_points": ["primary_id", "BARCODE"], "foreign": "share", **options}
    return make_profile(
        code=code,
        affiliation=affiliation,
        mapping={
            "user_group": {"from": "GROUP"},
            "job_category": {"from": "JOB"},
            "expiry_date": {"from": "END", "convert": [{"date": "%Y-%m-%d"}]},
            "statistics": [{"statistic_category": "PROGRAM"}],
        },
        actions={"synchronize": action},
    )


STUDENTS, STAFF, VISITORS = map(affiliated, ("students", "staff", "visitors"))


def student(number: int, **changes: str) -> Row:
    """Make a student's row: enrolled until June."""
    return {**person(number), "GROUP": "UNDERGRAD", "JOB": "", "END": "2027-06-30", "PROGRAM": "PHYSICS", **changes}


def employee(number: int, **changes: str) -> Row:
    """Make the row of the same person as an employee: another name, mail, card and end."""
    of_work = {
        "FIRST": "Employed",
        "GROUP": "STAFF",
        "JOB": "LIBRARIAN",
        "END": "2026-12-31",
        "PROGRAM": "",
        "CARD": f"Badge{number}",
        "NET": "",
        "EMAIL": f"work{number}@example.edu",
        "NOTE": "",
    }
    return student(number, **of_work | changes)


def feed(*rows: Row) -> dict[str, str]:
    """Write rows as the file of a run."""
    return {"people.csv": csv_text(rows, [*COLUMNS, *MORE])}


def run(house: House, profile: Profile, run_id: str, *rows: Row) -> Receipt:
    """Let a profile synchronize rows."""
    return house.with_profile(profile).run(run_id, feed(*rows))


def people(house: House) -> dict[str, list[dict[str, Any]]]:
    """Give what is to stay the same night after night: the users, their identifiers and history."""
    return {name: house.rows(name) for name in ("users", "identifiers", "history")}


def document(house: House, primary_id: str = "s1") -> dict[str, Any]:
    """Give a user's document."""
    user: dict[str, Any] = house.users()[primary_id]["document"]
    return user


def values(user: dict[str, Any], segment: str, name: str) -> list[Any]:
    """List a field of all of a user's segments of a kind."""
    home = user.get("contact_info", {}) if segment in {"email", "phone", "address"} else user
    return [part[name] for part in home.get(segment, ())]


def facets(house: House) -> dict[tuple[int, str], dict[str, Any]]:
    """Give the facets by user and profile."""
    return {(row["user_id"], row["profile"]): row for row in house.rows("facets")}


def made_both(house: House) -> House:
    """Make a student an employee, too; another student and another employee are nothing else."""
    run(house, STUDENTS, "students1", student(1), student(2))
    assert run(house, STAFF, "staff1", employee(1), employee(3)).total == total(updated=1, created=1)
    return house
