"""Writes a journal run as an Excel workbook (Office Open XML, .xlsx).

The first sheet has the journal line by line, with Dutch columns; the second the
totals by ledger account and cost centre, which is what is compared with the
books.
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.journal import Delivery, Outcome
from wit_world.imports import koppel_connector_types as connector

import journal
import workbook
from errors import connector_errors
from publication import publish

VERSION = "0.1.0"

SETTINGS = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Settings",
    "description": "The settings in the operator's configuration.",
    "type": "object",
    "properties": {
        "journal-id": {
            "description": "The code of the journal (dagboek) in the accounting package.",
            "type": "string",
            "default": "SAL",
        },
    },
    "additionalProperties": False,
}


class Connector(exports.Connector):
    """What every connector exports."""

    def describe(self) -> connector.Description:
        return connector.Description(
            name="journal-xlsx",
            version=VERSION,
            summary="Writes journal runs as Excel workbooks, with totals by ledger account and cost centre",
            settings_schema=json.dumps(SETTINGS),
        )

    @connector_errors
    def check(self, context: connector.RunContext) -> str:
        journal_id = settings(context)
        return f"workbooks are for journal {journal_id}, as journaal_<year>-<period>_<number>_<id>.xlsx"


class Journal(exports.Journal):
    """A connector of kind journal."""

    @connector_errors
    def process_journal_run(
        self, context: connector.RunContext, journal_run_id: str
    ) -> Outcome:
        journal_id = settings(context)
        run = journal.read_run(journal_run_id)
        lines = journal.read_lines(run)
        total = journal.balance(run, lines)
        # Two runs can have one sequence number, in two payroll administrations.
        name = f"journaal_{journal.entry(run)}_{run.id[:8]}.xlsx"
        publish(name, workbook.make(run, lines, journal_id))
        journal.mark_as_processed(run, name)
        return Outcome(Delivery.EXPORTED, name, len(lines), total)


def settings(context: connector.RunContext) -> str:
    """The code of the journal."""
    given = json.loads(context.settings)
    for key in given:
        if key not in SETTINGS["properties"]:
            raise Err(
                connector.ConnectorError_InvalidSettings(
                    f"{key} is unknown; expected journal-id"
                )
            )
    journal_id = given.get("journal-id", "SAL")
    if not isinstance(journal_id, str):
        raise Err(
            connector.ConnectorError_InvalidSettings("journal-id must be a string")
        )
    return journal_id
