//! What a server, or the way to it, said, as our error. Servers do not repeat passwords, and neither does the client.

use crate::store::StoreError;
use redis::{ErrorKind, RedisError};
use std::error::Error;

/// Words with which a server says that it cannot answer just now: it starts, another one is the primary now, a part of
/// the cluster is missing, a script takes long, or too few replicas listen.
const PASSING: [&str; 7] = ["LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS"];

/// The error of a store at this place.
pub(super) fn failed(place: &str, error: &RedisError) -> StoreError {
    let place = place.to_owned();
    if let Some(certificate) = certificate_problem(error) {
        let problem = format!(
            "its certificate is not believed ({certificate}): name the authority's file with ?tls-ca=/PATH, and the host \
             as the certificate does"
        );
        return StoreError::Refused { place, problem };
    }
    let problem = match error.code() {
        Some("MOVED" | "ASK") => "the server is part of a cluster: write redis-cluster:// instead of redis://".into(),
        Some("NOAUTH" | "WRONGPASS") => format!("it does not take the name and password of the URL ({error})"),
        Some("NOPERM") => format!("its access rules do not let samehand do this ({error}); see docs/settings.md"),
        Some("OOM") => format!("its memory is full: raise maxmemory ({error})"),
        Some("MISCONF") => format!("it cannot write to its disk ({error})"),
        Some(_) | None => error.to_string(),
    };
    match is_passing(error) {
        true => StoreError::Away { place, problem },
        false => StoreError::Refused { place, problem },
    }
}

/// Whether the connection, and not the question, was at fault, so that the question can be asked again on another one.
pub(super) fn is_dropped(error: &RedisError) -> bool {
    error.is_connection_dropped() || error.is_unrecoverable_error()
}

fn is_passing(error: &RedisError) -> bool {
    let by_kind = [ErrorKind::Io, ErrorKind::ClusterConnectionNotFound].contains(&error.kind());
    let code = error.code().unwrap_or_default();
    // Redis before 7 puts what a script heard into a text of its own.
    let text = error.detail().unwrap_or_default();
    let says = |word: &&str| code == *word || text.contains(&format!("-{word} "));
    by_kind || PASSING.iter().any(says)
}

fn certificate_problem(error: &RedisError) -> Option<&rustls::Error> {
    let mut cause = error.source();
    while let Some(inner) = cause {
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
