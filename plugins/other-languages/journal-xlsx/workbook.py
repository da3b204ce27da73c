"""The workbook of a journal run."""

import io
from collections import defaultdict
from datetime import date, datetime

import xlsxwriter
from wit_world.imports import journal_runs as activities
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from journal import entry

# Title and width in characters of each column.
LINES = [
    ("Dagboek", 9),
    ("Boekstuk", 11),
    ("Datum", 11),
    ("Boekjaar", 9),
    ("Periode", 8),
    ("Regel", 6),
    ("Grootboekrekening", 18),
    ("Omschrijving grootboekrekening", 34),
    ("Looncomponent", 34),
    ("Kostenplaats", 13),
    ("Kostendrager", 13),
    ("Debet", 14),
    ("Credit", 14),
]
TOTALS = [
    ("Grootboekrekening", 18),
    ("Omschrijving grootboekrekening", 34),
    ("Kostenplaats", 13),
    ("Omschrijving kostenplaats", 34),
    ("Regels", 7),
    ("Debet", 14),
    ("Credit", 14),
    ("Saldo", 14),
]


def make(
    run: activities.JournalRun, lines: list[activities.JournalLine], journal_id: str
) -> bytes:
    """The bytes of the workbook; the same again for the same journal."""
    buffer = io.BytesIO()
    # There are no files in the sandbox, so all of it is made in memory.
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    day = date.fromisoformat(run.payroll_period.period_end_date)
    # There is no clock either, which would be asked otherwise.
    created = datetime.combine(day, datetime.min.time())
    book.set_properties({"title": f"Loonjournaalpost {entry(run)}", "created": created})
    write_lines(book, run, lines, journal_id, day)
    write_totals(book, lines)
    book.close()
    return buffer.getvalue()


def sheet_of(book: Workbook, name: str, columns: list[tuple[str, int]], rows: int) -> Worksheet:
    """A sheet with a header line that stays in view and filters."""
    sheet = book.add_worksheet(name)
    header = book.add_format({"bold": True, "bottom": 1})
    for column, (title, width) in enumerate(columns):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, title, header)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, rows, len(columns) - 1)
    return sheet


def formats(book: Workbook) -> tuple[Format, Format]:
    """Of amounts, and of the sums below them."""
    return (
        book.add_format({"num_format": "#,##0.00"}),
        book.add_format({"num_format": "#,##0.00", "bold": True, "top": 1}),
    )


def write_lines(
    book: Workbook,
    run: activities.JournalRun,
    lines: list[activities.JournalLine],
    journal_id: str,
    day: date,
) -> None:
    """The journal line by line. What is text is written as text, so that no cell becomes a formula."""
    sheet = sheet_of(book, "Journaalpost", LINES, len(lines))
    amount, sum_format = formats(book)
    date_format = book.add_format({"num_format": "yyyy-mm-dd"})
    period = run.payroll_period
    for row, line in enumerate(lines, start=1):
        sheet.write_string(row, 0, journal_id)
        sheet.write_string(row, 1, entry(run))
        sheet.write_datetime(row, 2, day, date_format)
        sheet.write_number(row, 3, period.year)
        sheet.write_number(row, 4, period.period_number)
        sheet.write_number(row, 5, row)
        sheet.write_string(row, 6, line.general_ledger_account.code.strip())
        sheet.write_string(row, 7, line.general_ledger_account.description)
        sheet.write_string(row, 8, line.payroll_component.value)
        sheet.write_string(row, 9, line.cost_center.code if line.cost_center else "")
        sheet.write_string(row, 10, line.cost_unit.code if line.cost_unit else "")
        sheet.write_number(row, 11, line.debit_amount / 100, amount)
        sheet.write_number(row, 12, line.credit_amount / 100, amount)
    write_sums(
        sheet,
        len(lines),
        {
            11: sum(line.debit_amount for line in lines),
            12: sum(line.credit_amount for line in lines),
        },
        sum_format,
    )


def write_totals(book: Workbook, lines: list[activities.JournalLine]) -> None:
    """The sums by ledger account and cost centre, by code."""
    groups: dict[tuple[str, str], list[activities.JournalLine]] = defaultdict(list)
    for line in lines:
        center = line.cost_center.code if line.cost_center else ""
        groups[line.general_ledger_account.code.strip(), center].append(line)
    sheet = sheet_of(book, "Totalen", TOTALS, len(groups))
    amount, sum_format = formats(book)
    for row, (account, center) in enumerate(sorted(groups), start=1):
        group = groups[account, center]
        debit = sum(line.debit_amount for line in group)
        credit = sum(line.credit_amount for line in group)
        first = group[0]
        sheet.write_string(row, 0, account)
        sheet.write_string(row, 1, first.general_ledger_account.description)
        sheet.write_string(row, 2, center)
        sheet.write_string(
            row, 3, first.cost_center.description if first.cost_center else ""
        )
        sheet.write_number(row, 4, len(group))
        sheet.write_number(row, 5, debit / 100, amount)
        sheet.write_number(row, 6, credit / 100, amount)
        sheet.write_number(row, 7, (debit - credit) / 100, amount)
    debit = sum(line.debit_amount for line in lines)
    credit = sum(line.credit_amount for line in lines)
    write_sums(sheet, len(groups), {5: debit, 6: credit, 7: debit - credit}, sum_format)


def load_everything() -> None:
    """Makes a small workbook while the component is built.

    What is imported when it is first needed, such as the encoding of names in a
    ZIP file, cannot be imported any more at run time: there are no files.
    """
    book = xlsxwriter.Workbook(io.BytesIO(), {"in_memory": True})
    book.set_properties({"title": "a", "created": datetime(2000, 1, 1)})
    sheet = sheet_of(book, "a", LINES, 1)
    amount, _ = formats(book)
    sheet.write_string(1, 0, "a")
    sheet.write_number(1, 1, 0.5, amount)
    sheet.write_datetime(1, 2, date(2000, 1, 1), amount)
    sheet.write_formula(1, 3, "=SUM(A1:A1)", amount, 0)
    book.close()


def write_sums(
    sheet: Worksheet, rows: int, sums: dict[int, int], sum_format: Format
) -> None:
    """A formula below each of these columns, with its value (cents) for who does not compute it."""
    for column, cents in sums.items():
        letter = chr(ord("A") + column)
        formula = f"=SUM({letter}2:{letter}{rows + 1})"
        sheet.write_formula(rows + 1, column, formula, sum_format, cents / 100)


load_everything()
