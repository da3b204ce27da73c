//! The copy in memory is never behind the file.

use super::*;
use crate::platform::{Employers, Entity, JournalRuns, Owner, Owners, PayrollAdministrations};

/// Does something by another connection, as another process does, or by that
/// of the platform itself.
fn change(data: &Data, elsewhere: bool, sql: &str) {
    if elsewhere {
        let other = Connection::open(data.path()).unwrap();
        other.execute_batch(sql).unwrap();
    } else {
        data.execute(sql);
    }
}

#[tokio::test]
async fn a_record_is_read_again_after_every_change_whoever_made_it() {
    let data = Data::seeded().await;
    let employer = seed::employer_id(1);
    for (number, elsewhere) in [true, false, true, false].into_iter().enumerate() {
        // Twice, so that the second comes from the copy.
        data.embedded.employer(employer).await.unwrap();
        data.embedded.employer(employer).await.unwrap();
        let name = format!("Bakkerij {number}");
        let sql = format!("UPDATE employer SET company_name = '{name}' WHERE id = '{employer}'");
        change(&data, elsewhere, &sql);
        let read = data.embedded.employer(employer).await.unwrap();
        assert_eq!(read.company_name, name);
    }
}

#[tokio::test]
async fn whom_something_belongs_to_is_asked_again_after_every_change() {
    let data = Data::seeded().await;
    let entity = Entity::JournalRun(seed::journal_run_id(1, 6));
    let owner = async || data.embedded.owner(entity).await.unwrap();
    for (elsewhere, of) in [(true, 2), (false, 1), (true, 4)] {
        owner().await;
        let sql = format!(
            "UPDATE payroll_administration SET employer = '{}' WHERE id = '{}'",
            seed::employer_id(of),
            seed::payroll_administration_id(1)
        );
        change(&data, elsewhere, &sql);
        let provider = if of == 4 { 2 } else { 1 };
        let expected = Owner {
            employer: seed::employer_id(of),
            provider: seed::provider_id(provider),
        };
        assert_eq!(owner().await, Some(expected));
    }
}

#[tokio::test]
async fn what_does_not_exist_is_found_as_soon_as_it_does() {
    let data = Data::seeded().await;
    let id = Uuid::from_u128(7);
    assert_eq!(
        data.embedded.owner(Entity::Employer(id)).await.unwrap(),
        None
    );
    assert!(data.embedded.employer(id).await.is_err());
    let provider = seed::provider_id(1);
    let sql = format!(
        "INSERT INTO employer (id, provider, number, company_name) VALUES ('{id}', '{provider}', 7, 'Nieuw')"
    );
    change(&data, true, &sql);
    let owner = Owner {
        employer: id,
        provider,
    };
    assert_eq!(
        data.embedded.owner(Entity::Employer(id)).await.unwrap(),
        Some(owner)
    );
    assert_eq!(
        data.embedded.employer(id).await.unwrap().company_name,
        "Nieuw"
    );
}

#[tokio::test]
async fn the_length_of_a_list_is_counted_again_after_every_change() {
    let data = Data::seeded().await;
    let run = seed::journal_run_id(1, 6);
    let length = async || {
        let page = data.embedded.journal_run_results(run, &page(None, 1)).await;
        page.unwrap().total_size
    };
    let first = length().await;
    assert_eq!(length().await, first);
    for (elsewhere, left) in [(true, first - 1), (false, first - 2)] {
        let sql = format!(
            "DELETE FROM journal_line WHERE journal_run = '{run}' AND ord = (SELECT max(ord) FROM journal_line WHERE journal_run = '{run}')"
        );
        change(&data, elsewhere, &sql);
        assert_eq!(length().await, left);
    }
    // Another list of the same kind has a length of its own.
    let other = data
        .embedded
        .payroll_administrations(seed::employer_id(2), &all())
        .await;
    assert_eq!(other.unwrap().total_size, 1);
}
