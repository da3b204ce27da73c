//! Modules that are turned at run time.

use super::*;
use crate::authorization::ModuleSet;
use crate::platform::{ModuleState, Modules};

async fn on(data: &Embedded, employer: Uuid) -> Vec<&'static str> {
    let on = data.modules_on().await.unwrap();
    let mut on: Vec<_> = on
        .get(&employer)
        .into_iter()
        .flat_map(ModuleSet::iter)
        .collect();
    on.sort();
    on
}

#[tokio::test]
async fn a_module_is_on_until_it_is_turned_off_and_who_did_it_is_kept() {
    let data = Data::seeded().await;
    let (one, two) = (seed::employer_id(1), seed::employer_id(2));
    let none: [&str; 0] = [];
    assert_eq!(on(&data.embedded, one).await, none);
    for module in ["fleurtjedag", "achmea"] {
        let turned = data.embedded.turn_module(one, module, true, "anna");
        turned.await.unwrap();
    }
    assert_eq!(on(&data.embedded, one).await, ["achmea", "fleurtjedag"]);
    assert_eq!(on(&data.embedded, two).await, none);
    let turned = data.embedded.turn_module(one, "achmea", false, "bea");
    turned.await.unwrap();
    assert_eq!(on(&data.embedded, one).await, ["fleurtjedag"]);
    let states = data.embedded.modules_of(one).await.unwrap();
    let [achmea, flowers] = states.as_slice() else {
        panic!("{states:?}");
    };
    assert_eq!(
        achmea,
        &ModuleState {
            module: "achmea".to_owned(),
            on: false,
            user: "bea".to_owned(),
            time: achmea.time.clone(),
        }
    );
    assert!(achmea.time.parse::<jiff::Timestamp>().is_ok());
    assert_eq!((flowers.on, flowers.user.as_str()), (true, "anna"));
}

#[tokio::test]
async fn what_another_process_turned_is_seen_at_once() {
    let data = Data::seeded().await;
    let employer = seed::employer_id(1);
    let other = Embedded::open(&data.path()).unwrap();
    for turned in [true, false, true] {
        let done = other.turn_module(employer, "achmea", turned, "anna");
        done.await.unwrap();
        let seen = on(&data.embedded, employer).await;
        assert_eq!(seen.contains(&"achmea"), turned);
    }
}

#[tokio::test]
async fn without_a_change_the_same_copy_is_used() {
    let data = Data::seeded().await;
    let first = data.embedded.modules_on().await.unwrap();
    let second = data.embedded.modules_on().await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
}

#[tokio::test]
async fn a_module_of_no_employer_cannot_be_turned() {
    let data = Data::seeded().await;
    let turned = data
        .embedded
        .turn_module(Uuid::from_u128(9), "achmea", true, "anna");
    assert!(turned.await.is_err());
}
