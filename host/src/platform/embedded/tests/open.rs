use super::*;

/// Why a file cannot be opened, with its name shortened.
#[track_caller]
fn refused(path: &Path) -> String {
    match Embedded::open(path) {
        Err(error) => error.to_string().replace(&*path.to_string_lossy(), "x.db"),
        Ok(_) => panic!("it is opened"),
    }
}

#[test]
fn a_database_of_another_version_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    for found in [SCHEMA + 1, -1] {
        drop(Embedded::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection
            .pragma_update(None, "user_version", found)
            .unwrap();
        drop(connection);
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(
            refused(&path),
            format!("x.db has schema {found}; this version of koppel reads schema {SCHEMA}")
        );
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let text = "a text of some length, which is no database at all";
    std::fs::write(&path, text).unwrap();
    assert_eq!(
        refused(&path),
        "x.db is not a database of koppel: file is not a database"
    );
    assert_eq!(std::fs::read(&path).unwrap(), text.as_bytes());
}

#[test]
fn a_database_of_something_else_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let foreign = || {
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(refused(&path), "x.db is a database of something else");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        std::fs::remove_file(&path).unwrap();
    };
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("CREATE TABLE notes (text)")
        .unwrap();
    drop(connection);
    foreign();
    drop(crate::ledger::Ledger::open(&path, Default::default()).unwrap());
    foreign();
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let Err(error) = Embedded::open(&file.join("data/koppel.db")) else {
        panic!("it is opened");
    };
    let start = format!("{} cannot be made: ", file.join("data").display());
    assert!(error.to_string().starts_with(&start), "{error}");
}

#[tokio::test]
async fn the_file_is_made_with_its_directories_and_keeps_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/koppel.db");
    let embedded = Embedded::open(&path).unwrap();
    embedded.seed().await.unwrap();
    drop(embedded);
    let again = Embedded::open(&path).unwrap();
    let entity = Entity::Employer(seed::employer_id(1));
    assert!(again.owner(entity).await.unwrap().is_some());
}

#[tokio::test]
async fn the_owner_of_each_entity_is_its_employer_and_the_provider_of_that() {
    let data = Data::seeded().await;
    for (employer, provider) in [(1, 1), (3, 1), (4, 2)] {
        let owner = Owner {
            employer: seed::employer_id(employer),
            provider: seed::provider_id(provider),
        };
        for entity in [
            Entity::Employer(seed::employer_id(employer)),
            Entity::PayrollAdministration(seed::payroll_administration_id(employer)),
            Entity::PayrollRun(seed::payroll_run_id(employer, 7)),
            Entity::JournalRun(seed::journal_run_id(employer, 7)),
        ] {
            let found = data.embedded.owner(entity).await;
            assert_eq!(found.unwrap(), Some(owner), "{entity:?}");
        }
    }
}

#[tokio::test]
async fn what_does_not_exist_has_no_owner() {
    let data = Data::seeded().await;
    let unknown = Uuid::from_u128(9);
    for entity in [
        Entity::Employer(unknown),
        Entity::PayrollAdministration(unknown),
        Entity::PayrollRun(unknown),
        Entity::JournalRun(unknown),
        // The identifier of another sort of thing.
        Entity::Employer(seed::provider_id(1)),
        Entity::Employer(seed::journal_run_id(1, 1)),
        Entity::PayrollAdministration(seed::employer_id(1)),
        Entity::PayrollRun(seed::journal_run_id(1, 1)),
        Entity::JournalRun(seed::payroll_run_id(1, 1)),
    ] {
        let found = data.embedded.owner(entity).await;
        assert_eq!(found.unwrap(), None, "{entity:?}");
    }
}

#[tokio::test]
async fn a_database_that_fails_gives_an_error_that_tells_nothing_of_it() {
    let data = Data::seeded().await;
    data.execute("DROP TABLE vehicle");
    assert_eq!(
        crate::platform::Vehicles::additional_tax_liability(&data.embedded, "11ZKZ3").await,
        Err(ActivityError::Other(
            "the payroll data cannot be read or written".to_owned()
        ))
    );
}
