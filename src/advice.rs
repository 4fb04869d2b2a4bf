//! Tells the operator about a proxy that is set up wrongly: once for each mistake, by name, with the line to add.
//!
//! A refusal alone sends people searching; the log line of the first refusal of its kind says what to write where.

use crate::check::certificate::CertificateError;
use crate::check::client_ip::Peer;
use crate::check::decision::{Decision, Reason};
use crate::check::forwarded::{ForwardedError, Proxy};
use crate::check::policy::{Policy, TrustedProxies};
use crate::check::sign_in::{OwnPage, SignIn};
use crate::check::{Judgement, Question};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// So many different mistakes are told; an attacker who invents more learns and costs nothing.
const MOST: usize = 64;

/// Remembers what was told already.
#[derive(Default)]
pub struct Advice {
    told: Mutex<HashSet<Mistake>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Mistake {
    Untrusted(Proxy, Peer),
    Header(Proxy, ForwardedError),
    /// Perhaps not the proxy's, and told beside what is.
    Request(Proxy, ForwardedError),
    EverybodyIsTheProxy(Proxy),
    /// The header, as its setting says it, and what is wrong.
    Certificate(Proxy, String, CertificateError),
    /// The header of a part that stands on several lines.
    Part(Proxy, String),
    /// A page for signing in is protected by the sign-in; with its host and path.
    Unpublished(Proxy, OwnPage, String),
}

impl Advice {
    /// What to tell about this decision, unless it was told before.
    pub fn about(
        &self,
        question: &Question<'_>,
        judgement: &Judgement<'_>,
        policy: &Policy,
        sign_in: Option<&SignIn>,
    ) -> Option<String> {
        let mistake = mistake_in(question, judgement, policy, sign_in)?;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = told.len() < MOST && told.insert(mistake.clone());
        is_news.then(|| text(&mistake, &policy.trusted_proxies))
    }
}

fn mistake_in(
    question: &Question<'_>,
    judgement: &Judgement<'_>,
    policy: &Policy,
    sign_in: Option<&SignIn>,
) -> Option<Mistake> {
    let proxy = question.proxy;
    if judgement.reason == Reason::ProxyUntrusted {
        // Nobody's address is nothing that could be trusted.
        return (question.peer != Peer::Unknown).then_some(Mistake::Untrusted(proxy, question.peer));
    }
    if let Some(error) = judgement.seen.forwarded_error {
        return Some(match error.may_be_the_clients() {
            true => Mistake::Request(proxy, error),
            false => Mistake::Header(proxy, error),
        });
    }
    if let (Some(error), Some(header)) = (judgement.seen.certificate_error, &policy.certificate_header) {
        return Some(Mistake::Certificate(proxy, header.to_string(), error));
    }
    if let Some(ambiguous) = judgement.seen.ambiguous_part {
        let (_, part) = policy.header_parts.iter().find(|(part, _)| *part == ambiguous)?;
        return Some(Mistake::Part(proxy, part.header.to_string()));
    }
    if let (Decision::Challenge(_) | Decision::Forbid, Some(request), Some(sign_in)) =
        (&judgement.decision, &judgement.seen.request, sign_in)
        && let Some(own) = sign_in.own_page(request)
    {
        return Some(Mistake::Unpublished(proxy, own, request.host().to_owned()));
    }
    let client = judgement.seen.client_ip?.address();
    policy.trusted_proxies.contains(client).then_some(Mistake::EverybodyIsTheProxy(proxy))
}

fn text(mistake: &Mistake, trusted: &TrustedProxies) -> String {
    match mistake {
        Mistake::Untrusted(proxy, peer) => format!(
            "{peer} asks as {proxy} and is not a trusted proxy, so it is refused; if it is your proxy, add it: \
             SAMEHAND_TRUSTED_PROXIES={trusted},{peer}",
            proxy = proxy.name(),
        ),
        Mistake::Header(proxy, error) => format!(
            "{proxy} asks with {header} {problem}, so every such request is refused; the line for {proxy} is: {line}",
            proxy = proxy.name(),
            header = error.header(),
            problem = error.problem(),
            line = line_for(*proxy, error.header()),
        ),
        Mistake::Request(proxy, error) => format!(
            "{proxy} asked about a request with {header} {problem}, so it was refused; a client may have sent it so{old}, and \
             then there is nothing to do. Only if every request is refused like that, mend {proxy}: {line}",
            proxy = proxy.name(),
            header = error.header(),
            problem = error.problem(),
            old = match error {
                ForwardedError::Empty(_) => " (HTTP/1.0 without Host)",
                ForwardedError::Missing(_) | ForwardedError::Ambiguous(_) | ForwardedError::Unreadable(_) => "",
            },
            line = line_for(*proxy, error.header()),
        ),
        Mistake::EverybodyIsTheProxy(proxy) => format!(
            "the client address that {proxy} forwards is itself a trusted proxy, so all clients behind it look alike; \
             if a CDN or load balancer connects to {proxy}, write its address there: {line} \
             and keep client networks out of SAMEHAND_TRUSTED_PROXIES. This is expected only while you try things out on the proxy's own machine",
            proxy = proxy.name(),
            line = line_for_front_hop(*proxy),
        ),
        Mistake::Certificate(proxy, header, error) => format!(
            "{proxy} hands over a client certificate in {header} that cannot be read, so the request is refused: {error}; \
             docs/mtls.md has the lines for {proxy}",
            proxy = proxy.name(),
        ),
        Mistake::Unpublished(proxy, OwnPage::Operators, host) => format!(
            "{proxy} asks samehand about the page of SAMEHAND_SIGN_IN_URL on {host}, which people reach before they are signed \
             in; let it through without asking",
            proxy = proxy.name(),
        ),
        Mistake::Unpublished(proxy, OwnPage::Samehands(path), host) => format!(
            "{proxy} asks samehand about {host}{path}, which is a page of samehand by SAMEHAND_PUBLIC_URL, in place of showing \
             it; the line for {proxy} is: {line}",
            proxy = proxy.name(),
            line = line_for_pages(*proxy, host),
        ),
        Mistake::Part(proxy, header) => format!(
            "{proxy} asks with {header} on several lines, so the request is refused: the client can write one too; {proxy} has \
             to replace what it sends",
            proxy = proxy.name(),
        ),
    }
}

/// The configuration line with which the proxy finds its client behind a hop of the operator's.
fn line_for_front_hop(proxy: Proxy) -> &'static str {
    match proxy {
        Proxy::Nginx => "set_real_ip_from ADDRESS; real_ip_header X-Forwarded-For; real_ip_recursive on;",
        Proxy::Traefik => {
            "forwardedHeaders.trustedIPs: [ADDRESS] at the entry point, trustForwardHeader: true in the forwardAuth \
             middleware"
        }
        Proxy::Caddy => "trusted_proxies static ADDRESS and trusted_proxies_strict under servers",
    }
}

