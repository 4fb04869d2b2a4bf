//! What a browser gets in place of a refusal: the way to the sign-in page, or the word that it would not help.
//!
//! Decided after the decision, and changes nothing about it. Only pages are sent anywhere, and only by GET and HEAD: the
//! body of a form would be lost, and a script or an API client gets the plain refusal. Nor is a page in a frame: no sign-in
//! page is shown there. A token in `Authorization` is
//! not a browser's. Why it was refused goes along as one word of [`Why`], which the page puts into a sentence.

use super::credential::Carrier;
use super::decision::{Decision, Reason};
use super::forwarded::ForwardedRequest;
use super::page_request::{can_be_redirected, is_page_request};
use super::parts::{Part, Parts};
use super::policy::Policy;
use super::return_url::{ReturnUrlError, ReturnUrls};
use super::{Judgement, Question};
use actix_web::http::header::AUTHORIZATION;
use url::Url;

/// The name of the return address in the query of the sign-in page.
pub const RETURN: &str = "rd";
/// The name of the reason there.
pub const WHY: &str = "why";
/// What stands there when the browser has signed in a moment ago: it would go round for ever.
pub const AGAIN: &str = "again";
/// What stands there when the return address is not the whole one, which was too long.
pub const SHORTENED: &str = "shortened";
/// How soon a browser that has signed in asks for the page it wanted, in seconds, with much to spare.
pub const MOMENT: u64 = 10;

/// Where browsers sign in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The page, samehand's own or the operator's.
    pub url: Url,
    /// Where they may go from there.
    pub returns: ReturnUrls,
}

/// Where a browser goes in place of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detour {
    /// To the sign-in page.
    SignIn {
        /// The whole address.
        location: String,
    },
    /// Signing in would not help: the host that was asked for gets no cookie.
    OtherSite {
        /// That host.
        host: String,
        /// The sign-in page, which says so too: for proxies that cannot show a page.
        location: String,
    },
    /// It asks for the sign-in page, which the proxy protects in place of showing it: it would go round for ever.
    SignInPageItself,
}

/// A page that people need to sign in and out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OwnPage {
    /// samehand's, at this path below the address of its pages.
    Samehands(&'static str),
    /// The operator's own sign-in page.
    Operators,
}

/// What samehand publishes at the address of its pages.
const OWN_PATHS: [&str; 5] = ["/login", "/logout", "/renew", "/whoami", "/account"];

/// Why a browser has to sign in, as the sign-in page is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The session or its token was ended.
    Ended,
    /// It was over.
    Expired,
    /// Another network.
    Network,
    /// Another browser.
    Browser,
    /// Another client, and the token does not tell more.
    Client,
    /// Cookies of two sign-ins came.
    TwoCookies,
    /// The token is of a later time than ours.
    Clock,
    /// The token was given out when less was asked for.
    Stricter,
    /// The token is not one of ours, or not any more.
    Unusable,
    /// The page was asked for over plain http.
    PlainHttp,
    /// The host gets no cookie.
    OtherSite,
}

impl Why {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::Ended,
        Self::Expired,
        Self::Network,
        Self::Browser,
        Self::Client,
        Self::TwoCookies,
        Self::Clock,
        Self::Stricter,
        Self::Unusable,
        Self::PlainHttp,
        Self::OtherSite,
    ];

    /// The word in the address.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Expired => "expired",
            Self::Network => "network",
            Self::Browser => "browser",
            Self::Client => "client",
            Self::TwoCookies => "two-cookies",
            Self::Clock => "clock",
            Self::Stricter => "stricter",
            Self::Unusable => "unusable",
            Self::PlainHttp => "http",
            Self::OtherSite => "other-site",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.name() == name)
    }
}

/// Where this browser goes in place of its refusal; nothing where it is not a page that was refused for its token.
/// `has_just_signed_in` says of an address whether this browser signed in a moment ago to get there.
#[must_use]
pub fn detour(
    question: &Question<'_>,
    judgement: &Judgement<'_>,
    policy: &Policy,
    sign_in: &SignIn,
    now: u64,
    has_just_signed_in: impl Fn(&str) -> bool,
) -> Option<Detour> {
    let request = judgement.seen.request.as_ref()?;
    let is_refused = match judgement.decision {
        Decision::Challenge(_) | Decision::Forbid => judgement.passed.is_none(),
        Decision::Allow(_) | Decision::Reject(_) | Decision::Undecided => false,
    };
    if !is_refused || !is_page_request(request.method(), question.headers) {
        return None;
    }
    let why = why(judgement.reason, judgement.seen.changed)?;
    if is_from_authorization(question, judgement, policy) {
        return None;
    }
    if sign_in.is_asked_about(request) {
        return Some(Detour::SignInPageItself);
    }
    if !can_be_redirected(request.method(), question.headers) {
        return None;
    }
    // What was ended on purpose is over soon or late.
    let is_fresh = judgement.seen.issued_at.is_some_and(|issued_at| now.saturating_sub(issued_at) < MOMENT);
    let goes_round = |back: &str| why != Some(Why::Ended) && (is_fresh || has_just_signed_in(back));
    Some(sign_in.way(request, why, goes_round))
}

