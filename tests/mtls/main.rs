//! Client certificates: real handshakes with the real proxies, a real authority, and samehand behind them.

#[path = "../support/mod.rs"]
mod support;

mod bound;
mod handed_over;
mod world;

use support::authority::Authority;

/// Every header that some proxy hands certificates over in, and spellings of it.
const NAMES: [&str; 7] = [
    "X-Client-Cert",
    "X_Client_Cert",
    "X.Client.Cert",
    "X-Forwarded-Tls-Client-Cert",
    "X_Forwarded_Tls_Client_Cert",
    "X-Forwarded-Client-Cert",
    "Client-Cert",
];

/// An authority with a certificate for the host of the tests.
#[track_caller]
fn authority() -> Authority {
    Authority::new("DNS:app.example.com")
}
