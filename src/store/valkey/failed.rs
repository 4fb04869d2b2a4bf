//! What a server, or the way to it, said, as our error. Servers do not repeat passwords, and neither does the client.

use crate::store::StoreError;
use redis::{ErrorKind, RedisError};
use std::error::Error;
use std::sync::Arc;

/// Words with which a server says that it cannot answer just now: it starts, another one is the primary now, a part of
/// the cluster is missing, a script takes long, or too few replicas listen.
const PASSING: [&str; 7] = ["LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS"];

/// With these words a script says that the user may not do what it does.
const IN_SCRIPT: &str = "ACL failure in script";

/// Where a store is, for messages.
pub(super) struct Place {
    /// The URL without its password.
    pub(super) text: String,
    /// Whether the URL names a cluster, in which keys may move to another node.
    pub(super) is_cluster: bool,
}

impl Place {
    /// What the client or the server said, as our error.
    pub(super) fn failed(&self, error: &RedisError) -> StoreError {
        if let Some(certificate) = certificate_problem(error) {
            return self.refused(format!(
                "its certificate is not believed ({certificate}): name the authority's file with ?tls-ca=/PATH, and \
                 the host as the certificate does"
            ));
        }
        match error.code() {
            Some("MOVED" | "ASK") if self.is_cluster => self.away("the keys move to another node".into()),
            Some("MOVED" | "ASK") => {
                self.refused("the server is part of a cluster: write redis-cluster:// instead of redis://".into())
            }
            Some("NOAUTH" | "WRONGPASS") => {
                self.refused(format!("it does not take the name and password of the URL ({error})"))
            }
            Some("NOPERM") => self.not_allowed(error),
            Some(_) | None if error.detail().is_some_and(|text| text.contains(IN_SCRIPT)) => self.not_allowed(error),
            Some("OOM") => self.refused(format!("its memory is full: raise maxmemory ({error})")),
            Some("MISCONF") => self.refused(format!("it cannot write to its disk ({error})")),
            Some(_) | None if is_passing(error) => self.away(error.to_string()),
            Some(_) | None => self.refused(error.to_string()),
        }
    }

    /// It does not answer.
    pub(super) fn away(&self, problem: String) -> StoreError {
        StoreError::Away { place: self.text.clone(), problem }
    }

    /// It holds what samehand cannot have written.
    pub(super) fn damaged(&self, problem: String) -> StoreError {
        StoreError::Damaged { place: self.text.clone(), problem }
    }

    fn not_allowed(&self, error: &RedisError) -> StoreError {
        self.refused(format!(
            "its access rules do not let samehand do this ({error}); see docs/settings.md for what it needs"
        ))
    }

    fn refused(&self, problem: String) -> StoreError {
        StoreError::Refused { place: self.text.clone(), problem }
    }
}

/// Whether the server says that it did nothing because the keys are elsewhere now.
pub(super) fn is_elsewhere(error: &RedisError) -> bool {
    matches!(error.code(), Some("MOVED"))
}

/// Whether the server cannot answer just now, or nothing was heard from it.
pub(super) fn is_passing(error: &RedisError) -> bool {
    let by_kind = [ErrorKind::Io, ErrorKind::ClusterConnectionNotFound].contains(&error.kind());
    let code = error.code().unwrap_or_default();
    // Redis before 7 puts what a script heard into a text of its own.
    let text = error.detail().unwrap_or_default();
    let says = |word: &&str| code == *word || text.contains(&format!("-{word} "));
    by_kind && certificate_problem(error).is_none() || PASSING.iter().any(says)
}

fn certificate_problem(error: &RedisError) -> Option<&rustls::Error> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        // The client hands out what it shares, not what is in it.
        let inner = inner.downcast_ref::<Arc<dyn Error + Send + Sync>>().map_or(inner, |shared| &**shared);
        let of_tls = inner.downcast_ref::<rustls::Error>().or_else(|| {
            let io = inner.downcast_ref::<std::io::Error>()?;
            io.get_ref()?.downcast_ref::<rustls::Error>()
        });
        if let Some(problem @ rustls::Error::InvalidCertificate(_)) = of_tls {
            return Some(problem);
        }
        cause = inner.source();
    }
    None
}