/// A browser's token is in its cookie. Where `Authorization` is read, what stands there is an API client's.
pub(super) fn is_from_authorization(question: &Question<'_>, judgement: &Judgement<'_>, policy: &Policy) -> bool {
    match judgement.seen.carrier {
        Some(Carrier::Authorization | Carrier::Dpop | Carrier::Bare) => true,
        Some(Carrier::Cookie) => false,
        // None, or more than one: a header of another scheme is the application's.
        None => {
            policy.token_from.authorization
                && judgement.reason != Reason::TokenMissing
                && question.headers.contains_key(AUTHORIZATION)
        }
    }
}

/// Nothing for a refusal that signing in does not mend; within that, nothing where there is nothing to explain.
#[must_use]
pub fn why(reason: Reason, changed: Parts) -> Option<Option<Why>> {
    let changed = |part| changed.contains(part);
    let why = match reason {
        Reason::TokenMissing => return Some(None),
        Reason::TokenAmbiguous => Why::TwoCookies,
        Reason::TokenExpired => Why::Expired,
        Reason::TokenNotYetValid => Why::Clock,
        Reason::TokenRevoked | Reason::SessionEnded => Why::Ended,
        Reason::PolicyOutdated => Why::Stricter,
        // Its proofs stay in the browser that has signed in.
        Reason::ClientChanged => match (changed(Part::Ip), changed(Part::UserAgent) || changed(Part::Cookie)) {
            (true, false) => Why::Network,
            (false, true) => Why::Browser,
            (true, true) | (false, false) => Why::Client,
        },
        Reason::TokenMalformed
        | Reason::TokenClaims
        | Reason::SignatureInvalid
        | Reason::KeyUnknown
        | Reason::ProofMissing
        | Reason::ProofInvalid
        | Reason::ProofReplayed
        | Reason::NonceRequired => Why::Unusable,
        Reason::Ok
        | Reason::ProxyUntrusted
        | Reason::ForwardedMissing
        | Reason::ForwardedAmbiguous
        | Reason::ForwardedUnreadable
        | Reason::ClientIpUnreadable
        | Reason::UserAgentAmbiguous
        | Reason::StoreStale => return None,
    };
    Some(Some(why))
}

impl SignIn {
    /// The sign-in page, for one of samehand's own pages.
    #[must_use]
    pub fn before(&self, page: &str, why: Option<Why>) -> String {
        self.location(Some(page), why, false, false)
    }

    /// Whether the sign-in page itself is what the proxy asks about. A proxy that tells no port is not contradicted.
    #[must_use]
    pub fn is_asked_about(&self, request: &ForwardedRequest<'_>) -> bool {
        request.path() == self.url.path() && request.is_at(&self.url)
    }

    /// Which page of a sign-in the proxy asks about in place of showing it.
    #[must_use]
    pub fn own_page(&self, request: &ForwardedRequest<'_>) -> Option<OwnPage> {
        let pages = self.returns.pages();
        let base = pages.path().trim_end_matches('/');
        let path = request.path();
        let below = path.strip_prefix(base).filter(|_| request.is_at(pages));
        let is_samehands = self.url.origin() == pages.origin() && self.url.path().strip_prefix(base) == Some("/login");
        match OWN_PATHS.into_iter().find(|path| below == Some(path)) {
            Some(path) if is_samehands => Some(OwnPage::Samehands(path)),
            Some(_) | None => self.is_asked_about(request).then_some(OwnPage::Operators),
        }
    }

    fn way(&self, request: &ForwardedRequest<'_>, why: Option<Why>, goes_round: impl Fn(&str) -> bool) -> Detour {
        let location = match self.returns.of_request(request) {
            Ok((back, is_shortened)) => {
                self.location(Some(back.as_str()), why, goes_round(back.as_str()), is_shortened)
            }
            Err(ReturnUrlError::OtherSite) => {
                let location = self.location(None, Some(Why::OtherSite), false, false);
                return Detour::OtherSite { host: request.host().to_owned(), location };
            }
            Err(ReturnUrlError::PlainHttp) => self.location(None, Some(Why::PlainHttp), false, false),
            Err(ReturnUrlError::Doubtful | ReturnUrlError::TooLong) => self.location(None, why, false, false),
        };
        Detour::SignIn { location }
    }

    fn location(&self, back: Option<&str>, why: Option<Why>, goes_round: bool, is_shortened: bool) -> String {
        let mut url = self.url.clone();
        if back.is_some() || why.is_some() {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(back.map(|back| (RETURN, back)));
            query.extend_pairs(why.map(|why| (WHY, why.name())));
            query.extend_pairs(goes_round.then_some((AGAIN, "1")));
            query.extend_pairs(is_shortened.then_some((SHORTENED, "1")));
        }
        url.into()
    }
}
