//! `samehand explain`: the very same decision, without side effects, with each step said in words.

mod article;

use super::opened::Opened;
use super::{Failure, Outcome, print, ring};
use crate::check::client_ip::{Peer, parse_address};
use crate::check::decision::{Decision, Reason};
use crate::check::dpop::ProofError;
use crate::check::dpop::proof::DPOP;
use crate::check::forwarded::Proxy;
use crate::check::identity::Identity;
use crate::check::parts::HeaderParts;
use crate::check::policy::{Format, Policy};
use crate::check::renewal::{self, Renewal};
use crate::check::revocation::{Knowledge, RevocationSet};
use crate::check::sign_in::detour;
use crate::check::{Gate, Judgement, Moment, Question, Seen, decide};
use crate::config::Config;
use crate::http::status_of;
use crate::keys::Missing;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::io::Read as _;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The proxy that asks: nginx, traefik or caddy.
    #[arg(long, value_name = "KIND", value_parser = read_proxy)]
    proxy: Proxy,
    /// Who opens the connection to samehand: the proxy's address, or `unix`.
    #[arg(long, value_name = "IP|unix", value_parser = read_peer)]
    peer: Peer,
    /// What the client asks the proxy for; `http://localhost/` when left out.
    #[arg(long)]
    url: Option<String>,
    /// The client's method; GET when left out.
    #[arg(long)]
    method: Option<String>,
    /// What the proxy writes into X-Forwarded-For.
    #[arg(long)]
    ip: Option<String>,
    /// The client's User-Agent.
    #[arg(long, value_name = "UA")]
    user_agent: Option<String>,
    /// Any header of the subrequest; may be repeated.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = read_header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The token, sent as `Authorization: Bearer`, or `DPoP` with such a header; `-` reads it from standard input.
    #[arg(long)]
    token: Option<String>,
    /// As one JSON object.
    #[arg(long)]
    json: bool,
}

fn read_proxy(text: &str) -> Result<Proxy, String> {
    Proxy::from_name(text).ok_or_else(|| "write nginx, traefik or caddy".into())
}

fn read_peer(text: &str) -> Result<Peer, String> {
    match text {
        "unix" => Ok(Peer::Unix),
        address => parse_address(address).map(Peer::Tcp).ok_or_else(|| "write an address or unix".into()),
    }
}

fn read_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write 'Name: value'")?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| "the name is not a header name")?;
    let value = HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| "the value cannot stand in a header")?;
    Ok((name, value))
}

pub(super) fn run(args: &Args, config: &Config, now: u64) -> Outcome {
    let headers = headers_of(args)?;
    let keys = ring::load(config, Missing::Refuse)?;
    let gate = Gate::new(config.policy.clone(), keys.ring, keys.fingerprints, keys.nonces);
    let question = Question { proxy: args.proxy, peer: args.peer, headers: &headers };
    let revocations = match Opened::if_any(&config.store).map_err(Failure::failed)? {
        Some(store) => store.revocations().map_err(Failure::failed)?,
        None => RevocationSet::default(),
    };
    let moment = Moment { now, revocations: Knowledge { set: &revocations, is_stale: false } };
    // Whether a proof was used before is what the service remembers.
    let judgement = decide(&question, &gate, moment).danger_first_use();
    let sign_in = config.sign_in.as_ref();
    let detour = sign_in.and_then(|sign_in| detour(&question, &judgement, &gate.policy, sign_in, now, |_| false));
    let status = status_of(args.proxy, &judgement, detour.as_ref()).as_u16();
    let steps = steps(&question, &judgement, &gate, now);
    if !args.json {
        for (step, text) in &steps {
            print::result(&format!("{:14} {}", format!("{step}:"), print::safe(text)))?;
        }
        let (decision, reason) = (judgement.decision.name(), judgement.reason.name());
        return print::result(&format!("{:14} {decision}, {reason}, status {status}", "decision:"));
    }
    let seen = &judgement.seen;
    let report = json!({
        "decision": judgement.decision.name(),
        "status": status,
        "reason": judgement.reason.name(),
        "client_ip": seen.client_ip.map(|ip| ip.to_string()),
        "changed": seen.changed.iter().map(|part| gate.policy.header_parts.name(part)).collect::<Vec<_>>(),
        "identity": identity_json(&judgement),
        "enforced": judgement.passed.is_none(),
        "proxy": args.proxy.name(),
        "format": seen.format.map(Format::name),
        "username": seen.username(),
        "kid": seen.token.as_ref().and_then(|token| token.kid()),
        "steps": steps.iter().map(|(step, text)| json!({ "step": step, "text": text })).collect::<Vec<_>>(),
    });
    print::result(&report.to_string())
}

