//! `samehand token mint | inspect | revoke`.

mod revoke;

use super::opened::Opened;
use super::trail::Deed;
use super::{Failure, Outcome, print, ring};
use crate::check::certificate;
use crate::check::client_ip::{ClientIp, parse_address};
use crate::check::credential::BearerToken;
use crate::check::decision::Reason;
use crate::check::names::UserName;
use crate::check::observed::{CookieProof, ObservedClient, Proofs};
use crate::check::parts::Part;
use crate::check::policy::{Format, Policy};
use crate::check::proofs;
use crate::check::revocation::{self, Knowledge, LiveToken, RevocationError, RevocationSet};
use crate::check::thumbprint::Thumbprint;
use crate::check::token::{self, Expiry, danger_unverified};
use crate::check::user_agent::UserAgent;
use crate::check::vouched;
use crate::config::{Config, duration};
use crate::issue::{Grant, Minter, Terms};
use crate::keys::Missing;
use crate::sessions;
use crate::store::Access;
use actix_web::http::header::HeaderMap;
use serde_json::{Map, Value, json};
use std::fs;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print a token that is bound to a client.
    Mint(Mint),
    /// Print a token's header, claims, age, size and verdict; its client is not checked.
    Inspect(Inspect),
    /// Take back a token, a session, all that a user has, or everything; in force within a second.
    Revoke(revoke::Args),
}

#[derive(clap::Args)]
struct Mint {
    /// Who the token is for; groups, name and e-mail of an existing user go into it.
    #[arg(long, value_name = "NAME")]
    user: String,
    /// The client's address, as samehand will derive it.
    #[arg(long, value_parser = read_address)]
    ip: IpAddr,
    /// The client's User-Agent; empty for a client that sends none.
    #[arg(long, value_name = "UA")]
    user_agent: String,
    /// The key that the client signs DPoP proofs with: its thumbprint, 43 characters (RFC 7638).
    #[arg(long, value_name = "THUMBPRINT", allow_hyphen_values = true)]
    dpop_jkt: Option<String>,
    /// How long it is good, such as 30s, 15m, 8h, 7d.
    #[arg(long)]
    ttl: Option<String>,
    /// What stands in for the proof cookie, where the settings name `cookie`: the secret that the client will send in it, 43
    /// characters of base64url; or `session` for a token that goes into the session cookie.
    #[arg(long, value_name = "SECRET|session", allow_hyphen_values = true)]
    cookie_proof: Option<String>,
    /// A claim of your own; V is JSON when it reads as JSON, else text.
    #[arg(long = "claim", value_name = "K=V")]
    claims: Vec<String>,
    /// A PEM file with the certificate that the client shows to the proxy.
    #[arg(long, value_name = "FILE", conflicts_with = "certificate_thumbprint")]
    certificate: Option<PathBuf>,
    /// The same by its x5t#S256: SHA-256 of the DER, 43 characters of base64url.
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    certificate_thumbprint: Option<String>,
    /// What the proxy sends as a part of SAMEHAND_HEADER_PARTS; empty where it sends nothing.
    #[arg(long = "part", value_name = "NAME=VALUE")]
    parts: Vec<String>,
}

#[derive(clap::Args)]
struct Inspect {
    /// The token; read from standard input when left out or `-`.
    token: Option<String>,
    /// As one JSON object.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What is noted in the audit trail; a revocation notes itself, when it is known what it ends.
    pub(super) fn deed(&self) -> Deed {
        match &self.command {
            Command::Mint(mint) => Some(("token-mint", mint.user.to_lowercase())),
            Command::Inspect(_) | Command::Revoke(_) => None,
        }
    }
}

pub(super) fn run(args: Args, config: &Config, now: u64) -> Outcome {
    match args.command {
        Command::Mint(args) => mint(&args, config, now),
        Command::Inspect(args) => inspect(args, config, now),
        Command::Revoke(args) => revoke::run(args, config, now),
    }
}

