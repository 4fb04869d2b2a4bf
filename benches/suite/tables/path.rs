//! The decision alone: `/auth/nginx` against a handler of the same server that answers the same bytes and decides nothing.

use super::{Draft, Values, column, spread_column};
use crate::in_process::{Asking, CLIENT, Comparison, Service, bearer, signing_with};
use crate::options::Options;
use crate::report::Table;
use crate::statistics::{ratios, spread};
use crate::support::{prover::Prover, shipped, token::Token};
use samehand::app::now;
use samehand::check::identifiers::Revision;
use samehand::check::observed::{CookieProof, Proofs};
use samehand::check::revocation::{Entry, Reach, RevokedId};
use samehand::check::thumbprint::Thumbprint;
use std::time::Duration;

/// What a token is signed with where a row has to sign one that samehand would not.
const SECRET: &str = "the benchmark knows this one, 4sTq9vWm2Lx";
/// Tokens that are shown in turns, and that are shown for the first time.
const TOKENS: usize = 10_000;
/// Proofs of one round.
const PROOFS: usize = 4_000;

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
    let binding = "HS256, bound to";
    draft.measure(&format!("{binding} the browser family and a proof cookie"), || cookie(options.rounds, length));
    draft.measure(&format!("{binding} the browser family and a client certificate"), || {
        certificate(options.rounds, length)
    });
    draft.measure(&format!("{binding} a key, with a DPoP proof (ES256) of each request"), || dpop(options.rounds));
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
    let lines: Vec<String> = (0..count).map(|_| bearer(&service.mint())).collect();
    match shown {
        Shown::One | Shown::InTurns => compare(&service, question(&service, &lines), rounds, length),
        Shown::Once => {
            drop(service);
            let mut compared = Comparison::default();
            for _ in 0..rounds {
                // The same keys, and nothing remembered. What is imitated is the answer to a token that is not one of these.
                let service = Service::start(directory.path(), settings, &[]);
                let other = [bearer(&service.mint())];
                service.imitate(&question(&service, &other));
                let asking = question(&service, &lines);
                compared.each_once(&asking, &asking.at("/nothing"))?;
            }
            Ok(values(&compared))
        }
    }
}

/// Settings under which a token is bound to the browser and to this.
fn binding_to(part: &'static str) -> Vec<(&'static str, String)> {
    let own = [
        ("REQUIRE_SAME", if part == "dpop" { part.to_owned() } else { format!("user-agent,{part}") }),
        ("TOKEN_FROM", "authorization".into()),
        ("COOKIE_NAME", "session".into()),
        ("CLIENT_CERT_HEADER", "X-Client-Cert".into()),
        ("DPOP_NONCE", "off".into()),
    ];
    own.into()
}

fn cookie(rounds: usize, length: Duration) -> Result<Values, String> {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), &binding_to("cookie"), &[]);
    // 256 bits in base64url, as samehand makes them.
    let secret = "c2VjcmV0IG9mIHRoZSBwcm9vZiBjb29raWUgMTIzNDU";
    let minted = service.mint_with(Proofs { cookie: CookieProof::Secret(secret), ..Proofs::default() });
    compare(
        &service,
        question(&service, &[format!("{}Cookie: session-proof={secret}\r\n", bearer(&minted.token))]),
        rounds,
        length,
    )
}

fn certificate(rounds: usize, length: Duration) -> Result<Values, String> {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), &binding_to("mtls"), &[]);
    let pem = shipped::file("tests/data/certificates/rfc8705.pem");
    let certificate = Thumbprint::of(pem::parse(&pem).unwrap().contents());
    let minted = service.mint_with(Proofs { certificate: Some(certificate), ..Proofs::default() });
    // As nginx has it in $ssl_client_escaped_cert.
    let escaped: String = pem
        .bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    compare(
        &service,
        question(&service, &[format!("{}X-Client-Cert: {escaped}\r\n", bearer(&minted.token))]),
        rounds,
        length,
    )
}

/// What has to be let in.
fn question<'a>(service: &Service, shown: &'a [String]) -> Asking<'a> {
    Asking { address: service.address, path: "/auth/nginx", shown, client: CLIENT, status: 200 }
}

/// Each proof is good once, so that each round has proofs of its own.
fn dpop(rounds: usize) -> Result<Values, String> {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(directory.path(), &binding_to("dpop"), &[]);
    let prover = Prover::new();
    let key = Thumbprint::read(&prover.thumbprint());
    let token = service.mint_with(Proofs { key, ..Proofs::default() }).token;
    let prove = |_| {
        let proof = prover.sign(&prover.draft("GET", "https://app.example.com/some/path").with_token(&token));
        format!("Authorization: DPoP {token}\r\nDPoP: {proof}\r\n")
    };
    service.imitate(&question(&service, &[prove(0)]));
    let mut compared = Comparison::default();
    for _ in 0..rounds {
        let shown: Vec<String> = (0..PROOFS).map(prove).collect();
        let asking = question(&service, &shown);
        compared.each_once(&asking, &asking.at("/nothing"))?;
    }
    Ok(values(&compared))
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
    let shown: Vec<String> = token.iter().map(|token| bearer(token)).collect();
    let asking = Asking { address: service.address, path: "/auth/nginx", shown: &shown, client, status };
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