/// The headers of the subrequest. What the short options leave out is filled in as the proxy would, unless `--header`
/// gives it; `X-Forwarded-For` is never made up.
fn headers_of(args: &Args) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for (name, value) in &args.headers {
        headers.append(name.clone(), value.clone());
    }
    let url = args.url.as_deref().unwrap_or("http://localhost/");
    let (scheme, host, uri) = request_to(url)
        .ok_or_else(|| Failure::Usage(format!("--url: {url:?} is not a URL such as https://app.example.com/path")))?;
    let token = match args.token.as_deref() {
        Some("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(Failure::failed)?;
            Some(text.trim().to_owned())
        }
        token => token.map(str::to_owned),
    };
    let method = args.method.as_deref().unwrap_or("GET");
    let scheme_of_token = if headers.contains_key(&DPOP) { "DPoP" } else { "Bearer" };
    for (name, value, given) in [
        ("x-forwarded-for", args.ip.clone(), true),
        ("x-forwarded-method", Some(method.to_owned()), args.method.is_some()),
        ("x-forwarded-proto", Some(scheme.to_owned()), args.url.is_some()),
        ("x-forwarded-host", Some(host.to_owned()), args.url.is_some()),
        ("x-forwarded-uri", Some(uri), args.url.is_some()),
        ("user-agent", args.user_agent.clone(), true),
        ("authorization", token.map(|token| format!("{scheme_of_token} {token}")), true),
    ] {
        let Some(value) = value else { continue };
        if !given && headers.contains_key(name) {
            continue;
        }
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| Failure::Usage(format!("the value for {name} cannot stand in a header")))?;
        headers.append(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// Scheme, host and request target of the request that a client makes for a URL: it keeps the fragment, and a name and
/// password before the host, to itself. Nothing else is made right, so that an odd target is explained as it is.
fn request_to(url: &str) -> Option<(&str, &str, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let rest = rest.split_once('#').map_or(rest, |(before, _fragment)| before);
    let (authority, target) = rest.find(['/', '?']).map_or((rest, ""), |end| rest.split_at(end));
    let host = authority.rsplit_once('@').map_or(authority, |(_user, host)| host);
    let root = if target.starts_with('/') { "" } else { "/" };
    Some((scheme, host, format!("{root}{target}")))
}

fn identity_json(judgement: &Judgement<'_>) -> Value {
    let identity = match (&judgement.passed, &judgement.decision) {
        (Some(identity), _) | (None, Decision::Allow(identity)) if !identity.user().is_empty() => identity,
        (
            Some(_) | None,
            Decision::Allow(_) | Decision::Challenge(_) | Decision::Forbid | Decision::Reject(_) | Decision::Undecided,
        ) => {
            return Value::Null;
        }
    };
    json!({
        "user": identity.user(), "groups": groups(identity), "name": identity.name(), "email": identity.email(),
    })
}

fn groups(identity: &Identity) -> Vec<&str> {
    identity.groups().split(',').filter(|group| !group.is_empty()).collect()
}

/// What each step found, as far as the decision came.
fn steps(question: &Question<'_>, judgement: &Judgement<'_>, gate: &Gate, now: u64) -> Vec<(&'static str, String)> {
    let seen = &judgement.seen;
    let mut steps = Vec::new();
    steps.push(("proxy", proxy_text(question, judgement)));
    if let Some(error) = seen.forwarded_error {
        steps.push(("forwarded", format!("{} is {}", error.header(), error.problem())));
    }
    if let Some(request) = &seen.request {
        let (method, host, path) = (request.method(), request.host(), request.path());
        steps.push(("request", format!("{method} {path} on {host} over {}", request.scheme().name())));
    }
    if judgement.reason == Reason::ClientIpUnreadable {
        let text = "X-Forwarded-For has, before the client is found from the right, an element that is no address";
        steps.push(("client", text.into()));
    }
    if let Some(ip) = seen.client_ip {
        let which = match gate.policy.trusted_proxies.contains(ip.address()) {
            false => "the first from the right that is not a trusted proxy",
            true => "the leftmost, because every address in X-Forwarded-For is a trusted proxy",
        };
        steps.push(("client", format!("{ip}, {which}")));
    }
    if let Some(user_agent) = seen.user_agent {
        steps.push(("user-agent", user_agent.in_words()));
    }
    if let Some(part) = seen.ambiguous_part {
        let name = gate.policy.header_parts.name(part);
        steps.push(("part", format!("{name} stands on several lines, and the proxy writes one")));
    }
    if let Some(text) = token_text(judgement, now) {
        steps.push(("token", text));
    }
    if let Some(text) = certificate_text(seen, &gate.policy) {
        steps.push(("certificate", text));
    }
    if let Some(text) = proof_text(seen) {
        steps.push(("proof", text));
    }
    if let Some(text) = binding_text(judgement, &gate.policy.header_parts) {
        steps.push(("same hand", text));
    }
    if let Some(hint) = article::hint(question, judgement, gate) {
        steps.push(("hint", hint));
    }
    if let Some(text) = renewal_text(renewal::wanted(question, judgement, now)) {
        steps.push(("renewal", text.into()));
    }
    if judgement.passed.is_some() {
        steps.push(("enforce", "SAMEHAND_ENFORCE lets this refusal pass".into()));
    }
    steps
}

/// What the service would ask the store about; nothing is asked here.
fn renewal_text(renewal: Renewal) -> Option<&'static str> {
    match renewal {
        Renewal::No => None,
        Renewal::Due => Some("the token is near its end; if its session lives, a fresh cookie comes with the answer"),
        Renewal::Overdue => Some(
            "this is a page: if the token is of this client and its session lives, it is served with a fresh cookie",
        ),
    }
}

