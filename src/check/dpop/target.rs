//! What the proof of a request has to be about: its method, and its address as the client knows it.

use super::proof::{Address, Expected, NonceRule, Proof, ProofError, VerifiedProof};
use super::{HttpUrl, NonceKeys};
use crate::check::forwarded::{ForwardedRequest, Scheme, escaped, text};
use std::borrow::Cow;

/// The method and the address of a request. Nothing is normalised before a proof comes.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    method: &'a [u8],
    places: Places<'a>,
    nonce: NonceRule,
}

#[derive(Clone, Debug)]
enum Places<'a> {
    /// As the proxy describes it. It is read when a proof comes, which is seldom.
    Asked { scheme: Scheme, authority: &'a [u8], target: &'a [u8] },
    /// Where samehand itself is.
    Own([Option<Place<'a>>; 2]),
}

/// An address in its parts.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The scheme.
    pub scheme: Scheme,
    /// The host, with or without a port.
    pub authority: Cow<'a, str>,
    /// The target in origin form.
    pub target: Cow<'a, str>,
}

impl<'a> Target<'a> {
    /// The request that a proxy asks about.
    #[must_use]
    pub fn of_request(request: &ForwardedRequest<'a>, nonce: NonceRule) -> Self {
        let (method, authority, target) = request.as_sent();
        Self { method, places: Places::Asked { scheme: request.scheme(), authority, target }, nonce }
    }

    /// A request to one of samehand's own endpoints: where it came to, and where it is reached. No nonce has to be there.
    #[must_use]
    pub fn of_endpoint(method: &'a str, asked: Option<Place<'a>>, published: Option<Place<'a>>) -> Self {
        let places = Places::Own([asked, published]);
        Self { method: method.as_bytes(), places, nonce: NonceRule::IfPresent }
    }

    /// Verifies a proof of this request at `now`, in seconds since 1970; with the token that came along, if one did.
    ///
    /// # Errors
    /// As [`Proof::verify`].
    pub fn verify(
        &self,
        proof: Proof<'_>,
        token: Option<&[u8]>,
        nonces: &NonceKeys,
        now: u64,
    ) -> Result<VerifiedProof, ProofError> {
        let addresses: Vec<HttpUrl> = match &self.places {
            Places::Asked { scheme, authority, target } => {
                HttpUrl::of_parts(*scheme, text(authority), &escaped(target)).into_iter().collect()
            }
            Places::Own(places) => {
                let read = |place: &Place<'_>| HttpUrl::of_parts(place.scheme, &place.authority, &place.target);
                places.iter().flatten().filter_map(read).collect()
            }
        };
        let expected =
            Expected { method: text(self.method), address: Address::OneOf(&addresses), token, nonce: self.nonce };
        proof.verify(&expected, nonces, now)
    }
}
