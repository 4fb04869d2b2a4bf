//! The decision alone: `/auth/nginx` against a handler of the same server that answers the same bytes and decides nothing.

use super::{Draft, Values, column, spread_column};
use crate::in_process::{Asking, CLIENT, Comparison, Service, signing_with};
use crate::options::Options;
use crate::report::Table;
use crate::statistics::{ratios, spread};
use crate::support::token::Token;
use samehand::app::now;
use samehand::check::identifiers::Revision;
use samehand::check::revocation::{Entry, Reach, RevokedId};
use std::time::Duration;

/// What a token is signed with where a row has to sign one that samehand would not.
const SECRET: &str = "the benchmark knows this one, 4sTq9vWm2Lx";
/// Tokens that are shown in turns, and that are shown for the first time.
const TOKENS: usize = 10_000;

/// Which tokens a row shows.
enum Shown {
    /// One, again and again.
    One,
    /// Many, in turns.
    InTurns,
    /// Many, each once, to a service that has just started.
    Once,
}

pub(crate) fn measure(options: &Options) -> Option<Table> {
    let length = Duration::from_secs(options.seconds.into()) / 4;
    let reading = "The release build in one process with one worker, over TCP: `/auth/nginx` against a handler of the same \
        server that answers the same bytes and decides nothing. A ratio of 1 is the speed of not being there. The second \
        ratio is of the server's processor time, which does not depend on how the client wakes up (there, less is better).";
    let columns = [
        column("per_second", "/auth/nginx, answers/s", -2),
        column("empty_per_second", "empty handler, answers/s", -2),
        spread_column("speed", "speed, of the empty handler's", 2),
        column("microseconds", "processor µs each", 1),
        spread_column("time", "processor time, of the empty handler's", 2),
    ];
    let title = ("path", "The decision against an empty handler");
    let mut draft = Draft::begin(options, title, reading, length.as_secs_f64(), &columns);
    let ways =
        [(Shown::One, "one token, repeated"), (Shown::InTurns, "10,000 tokens in turns"), (Shown::Once, "first sight")];
    for algorithm in ["HS256", "ES256", "EdDSA", "RS256"] {
        for (shown, words) in &ways {
            let settings = signing_with(algorithm);
            draft.measure(&format!("{algorithm}, {words}"), || allowed(&settings, shown, options.rounds, length));
        }
    }
    for (words, name, value) in [
        ("the same address and browser family (default)", "REQUIRE_SAME", "ip,user-agent"),
        ("the same address and exact User-Agent", "USER_AGENT_MATCH", "exact"),
        ("the same /24 and browser family", "IPV4_PREFIX", "24"),
        ("the same address", "REQUIRE_SAME", "ip"),
        ("the same browser family", "REQUIRE_SAME", "user-agent"),
        ("bound to nothing", "REQUIRE_SAME", "none"),
        ("fingerprint of the article", "FINGERPRINT", "article"),
    ] {
        let mut settings = vec![(name, value.to_owned()), ("SECRET", SECRET.into())];
        settings.push(("SALT", "another one for the fingerprint, q7".into()));
        draft.measure(&format!("HS256, {words}"), || allowed(&settings, &Shown::One, options.rounds, length));
    }
    for (words, denial) in [
        ("no token", Denial::NoToken),
        ("forged signature", Denial::Forged),
        ("expired", Denial::Expired),
        ("revoked", Denial::Revoked),
        ("another client", Denial::OtherClient),
    ] {
        draft.measure(&format!("refused: {words}"), || denied(&denial, options.rounds, length));
    }
    draft.end()
}

fn allowed(settings: &[(&str, String)], shown: &Shown, rounds: usize, length: Duration) -> Result<Values, String> {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), settings, &[]);
    let count = match shown {
        Shown::One => 1,
        Shown::InTurns | Shown::Once => TOKENS,
    };
    let tokens: Vec<String> = (0..count).map(|_| service.mint()).collect();
    let asking = |service: &Service| Asking {
        address: service.address,
        path: "/auth/nginx",
        tokens: &tokens,
        client: CLIENT,
        status: 200,
    };
    match shown {
        Shown::One | Shown::InTurns => compare(&service, asking(&service), rounds, length),
        Shown::Once => {
            drop(service);
            let mut compared = Comparison::default();
            for _ in 0..rounds {
                // The same keys, and nothing remembered. What is imitated is the answer to a token that is not one of these.
                let service = Service::start(directory.path(), settings, &[]);
                let other = [service.mint()];
                service.imitate(&Asking { tokens: &other, ..asking(&service) });
                compared.each_once(&asking(&service), &asking(&service).at("/nothing"))?;
            }
            Ok(values(&compared))
        }
    }
}

enum Denial {
    NoToken,
    Forged,
    Expired,
    Revoked,
    OtherClient,
}

fn denied(denial: &Denial, rounds: usize, length: Duration) -> Result<Values, String> {
    let directory = tempfile::tempdir().unwrap();
    let settings = [("SECRET", SECRET.to_owned())];
    let service = Service::start(directory.path(), &settings, &[]);
    let good = service.mint();
    let mut taken_apart = Token::parse(&good);
    let (token, client, status, revoked) = match denial {
        Denial::NoToken => (None, CLIENT, 401, None),
        Denial::Forged => (Some(taken_apart.signed("somebody else's secret")), CLIENT, 401, None),
        Denial::Expired => {
            taken_apart.claims["iat"] = (now() - 7200).into();
            taken_apart.claims["exp"] = (now() - 3600).into();
            (Some(taken_apart.signed(SECRET)), CLIENT, 401, None)
        }
        Denial::Revoked => {
            let id = RevokedId::token(taken_apart.claims["jti"].as_str().unwrap());
            let expires_at = taken_apart.claims["exp"].as_u64().unwrap();
            let entry = Entry { id, reach: Reach::Itself, revision: Revision::NONE, expires_at };
            (Some(good), CLIENT, 401, Some(entry))
        }
        Denial::OtherClient => (Some(good), "192.0.2.99", 403, None),
    };
    drop(service);
    let service = Service::start(directory.path(), &settings, revoked.as_slice());
    let tokens: Vec<String> = token.into_iter().collect();
    let asking = Asking { address: service.address, path: "/auth/nginx", tokens: &tokens, client, status };
    compare(&service, asking, rounds, length)
}

fn compare(service: &Service, asking: Asking<'_>, rounds: usize, length: Duration) -> Result<Values, String> {
    service.imitate(&asking);
    Comparison::run(&asking, &asking.at("/nothing"), rounds, length).map(|compared| values(&compared))
}

/// The figures of a comparison with the empty handler.
fn values(compared: &Comparison) -> Values {
    let ([per_second, of_empty], [time, time_of_empty]) = (compared.per_second(), compared.server_microseconds());
    Values::default()
        .with("per_second", spread(&per_second))
        .with("empty_per_second", spread(&of_empty))
        .with("speed", ratios(&per_second, &of_empty))
        .with("microseconds", spread(&time))
        .with("time", ratios(&time, &time_of_empty))
}
