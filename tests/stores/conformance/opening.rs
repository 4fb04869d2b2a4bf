//! Getting hold of a store, and what it says when that fails.

use super::{Fixture, name, together, user};
use samehand::store::{self, Access, StoreError, UserChange, all_users};

pub(crate) async fn several_processes_create_an_empty_store_at_once(fixture: &impl Fixture) {
    let processes = (0..4).map(|number| {
        let address = fixture.address();
        async move {
            let store = store::open(&address, Access::Create).await.unwrap();
            store.add_users(&[user(&format!("user{number}"))]).await.unwrap();
        }
    });
    together(processes).await;
    assert_eq!(all_users(&*fixture.open().await).await.unwrap().len(), 4);
}

pub(crate) async fn only_who_may_create_a_store_does(fixture: &impl Fixture) {
    for _ in 0..2 {
        let refused = store::open(&fixture.address(), Access::Existing).await.err().expect("there is no store");
        let place = fixture.address().to_string();
        assert!(matches!(&refused, StoreError::Missing { place: said } if *said == place), "{refused}");
    }
    fixture.open().await;
    store::open(&fixture.address(), Access::Existing).await.unwrap();
}

pub(crate) async fn a_store_is_prepared_any_number_of_times(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.add_users(&[user("bob")]).await.unwrap();
    store.prepare().await.unwrap();
    fixture.open().await.prepare().await.unwrap();
    assert_eq!(store.user(&name("bob")).await.unwrap(), Some(user("bob")));
    assert_eq!(store.place(), fixture.address().to_string());
}

pub(crate) async fn what_one_process_wrote_another_reads_at_once(fixture: &impl Fixture) {
    let (service, command_line) = (fixture.open().await, fixture.open().await);
    assert_eq!(service.user(&name("bob")).await.unwrap(), None);
    command_line.add_users(&[user("bob")]).await.unwrap();
    assert_eq!(service.user(&name("bob")).await.unwrap(), Some(user("bob")));
    let disabled = UserChange { disabled: Some(true), ..UserChange::default() };
    service.change_user(&name("bob"), &disabled, 200).await.unwrap();
    assert!(command_line.user(&name("bob")).await.unwrap().unwrap().disabled);
}

pub(crate) async fn a_row_that_samehand_cannot_have_written_is_named(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.add_users(&[user("bob")]).await.unwrap();
    fixture.write_email(&name("bob"), "a,b@c").await;
    let disabled = UserChange { disabled: Some(true), ..UserChange::default() };
    let refused = [
        store.user(&name("bob")).await.err(),
        store.users_after(None, 10).await.err(),
        store.change_user(&name("bob"), &disabled, 200).await.err(),
    ];
    for refused in refused {
        let refused = refused.expect("the row is damaged");
        assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
        let message = refused.to_string();
        assert!(message.contains("bob") && message.contains(&store.place()), "{message}");
        assert!(!message.contains("hash-of-a-password"), "{message}");
    }
}

pub(crate) async fn no_message_shows_a_password(fixture: &impl Fixture) {
    let mut said = vec![store::open(&fixture.address(), Access::Existing).await.err().expect("nothing is there")];
    for hopeless in fixture.hopeless() {
        said.push(store::open(&hopeless, Access::Create).await.err().expect("no store can be opened there"));
    }
    let store = fixture.open().await;
    store.add_users(&[user("bob")]).await.unwrap();
    said.extend(store.add_users(&[user("bob")]).await.err());
    let mut texts: Vec<String> = said.iter().flat_map(|error| [error.to_string(), format!("{error:?}")]).collect();
    texts.extend([store.place(), fixture.address().to_string()]);
    for password in fixture.passwords().into_iter().chain(["hash-of-a-password".to_owned()]) {
        for text in &texts {
            assert!(!text.contains(&password), "{text}");
        }
    }
}
