//! A request that somebody has kept with all its headers: as the browser sent it, or as it came to the application.

use super::{person::draft, world::APP};
use crate::support::{backend::Seen, client::Request, prover::Prover, token::Token};

/// What belongs to a connection, or is written anew with every request.
const NOT_KEPT: [&str; 3] = ["Host", "Connection", "Content-Length"];

/// The header lines.
pub(crate) struct Record(Vec<(String, String)>);

impl Record {
    pub(crate) fn of_request(request: &Request) -> Self {
        let lines = request.headers().iter();
        Self::of(lines.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value).into_owned())))
    }

    pub(crate) fn of_seen(seen: &Seen) -> Self {
        Self::of(seen.headers().into_iter().map(|(name, value)| (name, value.to_owned())))
    }

    fn of<'a>(lines: impl Iterator<Item = (&'a str, String)>) -> Self {
        let is_kept = |name: &str| NOT_KEPT.iter().all(|not| !not.eq_ignore_ascii_case(name));
        Self(lines.filter(|(name, _)| is_kept(name)).map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The request as it was, to this path.
    pub(crate) fn to(&self, path: &str) -> Request {
        self.0.iter().fold(Request::get(path).host(APP), |request, (name, value)| request.header(name, value.as_str()))
    }

    /// The request with its DPoP proof altered, if it has one: each a way to pass it off as another.
    pub(crate) fn altered(&self, path: &str) -> Vec<Request> {
        let value_of = |wanted: &str| self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let (Some((_, proof)), Some((_, authorization))) = (value_of("DPoP"), value_of("Authorization")) else {
            return Vec::new();
        };
        let token = authorization.split(' ').next_back().unwrap_or_default();
        let good = Token::parse(proof);
        let nonce = good.claims["nonce"].as_str();
        let own = Prover::new();
        let with_claim = |name: &str, value: &str| {
            let mut altered = good.clone();
            altered.claims[name] = value.into();
            altered
        };
        let another = with_claim("jti", "another-name-for-the-same-proof");
        let mut signature = proof.clone();
        signature.push('A');
        let mut proofs = vec![
            another.with_its_old_signature(),
            another.unsigned(),
            another.signed("a secret that the thief has made up, 4Jd9"),
            with_claim("htm", "POST").with_its_old_signature(),
            signature,
            proof.to_ascii_lowercase(),
            // Good, and by another key.
            own.sign(&draft(&own, "GET", path, Some(token), nonce)),
        ];
        let mut requests: Vec<Request> = proofs.drain(..).map(|proof| self.with_proofs(path, &[&proof])).collect();
        requests.push(self.with_proofs(path, &[proof, proof]));
        requests.push(self.with_proofs(path, &[]));
        requests
    }

    /// With these proofs in the place of its own.
    fn with_proofs(&self, path: &str, proofs: &[&str]) -> Request {
        let others = self.0.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("DPoP")).cloned();
        let request = Self(others.collect()).to(path);
        proofs.iter().fold(request, |request, proof| request.header("DPoP", *proof))
    }
}
