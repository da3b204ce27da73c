//! Demonstration data of other sizes: without lines and results, or with very
//! many, for whoever tries how a connector takes that.

use super::Embedded;
use super::seed::WAGE_TAX_YEAR;
use crate::bindings::koppel::loket::types::ActivityError;
use rusqlite::{Transaction, TransactionBehavior, params};

/// How often each line of a journal is there.
const LINES: u32 = 1_000;

/// How many employments each employee has.
const EMPLOYMENTS: u32 = 20;

impl Embedded {
    /// Removes the lines of all journal runs and the results of all payroll
    /// runs.
    ///
    /// # Errors
    ///
    /// `unavailable` or `other` when the database cannot be written.
    pub async fn clear_results(&self) -> Result<(), ActivityError> {
        self.ask(|connection| {
            let t = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            t.execute_batch("DELETE FROM journal_line; DELETE FROM payroll_run_result;")?;
            Ok(t.commit()?)
        })
        .await
    }

    /// Gives the sixth journal run of every employer a thousand times its lines, and every
    /// employee twenty employments with the same results.
    ///
    /// # Errors
    ///
    /// As for [`Self::clear_results`].
    pub async fn enlarge(&self) -> Result<(), ActivityError> {
        self.ask(|connection| {
            let t = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            lines(&t)?;
            employments(&t)?;
            Ok(t.commit()?)
        })
        .await
    }
}

fn lines(t: &Transaction<'_>) -> rusqlite::Result<()> {
    t.execute(
        "WITH RECURSIVE copy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < ?1)
         INSERT INTO journal_line (journal_run, ord, account_code, account_description,
             cost_center_code, cost_center_description, cost_unit_code, cost_unit_description,
             component_key, component_value, debit, credit)
         SELECT journal_run, line.ord + n * 1000, account_code, account_description,
             cost_center_code, cost_center_description, cost_unit_code, cost_unit_description,
             component_key, component_value, debit, credit
         FROM journal_line AS line
         JOIN journal_run ON journal_run.id = line.journal_run AND journal_run.period_number = 6, copy",
        params![LINES - 1],
    )?;
    Ok(())
}

fn employments(t: &Transaction<'_>) -> rusqlite::Result<()> {
    // Identifiers that look like others: the last four digits are the number of
    // the copy.
    t.execute(
        "WITH RECURSIVE copy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < ?1)
         INSERT INTO employment (id, employee, payroll_administration, payroll_employee_number,
             income_relationship_number, start_date, end_date, income_period)
         SELECT substr(id, 1, 32) || printf('%04x', n), employee, payroll_administration,
             payroll_employee_number + n * 1000, income_relationship_number + n, start_date,
             end_date, income_period
         FROM employment, copy",
        params![EMPLOYMENTS - 1],
    )?;
    t.execute(
        "WITH RECURSIVE copy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < ?1)
         INSERT INTO payroll_run_result (payroll_run, ord, employment, component_key,
             component_value, column_key, column_value, value)
         SELECT payroll_run, result.ord + n * 100000,
             substr(employment, 1, 32) || printf('%04x', n), component_key,
             component_value, column_key, column_value, value
         FROM payroll_run_result AS result, copy
         WHERE payroll_run IN (SELECT id FROM payroll_run WHERE year = ?2)",
        params![EMPLOYMENTS - 1, WAGE_TAX_YEAR],
    )?;
    Ok(())
}
