"""Looks up legal entities in the Global LEI Index, which GLEIF (Global Legal
Entity Identifier Foundation) gives out for free and without a key, by their
number at the Chamber of Commerce (KVK).

Only that number leaves. That of the employer is read from the payroll platform,
and its name is compared with what the index says.
"""

import json
import re
from urllib.parse import urlencode, urlsplit

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import employers
from wit_world.imports import koppel_connector_types as connector

import documents
import outgoing
from errors import connector_errors

BASE_URL = "https://api.gleif.org"

# The trade register of the Chamber of Commerce, in GLEIF's list of registration
# authorities.
TRADE_REGISTER = "RA000463"

# How many entities of one number are asked for.
SIZE = 10

# ING Bank N.V., which has had an identifier since there are any.
KNOWN = "33031431"

SETTINGS = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Settings",
    "description": "The settings in the operator's configuration.",
    "type": "object",
    "properties": {
        "base-url": {
            "description": "Where the API is.",
            "type": "string",
            "format": "uri",
            "default": BASE_URL,
        },
    },
    "additionalProperties": False,
}


class Connector(exports.Connector):
    """What every connector exports."""

    def describe(self) -> connector.Description:
        return connector.Description(
            name="legal-entity-gleif",
            version="0.1.0",
            summary="Looks up the legal entity identifier (LEI) of a company, and checks the name of the employer",
            settings_schema=json.dumps(SETTINGS),
        )

    @connector_errors
    def check(self, context: connector.RunContext) -> str:
        found = ask(settings(context), KNOWN)
        return f"GLEIF answers ({len(found)} legal entities of number {KNOWN})"


class Lookup(exports.Lookup):
    """A connector of kind lookup."""

    @connector_errors
    def lookup(self, context: connector.RunContext, query: str) -> str:
        base = settings(context)
        number = read(query)
        if number is not None:
            return json.dumps({"legalEntities": ask(base, number)})
        employer = employers.get_employer_by_employer_id(context.employer_id)
        number = employer.chamber_of_commerce_number
        if number is None or not is_number(number):
            raise Err(
                connector.ConnectorError_Refused(
                    f"no number of the Chamber of Commerce is held of employer {employer.id}"
                )
            )
        found = ask(base, number)
        return json.dumps({"legalEntities": found, "registered": compare(employer, found)})


def settings(context: connector.RunContext) -> str:
    """Where the API is."""
    given = json.loads(context.settings)
    for key in given:
        if key not in SETTINGS["properties"]:
            raise invalid_settings(f"{key} is unknown; expected base-url")
    base = given.get("base-url", BASE_URL)
    try:
        url = urlsplit(base) if isinstance(base, str) else None
    except ValueError:
        url = None
    if url is None or url.scheme not in ("http", "https") or not url.netloc:
        raise invalid_settings("base-url must be a URL")
    return base.rstrip("/")


def read(text: str) -> str | None:
    """The number that is asked for; none if it is that of the employer."""
    try:
        query = documents.parse(text)
    except ValueError as error:
        raise invalid_input(f"the query is not JSON: {error}") from error
    if not isinstance(query, dict):
        raise invalid_input("the query must be an object")
    for key in query:
        if key != "chamberOfCommerceNumber":
            raise invalid_input(f"{key} is unknown; expected chamberOfCommerceNumber")
    if not query:
        return None
    number = query["chamberOfCommerceNumber"]
    if not isinstance(number, str) or not is_number(number):
        raise invalid_input("chamberOfCommerceNumber must be eight digits")
    return number


def is_number(text: str) -> bool:
    """Whether this is a number of the Chamber of Commerce."""
    return re.fullmatch("[0-9]{8}", text) is not None


def ask(base: str, number: str) -> list[dict]:
    """The legal entities with this number in the trade register."""
    query = {
        "filter[entity.registeredAs]": number,
        "filter[entity.registeredAt]": TRADE_REGISTER,
        "page[size]": SIZE,
    }
    url = f"{base}/api/v1/lei-records?{urlencode(query)}"
    reply = outgoing.get(url, {"accept": "application/vnd.api+json"})
    if reply.status == 429 or reply.status >= 500:
        raise Err(connector.ConnectorError_Unavailable(reply.retry_after()))
    text = reply.body.decode(errors="replace")
    if reply.status != 200:
        raise outside_party(f"status {reply.status}: {text[:500]}")
    try:
        return [entity(record["attributes"]) for record in documents.parse(text)["data"]]
    except (LookupError, TypeError, ValueError) as error:
        fault = f"{type(error).__name__}: {error}"
        raise outside_party(f"an answer that is not as documented: {fault}") from error


def entity(attributes: dict) -> dict:
    """A legal entity of the answer."""
    of, registration = attributes["entity"], attributes["registration"]
    return {
        "lei": attributes["lei"],
        "legalName": of["legalName"]["name"],
        "otherNames": [other["name"] for other in of.get("otherNames") or []],
        # A code of ISO 20275.
        "legalForm": (of.get("legalForm") or {}).get("id"),
        "status": of["status"],
        "chamberOfCommerceNumber": of["registeredAs"],
        "legalAddress": address(of["legalAddress"]),
        "headquartersAddress": address(of["headquartersAddress"]),
        "registrationStatus": registration["status"],
        "nextRenewalDate": registration.get("nextRenewalDate"),
    }


def address(of: dict) -> dict:
    """An address of the answer."""
    return {
        "lines": of["addressLines"],
        "postalCode": of.get("postalCode"),
        "city": of["city"],
        "country": of["country"],
    }


def compare(employer: employers.Employer, found: list[dict]) -> dict:
    """What is held of the employer; `matches` is null where the index knows no such company."""
    names = [name for one in found for name in (one["legalName"], *one["otherNames"])]
    held = plain(employer.company_name)
    return {
        "companyName": employer.company_name,
        "chamberOfCommerceNumber": employer.chamber_of_commerce_number,
        "matches": any(plain(name) == held for name in names) if found else None,
    }


def plain(name: str) -> str:
    """A name without what people write differently: `B.V.` is `bv`."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def invalid_settings(text: str) -> Err:
    return Err(connector.ConnectorError_InvalidSettings(text))


def invalid_input(text: str) -> Err:
    return Err(connector.ConnectorError_InvalidInput(text))


def outside_party(text: str) -> Err:
    return Err(connector.ConnectorError_OutsideParty(f"GLEIF: {text}"))