fn mint(args: &Mint, config: &Config, now: u64) -> Outcome {
    let usage = |option: &str, problem: &dyn std::fmt::Display| Failure::Usage(format!("--{option}: {problem}"));
    let subject = UserName::typed(&args.user).map_err(|error| usage("user", &error))?;
    let ttl = args.ttl.as_deref().map(duration::seconds).transpose().map_err(|error| usage("ttl", &error))?;
    let claims = read_claims(&args.claims)?;
    let user_agent = Some(args.user_agent.as_str()).filter(|user_agent| !user_agent.is_empty());
    let user_agent = UserAgent::vouched(user_agent).map_err(|error| usage("user-agent", &error))?;
    let ip = ClientIp::vouched(args.ip);
    if config.policy.trusted_proxies.contains(ip.address()) {
        print::note(&format!("warning: {ip} is a trusted proxy, and hardly the address of a client"));
    }
    let cookie = cookie_proof(args.cookie_proof.as_deref(), &config.policy)?;
    let proxy_headers = proxy_headers(args, &config.policy).map_err(|problem| usage("part", &problem))?;
    let certificate = vouched::certificate(&config.policy, certificate_of(args)?);
    let certificate = certificate.map_err(|error| usage("certificate", &error))?;
    let proofs = Proofs { cookie, certificate, proxy_headers: Some(&proxy_headers), ..Proofs::default() };
    let client = ObservedClient::new(ip, user_agent).with_proofs(proofs);
    let keys = ring::load(config, Missing::Create(now))?;
    let store = Opened::at(&config.store, Access::Create)?;
    let issued_under = store.wait(store.revision())?;
    let grant = grant_for(&store, subject)?.with_claims(claims).map_err(|error| usage("claim", &error))?;
    let now = match config.policy.formats.minted {
        Format::Keyed => now,
        Format::Article => {
            store.wait(sessions::issue_time(&*store, &grant.subject, issued_under)).map_err(Failure::failed)?
        }
    };
    let key = args.dpop_jkt.as_deref().map(|text| Thumbprint::read(text).ok_or(text)).transpose();
    let key = key.map_err(|text| usage("dpop-jkt", &format!("{text:?} is not a SHA-256 in base64url")))?;
    let client = client.with_key(key);
    let minted = Minter::new(&config.policy, &keys, config.token_ttl)
        .mint(grant, &client, &config.policy, &Terms { issued_under, session: None, before: None, ttl, now })
        .map_err(Failure::failed)?;
    print::result(&minted.token)
}

fn certificate_of(args: &Mint) -> Result<Option<Thumbprint>, Failure> {
    if let Some(path) = &args.certificate {
        let shown = path.display();
        let text =
            fs::read_to_string(path).map_err(|error| Failure::Usage(format!("--certificate: {shown}: {error}")))?;
        let read = certificate::from_pem(&text);
        return read.map(Some).map_err(|error| Failure::Usage(format!("--certificate: {shown}: {error}")));
    }
    let problem = || Failure::Usage("--certificate-thumbprint: write 43 characters of base64url".into());
    args.certificate_thumbprint.as_deref().map(|text| Thumbprint::read(text).ok_or_else(problem)).transpose()
}

fn proxy_headers(args: &Mint, policy: &Policy) -> Result<HeaderMap, String> {
    let mut said = Vec::with_capacity(args.parts.len());
    for part in &args.parts {
        let (name, value) = part.split_once('=').ok_or_else(|| format!("{part:?} is not NAME=VALUE"))?;
        said.push((name, Some(value).filter(|value| !value.is_empty())));
    }
    vouched::headers(&policy.header_parts, policy.require_same.union(policy.watch), said)
        .map_err(|error| error.to_string())
}
/// What a token is bound to in place of the proof cookie that a sign-in would have set.
fn cookie_proof<'a>(given: Option<&'a str>, policy: &Policy) -> Result<CookieProof<'a>, Failure> {
    let is_named = policy.require_same.union(policy.watch).contains(Part::Cookie);
    let refused = |problem: &str| Err(Failure::Usage(format!("--cookie-proof: {problem}")));
    match given {
        Some(_) if !is_named || policy.formats.minted == Format::Article => refused(
            "the settings bind no new token to a cookie; put `cookie` into SAMEHAND_REQUIRE_SAME, or leave it out",
        ),
        Some("session") => Ok(CookieProof::Session),
        Some(secret) if proofs::is_secret(secret) => Ok(CookieProof::Secret(secret)),
        Some(_) => refused(&format!("neither `session` nor a secret; {MAKE_ONE}")),
        None if policy.require_same.contains(Part::Cookie) && policy.formats.minted == Format::Keyed => {
            let name = proofs::cookie_name(&policy.cookie_name);
            refused(&format!(
                "SAMEHAND_REQUIRE_SAME names `cookie`, so the token needs one; give the secret that the client will send in \
                 the cookie {name} ({MAKE_ONE}), or `session` for a token that goes into the session cookie"
            ))
        }
        None => Ok(CookieProof::None),
    }
}