fn proxy_text(question: &Question<'_>, judgement: &Judgement<'_>) -> String {
    let (peer, proxy) = (question.peer, question.proxy.name());
    if judgement.reason == Reason::ProxyUntrusted {
        return format!("{peer} is not in SAMEHAND_TRUSTED_PROXIES, so it may not ask as {proxy}");
    }
    format!("{peer} is trusted and asks as {proxy}")
}

/// What the proxy handed over, once a token made it count.
fn certificate_text(seen: &Seen<'_>, policy: &Policy) -> Option<String> {
    let header = policy.certificate_header.as_ref()?;
    if let Some(error) = seen.certificate_error {
        return Some(format!("{header}: {error}"));
    }
    Some(match seen.client?.proofs.certificate {
        Some(thumbprint) => thumbprint.to_string(),
        None => format!("none in {header}"),
    })
}

fn token_text(judgement: &Judgement<'_>, now: u64) -> Option<String> {
    let seen = &judgement.seen;
    let found = found_about_token(judgement.reason);
    let Some(token) = &seen.token else {
        return match found {
            Found::NotVerified(why) => Some(why.into()),
            Found::Verified(_) | Found::Nothing => None,
        };
    };
    let state = match found {
        Found::Verified(state) => state,
        Found::NotVerified(_) | Found::Nothing => "valid",
    };
    let (username, expires_at) = (token.subject(), token.expires_at());
    let kind = seen.format.map_or("", Format::name);
    let key = token.kid().map_or_else(String::new, |kid| format!(", key {kid}"));
    let left = expires_at.saturating_sub(now);
    Some(format!("{kind} token of {username}{key}, expires in {left} s; {state}"))
}

