//! What a decision costs: requests per second of `/auth/nginx` against a handler in the same server that answers the same
//! bytes and does nothing. Run with `cargo bench --bench request_path`.
//!
//! Two ratios are told: of the requests per second that client and server reach together, and of the processor time that
//! the server alone takes for a request, which does not depend on how the client wakes up.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start says so and stops")]

mod harness;

use harness::{Comparison, Service, request};

fn main() {
    let directory = tempfile::tempdir().unwrap();
    println!(
        "| algorithm | /auth/nginx per second | empty handler per second | ratio: median (lowest to highest) \
         | /auth/nginx, server µs each | empty handler, server µs each | ratio: median (lowest to highest) |"
    );
    println!("|---|---|---|---|---|---|---|");
    for algorithm in ["HS256", "EdDSA", "ES256", "RS256"] {
        let Service { address, token } = Service::start(directory.path(), algorithm, &[]);
        let (decide, nothing) = (request("/auth/nginx", &token), request("/nothing", &token));
        let compared = Comparison::run((address, &decide), (address, &nothing));
        println!("| {algorithm} | {} | {} |", compared.per_second(), compared.server_microseconds());
    }
}
