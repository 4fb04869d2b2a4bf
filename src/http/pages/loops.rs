//! Signed in, and back at the sign-in page a moment later: why, and what to change. Without this page people would go round
//! for ever.

use crate::check::sign_in::Why;
use crate::config::SessionCookie;

/// What may be the matter, for whoever runs the site: the likely reasons first.
pub(super) fn reasons(why: Option<Why>, came_back: bool, site: &str, cookie: &SessionCookie) -> Vec<String> {
    let name = &cookie.name;
    match why {
        Some(Why::Network | Why::Client) => vec![
            format!(
                "{site} and this page see this browser at two addresses, for instance IPv4 for one and IPv6 for the \
                 other. Give both names the same kinds of addresses in DNS, and list every proxy in \
                 SAMEHAND_TRUSTED_PROXIES."
            ),
            "If the network itself changes addresses, take `ip` out of SAMEHAND_REQUIRE_SAME (SAMEHAND_WATCH=ip \
             still reports it), or lower SAMEHAND_IPV4_PREFIX and SAMEHAND_IPV6_PREFIX."
                .to_owned(),
        ],
        Some(Why::Browser) => vec![format!(
            "{site} and this page are told of two browsers. A proxy changes the User-Agent on the way to one of them; pass \
             it on unchanged."
        )],
        Some(Why::TwoCookies) => vec![format!(
            "The browser sends two cookies of the name {name}, of two sign-ins. Delete the cookies of this domain in the \
             browser. If two installations share the domain, give each its own SAMEHAND_COOKIE_NAME."
        )],
        Some(Why::Clock | Why::Expired) => vec![
            "The clocks of two replicas differ: one takes what the other has just issued for expired, or for not yet \
             valid. Set the clocks, and look at /readyz, which says how far each is from the store's."
                .to_owned(),
            "SAMEHAND_TOKEN_TTL may be shorter than the way back.".to_owned(),
        ],
        Some(Why::Unusable) => vec![
            "The token is not accepted where it was just issued: replicas with different keys. Give all of them the same \
             SAMEHAND_SECRET and SAMEHAND_SALT, or one SAMEHAND_STORE."
                .to_owned(),
        ],
        Some(Why::Stricter) => vec![
            "The token was just issued by a replica that asks for less. Give all of them the same SAMEHAND_REQUIRE_SAME, \
             SAMEHAND_IPV4_PREFIX, SAMEHAND_IPV6_PREFIX and SAMEHAND_USER_AGENT_MATCH."
                .to_owned(),
        ],
        Some(Why::Ended) => vec!["The session was ended right after it began: by a revocation, or by a sign-out.".to_owned()],
        Some(Why::PlainHttp | Why::OtherSite) => Vec::new(),
        None if came_back => vec![
            format!("The cookie {name} came to this page and not to {site}. {}", reach(cookie)),
            "The proxy may not pass `Cookie` on to samehand with its question, or SAMEHAND_TOKEN_FROM may leave `cookie` \
             out."
                .to_owned(),
        ],
        None => vec![
            format!("The browser did not keep the cookie {name}, or is set to keep none."),
            secure(cookie),
            reach(cookie),
        ],
    }
}

fn reach(cookie: &SessionCookie) -> String {
    match &cookie.domain {
        Some(domain) => format!("It is for {domain} and what is below (SAMEHAND_COOKIE_DOMAIN)."),
        None => "It is for the host of this page only; for several hosts set SAMEHAND_COOKIE_DOMAIN to the domain that they \
                 share."
            .to_owned(),
    }
}

fn secure(cookie: &SessionCookie) -> String {
    if cookie.secure {
        "It is Secure, which browsers neither take nor send over http: open both sites with https://.".to_owned()
    } else {
        "It is not Secure; where the sites are opened with https://, write https:// in SAMEHAND_PUBLIC_URL too."
            .to_owned()
    }
}
