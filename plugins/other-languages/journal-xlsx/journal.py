"""Reading a journal run that can be exported, and marking it as processed."""

from componentize_py_types import Err
from wit_world.imports import journal_runs as activities
from wit_world.imports import koppel_connector_types as connector
from wit_world.imports import koppel_loket_types as loket

# How many lines are read at a time.
PAGE = 250

# How many lines with a fault are named.
NAMED = 10

# The host calls a connector for a run that is ready or whose export failed, and
# puts it to being exported before.
EXPORTABLE = {
    activities.JournalRunStatus.READY,
    activities.JournalRunStatus.BEING_EXPORTED,
    activities.JournalRunStatus.EXPORT_FAILED,
}


def refused(text: str) -> Err:
    """A business rule forbids it."""
    return Err(connector.ConnectorError_Refused(text))


def read_run(journal_run_id: str) -> activities.JournalRun:
    """A journal run that may be exported."""
    run = activities.get_journal_run_by_journal_run_id(journal_run_id)
    if run.status not in EXPORTABLE:
        raise refused(
            f"journal run {run.id} is not ready to export: its status is {run.status.name}"
        )
    return run


def read_lines(run: activities.JournalRun) -> list[activities.JournalLine]:
    """All its lines, a page at a time."""
    lines, cursor = [], None
    while True:
        page = activities.get_journal_run_results_by_journal_run_id(
            run.id, loket.PageRequest(cursor, PAGE)
        )
        lines.extend(page.items)
        cursor = page.next
        if cursor is None:
            return lines


def balance(run: activities.JournalRun, lines: list[activities.JournalLine]) -> int:
    """The sum of the debit amounts in cents, equal to that of the credit amounts."""
    if not lines:
        raise refused("the journal has no lines")
    faults = [
        f"line {number} ({line.payroll_component.value}) {fault}"
        for number, line in enumerate(lines, start=1)
        if (fault := fault_of(line))
    ]
    if faults:
        more = len(faults) - NAMED
        named = "; ".join(faults[:NAMED])
        raise refused(f"{named}; and {more} more" if more > 0 else named)
    debit = sum(line.debit_amount for line in lines)
    credit = sum(line.credit_amount for line in lines)
    if debit != credit:
        raise refused(
            f"the journal does not balance: debit {euros(debit)}, credit {euros(credit)}, "
            f"difference {euros(abs(debit - credit))}"
        )
    return debit


def fault_of(line: activities.JournalLine) -> str | None:
    """What is wrong with a line wherever it is booked."""
    if not line.general_ledger_account.code.strip():
        return "has no ledger account"
    if line.debit_amount and line.credit_amount:
        return "is both debit and credit"
    return None


def entry(run: activities.JournalRun) -> str:
    """What the entry is called: `2025-06_6`."""
    period = run.payroll_period
    return f"{period.year}-{period.period_number:02}_{run.sequence_number}"


def euros(cents: int) -> str:
    """An amount, exactly."""
    sign, cents = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign}{cents // 100}.{cents % 100:02}"


def mark_as_processed(run: activities.JournalRun, reference: str) -> None:
    """Marks a journal run as exported.

    From here on `unavailable` would be wrong: it says that nothing was exported.
    """
    change = activities.JournalRunChange_MarkAsProcessed(reference)
    try:
        activities.patch_journal_run_by_journal_run_id(run.id, change)
    except Err as error:
        if isinstance(error.value, loket.ActivityError_Unavailable):
            raise Err(
                connector.ConnectorError_OutsideParty(
                    f"it was exported as {reference}, but there is no answer now; run it again"
                )
            ) from error
        raise
