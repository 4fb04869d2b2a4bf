//! A primary that sentinels watch: after a failover the store finds the new one by itself.

use super::address;
use crate::conformance::{all_entries, now, run, token};
use crate::support::valkey::sentinel::Watched;
use crate::support::valkey::{when_it_is_away, when_it_is_back};
use samehand::check::identifiers::Revision;
use samehand::store::{self, Access, StoreError};

#[test]
fn after_a_failover_the_store_works_again_by_itself() {
    run(async {
        let mut watched = Watched::start();
        let store = store::open(&address(&watched.url()), Access::Create).await.unwrap();
        let now = now(&*store).await;
        let before = store.revoke(&[token("before", now)]).await.unwrap();
        watched.replica_has_all();
        watched.notices_soon();
        watched.primary.kill_hard();
        let after = when_it_is_back(async || store.revoke(&[token("after", now)]).await).await;
        assert_eq!(all_entries(&*store).await, [before.entries, after.entries].concat());
        let mut news = store.subscribe().await.unwrap();
        store.revoke(&[token("later", now)]).await.unwrap();
        news.next().await.unwrap();
    });
}

#[test]
fn a_store_leaves_a_primary_that_the_sentinels_have_replaced() {
    run(async {
        let watched = Watched::start();
        let store = store::open(&address(&watched.url()), Access::Create).await.unwrap();
        let now = now(&*store).await;
        watched.replica_has_all();
        watched.notices_soon();
        watched.primary.pause();
        let after = when_it_is_back(async || store.revoke(&[token("after", now)]).await).await;
        // The old primary comes back and does not know yet that it is none.
        watched.primary.resume();
        assert_eq!(all_entries(&*store).await, after.entries);
    });
}

#[test]
fn a_primary_that_the_sentinels_do_not_know_is_refused() {
    run(async {
        let watched = Watched::start();
        let url = watched.url().replace("samehand-primary", "somebody-else");
        let refused = store::open(&address(&url), Access::Create).await.err().expect("nobody watches it");
        assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
        assert!(refused.to_string().contains("no primary of the name"), "{refused}");
    });
}

#[test]
fn who_follows_a_store_hears_that_the_sentinels_name_another_primary() {
    run(async {
        let watched = Watched::start();
        let store = store::open(&address(&watched.url()), Access::Create).await.unwrap();
        watched.replica_has_all();
        // The old primary lives on: only the sentinels say that it is none any more.
        watched.fail_over();
        let said = when_it_is_away(async || store.changes(Revision::NONE, 10).await).await;
        assert!(said.is_passing(), "{said}");
        when_it_is_back(async || store.changes(Revision::NONE, 10).await).await;
    });
}
