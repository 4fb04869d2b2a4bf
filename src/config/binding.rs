//! What a token is bound to and what happens when that changes: `FINGERPRINT`, `REQUIRE_SAME`, `WATCH`, the prefixes,
//! `USER_AGENT_MATCH`, `DPOP_NONCE`, `ENFORCE`, `TOKEN_FROM`. Never weakens a choice silently: what protects little is warned
//! about in [`protection`].

use super::choices::{each, one_of, whole_number, without_repetition};
use super::findings::Findings;
use super::protection;
use super::proxy_headers::{self, ProxyHeaders};
use super::raw::Raw;
use crate::check::dpop::NonceRule;
use crate::check::parts::{HeaderParts, Part, Parts};
use crate::check::policy::{Enforce, Format, Formats, Recipe, TokenFrom, UserAgentMatch};
use actix_web::http::header::HeaderName;

/// The word for "no part".
const NONE: &str = "none";

/// How clients are compared.
pub(super) struct Binding {
    pub(super) formats: Formats,
    pub(super) require_same: Parts,
    pub(super) watch: Parts,
    pub(super) header_parts: HeaderParts,
    pub(super) certificate_header: Option<HeaderName>,
    pub(super) recipe: Recipe,
    pub(super) dpop_nonce: NonceRule,
    pub(super) enforce: Enforce,
    pub(super) token_from: TokenFrom,
}

/// The kinds of token, which decide about secrets too.
pub(super) fn formats(raw: &Raw, findings: &mut Findings) -> Option<Formats> {
    findings.keep("FINGERPRINT", read_formats(&raw.fingerprint))
}

/// Validates the other settings of this file.
pub(super) fn check(raw: &Raw, formats: Option<Formats>, findings: &mut Findings) -> Option<Binding> {
    let ProxyHeaders { parts: header_parts, certificate } = proxy_headers::check(raw, findings);
    let require_same = findings.keep("REQUIRE_SAME", parts(&raw.require_same, &header_parts));
    let watch = findings.keep("WATCH", parts(&raw.watch, &header_parts));
    if let (Some(required), Some(watched)) = (require_same, watch)
        && !required.intersection(watched).is_empty()
    {
        let both = header_parts.names(required.intersection(watched));
        let required = header_parts.names(required);
        let message = format!(
            "`{both}` is required by SAMEHAND_REQUIRE_SAME={required} already, so its change is refused \
             and not just reported; remove it from one of the two"
        );
        findings.problem("WATCH", message);
    }
    if let (Some(required), Some(watched)) = (require_same, watch) {
        proxy_headers::check_use(&header_parts, certificate.as_ref(), required, watched, findings);
    }
    let recipe = recipe(raw, findings);
    let dpop_nonce = findings.keep("DPOP_NONCE", one_of(&raw.dpop_nonce, &DPOP_NONCE));
    let enforce = findings.keep("ENFORCE", one_of(&raw.enforce, &ENFORCE));
    let token_from = findings.keep("TOKEN_FROM", token_from(&raw.token_from));
    let binding = Binding {
        formats: formats?,
        require_same: require_same?,
        watch: watch?,
        header_parts,
        certificate_header: certificate,
        recipe: recipe?,
        dpop_nonce: dpop_nonce?,
        enforce: enforce?,
        token_from: token_from?,
    };
    protection::check(&binding, findings);
    if binding.require_same.contains(Part::Dpop) && raw.public_url.is_some() {
        let message = "with `dpop` nobody signs in on samehand's pages: a form brings no proof; leave it out, since a \
             client that signs in with a proof is bound to its key anyway, or leave SAMEHAND_PUBLIC_URL out";
        findings.warn("REQUIRE_SAME", message);
    }
    Some(binding)
}

const DPOP_NONCE: [(&str, NonceRule); 2] = [("required", NonceRule::Required), ("off", NonceRule::IfPresent)];
const ENFORCE: [(&str, Enforce); 3] = [("on", Enforce::On), ("report", Enforce::Report), ("observe", Enforce::Observe)];

fn read_formats(text: &str) -> Result<Formats, String> {
    let choices = [Format::Keyed, Format::Article].map(|format| (format.name(), format));
    let formats = without_repetition(each(text, |word| one_of(word, &choices))?)?;
    let mut formats = formats.into_iter();
    let minted = formats.next().ok_or_else(|| String::from("write `keyed` or `article`"))?;
    Ok(Formats { minted, also: formats.next() })
}

fn parts(text: &str, names: &HeaderParts) -> Result<Parts, String> {
    if text == NONE {
        return Ok(Parts::NONE);
    }
    Ok(without_repetition(each(text, |word| part(word, names))?)?.into_iter().collect())
}

fn part(word: &str, names: &HeaderParts) -> Result<Part, String> {
    if word == NONE {
        return Err(format!("`{NONE}` stands alone; remove it, or remove the other parts"));
    }
    let known = Part::BUILT_IN.into_iter().chain(names.iter().map(|(part, _)| part));
    let choices: Vec<(&str, Part)> = known.map(|part| (names.name(part), part)).collect();
    one_of(word, &choices)
}

fn recipe(raw: &Raw, findings: &mut Findings) -> Option<Recipe> {
    let ipv4_prefix = findings.keep("IPV4_PREFIX", prefix(&raw.ipv4_prefix, 8, 32));
    let ipv6_prefix = findings.keep("IPV6_PREFIX", prefix(&raw.ipv6_prefix, 16, 128));
    let choices = [("family", UserAgentMatch::Family), ("exact", UserAgentMatch::Exact)];
    let user_agent = findings.keep("USER_AGENT_MATCH", one_of(&raw.user_agent_match, &choices));
    Some(Recipe { ipv4_prefix: ipv4_prefix?, ipv6_prefix: ipv6_prefix?, user_agent: user_agent? })
}

fn prefix(text: &str, lowest: u8, highest: u8) -> Result<u8, String> {
    let digits = text.strip_prefix('/').unwrap_or(text);
    let number = whole_number(digits, lowest.into(), highest.into())?;
    u8::try_from(number).map_err(|error| error.to_string())
}

fn token_from(text: &str) -> Result<TokenFrom, String> {
    let header = TokenFrom { authorization: true, cookie: false };
    let cookie = TokenFrom { authorization: false, cookie: true };
    let places =
        without_repetition(each(text, |word| one_of(word, &[("authorization", header), ("cookie", cookie)]))?)?;
    Ok(TokenFrom { authorization: places.contains(&header), cookie: places.contains(&cookie) })
}