/// The configuration line with which the proxy shows samehand's pages.
fn line_for_pages(proxy: Proxy, host: &str) -> String {
    match proxy {
        Proxy::Nginx => format!("include samehand-endpoints.conf; in the server {{ }} of {host}"),
        Proxy::Traefik => format!(
            "a router without the forwardAuth middleware and with the service of samehand, priority: 1000, rule: \
             Host(`{host}`) && (Path(`/login`) || Path(`/logout`) || Path(`/renew`) || Path(`/whoami`) || Path(`/account`))"
        ),
        Proxy::Caddy => format!(
            "import samehand_pages in a site {host} of its own, or import samehand_with_pages ADDRESS in place of import \
             samehand ADDRESS where {host} has the application too"
        ),
    }
}

/// The configuration line with which the proxy sends the header as it should.
fn line_for(proxy: Proxy, header: &str) -> String {
    match proxy {
        Proxy::Nginx => {
            let variable = match header {
                "x-forwarded-method" => "$request_method",
                "x-forwarded-proto" => "$scheme",
                "x-forwarded-host" => "$host",
                "x-forwarded-uri" => "$request_uri",
                _ => "$remote_addr",
            };
            format!("proxy_set_header {header} {variable};")
        }
        Proxy::Traefik => "trustForwardHeader: false in the forwardAuth middleware".into(),
        Proxy::Caddy => {
            let placeholder = match header {
                "x-forwarded-method" => "{method}",
                "x-forwarded-proto" => "{scheme}",
                "x-forwarded-host" => "{host}",
                "x-forwarded-uri" => "{uri}",
                // Not {client_ip}, which skips what it cannot read and lets a client behind a hop choose who it is.
                _ => "{remote_host}",
            };
            format!("header_up {header} {placeholder}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(mistake: Mistake) -> String {
        let trusted = ["127.0.0.1/32", "10.1.0.0/30", "::1/128"].map(|network| network.parse().unwrap());
        text(&mistake, &TrustedProxies::new(trusted))
    }

    #[test]
    fn each_proxy_is_told_its_own_line() {
        let missing = |proxy, header| told(Mistake::Header(proxy, ForwardedError::Missing(header)));
        for (proxy, header, line) in [
            (Proxy::Nginx, "x-forwarded-uri", "proxy_set_header x-forwarded-uri $request_uri;"),
            (Proxy::Nginx, "x-forwarded-for", "proxy_set_header x-forwarded-for $remote_addr;"),
            (Proxy::Traefik, "x-forwarded-uri", "trustForwardHeader: false"),
            (Proxy::Traefik, "x-forwarded-for", "trustForwardHeader: false"),
            (Proxy::Caddy, "x-forwarded-uri", "header_up x-forwarded-uri {uri}"),
            (Proxy::Caddy, "x-forwarded-for", "header_up x-forwarded-for {remote_host}"),
        ] {
            let told = missing(proxy, header);
            assert!(told.contains(line), "{told}");
        }
    }

    #[test]
    fn only_what_no_client_can_bring_about_is_said_to_be_the_proxys() {
        for (error, is_perhaps_a_clients) in [
            (ForwardedError::Missing("x-forwarded-host"), false),
            (ForwardedError::Missing("x-forwarded-uri"), false),
            (ForwardedError::Ambiguous("x-forwarded-host"), false),
            (ForwardedError::Empty("x-forwarded-uri"), false),
            (ForwardedError::Unreadable("x-forwarded-proto"), false),
            (ForwardedError::Empty("x-forwarded-host"), true),
            (ForwardedError::Unreadable("x-forwarded-host"), true),
            (ForwardedError::Unreadable("x-forwarded-uri"), true),
            (ForwardedError::Unreadable("x-forwarded-method"), true),
        ] {
            assert_eq!(error.may_be_the_clients(), is_perhaps_a_clients, "{error:?}");
        }
        let told = told(Mistake::Request(Proxy::Traefik, ForwardedError::Empty("x-forwarded-host")));
        assert!(told.contains("a client may have sent it so (HTTP/1.0 without Host)"), "{told}");
    }

    #[test]
    fn who_sees_a_hop_in_place_of_clients_is_told_how_to_look_behind_it() {
        for (proxy, line) in [
            (Proxy::Nginx, "set_real_ip_from"),
            (Proxy::Traefik, "forwardedHeaders.trustedIPs"),
            (Proxy::Caddy, "trusted_proxies static"),
        ] {
            let told = told(Mistake::EverybodyIsTheProxy(proxy));
            assert!(told.contains(line) && !told.contains("{client_ip}"), "{told}");
        }
    }

    #[test]
    fn an_untrusted_peer_is_named_with_the_setting_and_those_that_it_has() {
        let peer = Peer::Tcp("172.18.0.5".parse().unwrap());
        let told = told(Mistake::Untrusted(Proxy::Traefik, peer));
        assert!(told.contains("SAMEHAND_TRUSTED_PROXIES=127.0.0.1,10.1.0.0/30,::1,172.18.0.5"), "{told}");
    }
}