const MAKE_ONE: &str = "make one with: openssl rand 32 | basenc --base64url | tr -d =";

fn read_address(text: &str) -> Result<IpAddr, &'static str> {
    parse_address(text).ok_or("write an IPv4 or IPv6 address, such as 192.0.2.7 or 2001:db8::7")
}

fn grant_for(store: &Opened, subject: UserName) -> Result<Grant, Failure> {
    match store.wait(store.user(&subject))? {
        None => {
            print::note(&format!("warning: there is no user {subject}; the token names one all the same"));
            Ok(Grant::of(subject))
        }
        Some(user) if user.disabled => Err(Failure::Failed(format!("the user {subject} is disabled"))),
        Some(user) => {
            Ok(Grant { groups: user.groups, name: user.display_name, email: user.email, ..Grant::of(subject) })
        }
    }
}

fn read_claims(claims: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut read = Map::new();
    for claim in claims {
        let (name, text) = claim
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Failure::Usage(format!("--claim: {claim:?} is not K=V")))?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        if read.insert(name.to_owned(), value).is_some() {
            return Err(Failure::Usage(format!("--claim: {name:?} is given twice")));
        }
    }
    Ok(read)
}

/// The token that was given, or what stands on standard input.
fn given_or_piped(token: Option<String>) -> Result<String, Failure> {
    match token {
        Some(token) if token != "-" => Ok(token),
        Some(_) | None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(Failure::failed)?;
            Ok(text)
        }
    }
}

fn inspect(args: Inspect, config: &Config, now: u64) -> Outcome {
    let text = given_or_piped(args.token)?;
    let text = text.trim();
    let keys = ring::load(config, Missing::Refuse)?;
    let revocations = match Opened::if_any(&config.store)? {
        Some(store) => store.revocations()?,
        None => RevocationSet::default(),
    };
    let verified = token::verify(BearerToken::typed(text.as_bytes()), &keys.ring, &config.policy, Expiry::Checked, now)
        .map_err(|refused| refused.error.reason())
        .and_then(|token| {
            revocation::check(token, Knowledge { set: &revocations, is_stale: false }).map_err(RevocationError::reason)
        });
    let reason = match &verified {
        Ok(_) => "ok",
        Err(reason) => reason.name(),
    };
    let (header, claims) = danger_unverified(text);
    let age = claims.as_ref().and_then(|claims| claims.get("iat")?.as_u64()).map(|iat| now.saturating_sub(iat));
    if args.json {
        let report = json!({
            "header": header, "claims": claims, "age_seconds": age, "size_bytes": text.len(),
            "valid": verified.is_ok(), "reason": reason, "verdict": verdict(reason),
        });
        print::result(&report.to_string())?;
    } else {
        print_text(header.as_ref(), claims.as_ref(), age, text.len(), reason, &verified, now)?;
    }
    match verified {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::Failed(format!("the token is not valid: {reason}"))),
    }
}

fn verdict(reason: &str) -> String {
    match reason {
        "ok" => "valid, client not checked".into(),
        reason => format!("not valid: {reason}"),
    }
}

fn print_text(
    header: Option<&Value>,
    claims: Option<&Value>,
    age: Option<u64>,
    size: usize,
    reason: &str,
    verified: &Result<LiveToken, Reason>,
    now: u64,
) -> Outcome {
    let shown = |value: Option<&Value>| match value {
        Some(value) => print::safe(&value.to_string()),
        None => "unreadable".into(),
    };
    print::result(&format!("header:   {}", shown(header)))?;
    print::result(&format!("claims:   {}", shown(claims)))?;
    print::result(&match age {
        Some(age) => format!("age:      {age} s"),
        None => "age:      unknown".into(),
    })?;
    if let Ok(live) = verified {
        print::result(&format!("expires:  in {} s", live.token().expires_at().saturating_sub(now)))?;
    }
    print::result(&format!("size:     {size} bytes"))?;
    print::result(&format!("verdict:  {}", verdict(reason)))
}