/// What a reason tells about the token.
enum Found {
    /// It verified, and this is its state.
    Verified(&'static str),
    /// It did not verify, and why.
    NotVerified(&'static str),
    /// The reason is about something else.
    Nothing,
}

fn found_about_token(reason: Reason) -> Found {
    match reason {
        Reason::TokenRevoked => Found::Verified("revoked: itself, or all that its user had"),
        Reason::SessionEnded => Found::Verified("its session has ended"),
        Reason::StoreStale => Found::Verified("whether it was revoked is not known"),
        Reason::TokenMissing => Found::NotVerified("none"),
        Reason::TokenAmbiguous => Found::NotVerified("more than one"),
        Reason::TokenMalformed => Found::NotVerified("not a token of ours in form"),
        Reason::TokenExpired => Found::NotVerified("its time is over"),
        Reason::TokenNotYetValid => Found::NotVerified("its time has not come; compare the clocks"),
        Reason::TokenClaims => Found::NotVerified("issuer, audience, lifetime, or a missing or unusable claim"),
        Reason::SignatureInvalid => Found::NotVerified("the signature does not hold"),
        Reason::KeyUnknown => Found::NotVerified("no key has the name that it gives"),
        Reason::UserAgentAmbiguous => Found::NotVerified("not looked at: there are two User-Agent lines"),
        Reason::Ok
        | Reason::ClientChanged
        | Reason::PolicyOutdated
        | Reason::ProofMissing
        | Reason::ProofInvalid
        | Reason::ProofReplayed
        | Reason::NonceRequired
        | Reason::ProxyUntrusted
        | Reason::ForwardedMissing
        | Reason::ForwardedAmbiguous
        | Reason::ForwardedUnreadable
        | Reason::ClientIpUnreadable => Found::Nothing,
    }
}

/// The DPoP proof. Whether it was used before is what the running service remembers.
fn proof_text(seen: &Seen<'_>) -> Option<String> {
    if seen.proof.is_some() {
        return Some("holds; whether it was used before is not asked here".into());
    }
    let problem = match seen.proof_error? {
        ProofError::Missing => "there is none, and the token is bound to a key".into(),
        ProofError::Invalid(flaw) => format!("the proof {}", flaw.problem()),
        ProofError::NonceRequired => "its nonce is missing or too old; clients try again with a new one".into(),
    };
    Some(format!("no: {problem}"))
}

fn binding_text(judgement: &Judgement<'_>, names: &HeaderParts) -> Option<String> {
    let seen = &judgement.seen;
    let changed = names.names(seen.changed);
    seen.token.as_ref()?;
    match (judgement.reason, seen.format) {
        (Reason::ClientChanged, Some(Format::Article)) => {
            Some("no: the address or the User-Agent differs; an article token cannot tell which".into())
        }
        (Reason::ClientChanged, _) => Some(format!("no: changed {changed}")),
        (Reason::TokenRevoked | Reason::SessionEnded, _) => None,
        // Said of the proof itself.
        _ if seen.proof_error.is_some() => None,
        (Reason::PolicyOutdated, _) => Some("unknown: the token was minted when less had to be the same".into()),
        (Reason::ProofMissing, _) => Some("no: the proof that the token is bound to was not shown".into()),
        (Reason::ProofInvalid, _) => {
            Some("no: the proof that was shown is not the one that the token is bound to".into())
        }
        (Reason::KeyUnknown, _) => Some("unknown: the fingerprint was made with another SAMEHAND_SALT".into()),
        (Reason::TokenClaims, _) => Some("yes, but its user, a group or the e-mail cannot stand in a header".into()),
        _ if !seen.changed.is_empty() => Some(format!("yes; watched parts changed: {changed}")),
        _ => Some("yes".into()),
    }
}
