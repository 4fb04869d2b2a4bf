//! Under which names the administration side is asked. A page of another site can let its own name lead to this machine (DNS
//! rebinding), and then the browser of whoever sits here reads for it what answers on loopback. Nobody is recognised here.

use super::json;
use crate::check::hosts;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::HOST;
use actix_web::middleware::Next;
use std::net::Ipv4Addr;

/// The names that a listener answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Every name: other machines call this one by names that only they know.
    Any,
    /// An address, or `localhost` and what is below it: what nobody else can let lead here.
    OfThisMachine,
}

/// Answers what came under the name of another machine with 421 (RFC 9110 section 15.5.20).
pub(super) async fn own(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, actix_web::Error> {
    let answers = match request.app_data::<Names>() {
        Some(Names::Any) => true,
        Some(Names::OfThisMachine) | None => is_asked_by_own_name(&request),
    };
    if answers {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let description = "ask on loopback by an address or by localhost: the Host of this request is another name";
    let refusal = json::error(StatusCode::MISDIRECTED_REQUEST, "misdirected_request", description);
    Ok(request.into_response(refusal).map_into_right_body())
}

/// Every name that the request has: in its target, which counts more, and in `Host`. HTTP/1.0 may have none, and no browser
/// speaks it.
fn is_asked_by_own_name(request: &ServiceRequest) -> bool {
    let in_target = request.uri().authority().is_none_or(|authority| is_own(authority.as_str()));
    in_target && request.headers().get_all(HOST).all(|line| line.to_str().is_ok_and(is_own))
}

fn is_own(authority: &str) -> bool {
    hosts::read(authority.as_bytes()).is_some_and(|own| {
        let name = own.name();
        name.starts_with('[') || name.parse::<Ipv4Addr>().is_ok() || hosts::is_localhost_name(name)
    })
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn an_address_and_localhost_are_own_names_and_nothing_else_is() {
        for own in [
            "127.0.0.1",
            "127.0.0.1:9181",
            "[::1]",
            "[::1]:9181",
            "192.0.2.1:80",
            "localhost",
            "LocalHost:9181",
            "localhost.",
            "samehand.localhost:1",
        ] {
            assert!(is_own(own), "{own}");
        }
        for other in [
            "",
            ":9181",
            "attacker.example",
            "attacker.example:9181",
            "127.0.0.1.attacker.example",
            "localhost.attacker.example",
            "notlocalhost",
            "localhost@attacker.example",
            "attacker.example:9181@localhost:x",
            "[attacker.example]:9181",
            "::1",
            "localhost:x",
            "127.0.0.1, attacker.example",
        ] {
            assert!(!is_own(other), "{other}");
        }
    }
}
