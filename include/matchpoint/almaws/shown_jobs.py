"""Jobs, instances and events in Alma's JSON form, and any such form as XML."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lxml import etree
from sqlalchemy import RowMapping

from matchpoint.almaws.instances import COUNTERS, GOING_ON, QUEUED
from matchpoint.almaws.jobs import CATEGORY, TYPE, Job

Form = dict[str, Any]
_BARE = {"error", "job", "job_instance", "event"}
"""Lists without an element of their own around them in XML; the others have one, which JSON leaves out."""
_ATTRIBUTES = {"total_record_count", "link", "desc"}
_PLAIN = _ATTRIBUTES | {"value"}
"""What a form has that is just a text with attributes."""


def job_form(job: Job, base: str) -> Form:
    """Give a job; ``base`` is the address of ``/conf/jobs``."""
    return {
        "id": job.id,
        "name": job.name,
        "description": "",
        "type": {"value": TYPE, "desc": "Scheduled"},
        "category": {"value": CATEGORY, "desc": "Users"},
        "profile_id": job.profile_id,
        "link": f"{base}/{job.id}",
    }


def submitted_form(job: Job, instance: int, base: str) -> Form:
    """Give the answer to a job that is to run: the instance's id is the last part of the link's path."""
    link = f"{base}/{job.id}/instances/{instance}"
    return {**job_form(job, base), "additional_info": {"value": f"Job no. {instance} was submitted", "link": link}}


def instance_form(row: RowMapping, base: str) -> Form:
    """Give an instance. What it has not yet, is left out."""
    counters = [
        {"type": {"value": code, "desc": COUNTERS[code][0]}, "value": str(row["counters"][code])}
        for code in COUNTERS
        if code in row["counters"]
    ]
    times = {name: time_text(row[column]) for name, column in _TIMES.items() if row[column]}
    return {
        "id": str(row["id"]),
        "external_id": str(row["id"]),
        "name": row["name"],
        "submitted_by": {"value": row["submitted_by"], "desc": row["submitted_by"]},
        **times,
        "progress": 0 if row["status"] == QUEUED else 50 if row["status"] in GOING_ON else 100,
        "status": {"value": row["status"], "desc": row["status"].replace("_", " ").capitalize()},
        "alert": [{"value": one} for one in row["alerts"]],
        "counter": counters,
        "job_info": {
            "id": row["job_id"],
            "name": row["name"],
            "category": {"value": CATEGORY},
            "type": {"value": TYPE},
        },
        "link": f"{base}/{row['job_id']}/instances/{row['id']}",
    }


_TIMES = {
    "submit_time": "submitted_at",
    "start_time": "started_at",
    "end_time": "ended_at",
    "status_date": "status_at",
}


def event_form(row: RowMapping) -> Form:
    """Give an event. Alma's fields are not found: here id, date, message, and parameters by name."""
    parameters = [{"name": {"value": name}, "value": value} for name, value in row["parameters"]]
    return {
        "id": str(row["number"]),
        "date": time_text(row["at"]),
        "type": {"value": "REJECTED", "desc": "User rejected"},
        "message": row["message"],
        "parameter": parameters,
    }


def list_form(name: str, some: list[Form], number: int) -> Form:
    """Give a part of a list: ``number`` is how many there are in all."""
    return {name: some, "total_record_count": number}


def time_text(at: datetime) -> str:
    """Give a time as Alma does: ISO 8601 in UTC with milliseconds and Z. The store's time zone may be left out."""
    whole = at if at.tzinfo else at.replace(tzinfo=UTC)
    return f"{whole.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{whole.microsecond // 1000:03}Z"


def element_of(name: str, value: Any) -> etree._Element:
    """Give a form as XML: ``value`` is the element's text, link, desc and total_record_count its attributes."""
    element = etree.Element(name)
    if not isinstance(value, dict):
        element.text = _text(value)
        return element
    for child, one in value.items():
        if child in _ATTRIBUTES:
            element.set(child, _text(one))
        elif child == "value" and value.keys() <= _PLAIN:
            element.text = _text(one)
        elif isinstance(one, list):
            home = element if child in _BARE else etree.SubElement(element, f"{child}s")
            home.extend([element_of(child, each) for each in one])
        else:
            element.append(element_of(child, one))
    return element


def _text(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
