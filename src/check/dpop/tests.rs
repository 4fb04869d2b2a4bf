//! Proofs of RFC 9449, proofs of our own, and what each check refuses. Keys that are refused stand in `keys`, a few hundred
//! malformed proofs in `corpus`.

mod corpus;
mod keys;
mod signer;

use super::*;
use crate::check::thumbprint::Thumbprint;
use crate::secret::Secret;
use nonce::{Freshness, STEP};
use proof::{FUTURE, MAX_AGE};
use serde_json::json;
use signer::{Kind, Signer};

const NOW: u64 = 1_764_000_000;
const TOKEN: &[u8] = b"header.payload.signature";
/// base64url of the SHA-256 of [`TOKEN`], as `printf header.payload.signature | openssl dgst -sha256 -binary` has it.
const ATH: &str = "JW0E205eSsMIdR7QiFtyK3WGMFZ8U6cSXtn70Gjlw_Y";

fn nonces() -> NonceKeys {
    NonceKeys::new([NonceKey::from_salt(&Secret::new(b"the salt of this test".to_vec()))])
}

fn url() -> HttpUrl {
    HttpUrl::read("https://app.example.com/a/b").unwrap()
}

/// What the good proofs of these tests are about.
fn verify(proof: &[u8], now: u64) -> Result<VerifiedProof, ProofError> {
    let urls = [url()];
    let address = Address::OneOf(&urls);
    let expected = Expected { method: "GET", address, token: Some(TOKEN), nonce: NonceRule::Required };
    Proof::of_line(proof).verify(&expected, &nonces(), now)
}

fn claims() -> serde_json::Value {
    let nonce = nonces().issue(NOW).unwrap();
    json!({
        "jti": "an identifier", "htm": "GET", "htu": "https://app.example.com/a/b", "iat": NOW, "ath": ATH,
        "nonce": nonce.as_str(),
    })
}

/// RFC 9449 figures 2 and 3, section 4.1 and 4.2.
const FIGURE_2: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
/// RFC 9449 figures 12 and 13, section 7.1.
const FIGURE_12: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
/// The token of that section, and the `jkt` of section 6.1.
const RFC_TOKEN: &[u8] = b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const RFC_JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

#[test]
fn the_examples_of_rfc_9449() {
    let key = Thumbprint::read(RFC_JKT).unwrap();
    let verify = |proof: &str, method, url: &str, token, now| {
        let urls = [HttpUrl::read(url).unwrap()];
        let expected = Expected { method, address: Address::OneOf(&urls), token, nonce: NonceRule::IfPresent };
        Proof::of_line(proof.as_bytes()).verify(&expected, &nonces(), now).map(|proof| proof.key())
    };
    let token_endpoint = "https://server.example.com/token";
    assert_eq!(verify(FIGURE_2, "POST", token_endpoint, None, 1_562_262_616), Ok(key));
    let resource = "https://resource.example.org/protectedresource";
    assert_eq!(verify(FIGURE_12, "GET", resource, Some(RFC_TOKEN), 1_562_262_618), Ok(key));
    // Each with one thing changed.
    let refused = |flaw| Err(ProofError::Invalid(flaw));
    assert_eq!(verify(FIGURE_2, "GET", token_endpoint, None, 1_562_262_616), refused(Flaw::Method));
    assert_eq!(verify(FIGURE_2, "POST", resource, None, 1_562_262_616), refused(Flaw::Address));
    assert_eq!(verify(FIGURE_2, "POST", token_endpoint, None, 1_562_262_677), refused(Flaw::Time));
    assert_eq!(verify(FIGURE_2, "POST", token_endpoint, Some(RFC_TOKEN), 1_562_262_616), refused(Flaw::Token));
    assert_eq!(verify(FIGURE_12, "GET", resource, Some(b"another"), 1_562_262_618), refused(Flaw::Token));
    let (head, _) = FIGURE_12.rsplit_once('.').unwrap();
    let (_, signature) = FIGURE_2.rsplit_once('.').unwrap();
    let mixed = format!("{head}.{signature}");
    assert_eq!(verify(&mixed, "GET", resource, Some(RFC_TOKEN), 1_562_262_618), refused(Flaw::Signature));
}

#[test]
fn every_accepted_algorithm_and_its_other_name() {
    for kind in Kind::ALL {
        let signer = Signer::new(kind);
        let proof =
            verify(signer.proof(&claims()).as_bytes(), NOW).unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        assert_eq!(proof.key(), signer.thumbprint());
        assert_eq!((proof.valid_until(), proof.nonce()), (NOW + MAX_AGE, Some(Freshness::Newest)));
    }
    let signer = Signer::new(Kind::Ed25519);
    let header = json!({ "typ": "dpop+jwt", "alg": "Ed25519", "jwk": signer.jwk() });
    assert_eq!(
        verify(signer.sign(&header, &claims()).as_bytes(), NOW).map(|proof| proof.key()),
        Ok(signer.thumbprint())
    );
}

#[test]
fn a_proof_is_good_for_a_minute_and_some_seconds_before() {
    let signer = Signer::new(Kind::P256);
    let proof = signer.proof(&claims());
    for (now, is_good) in [
        (NOW - FUTURE - 1, false),
        (NOW - FUTURE, true),
        (NOW, true),
        (NOW + MAX_AGE, true),
        (NOW + MAX_AGE + 1, false),
        (0, false),
        (u64::MAX, false),
    ] {
        let expected = if is_good { None } else { Some(ProofError::Invalid(Flaw::Time)) };
        assert_eq!(verify(proof.as_bytes(), now).err(), expected, "{now}");
    }
    let with = |name: &str, value: u64| {
        let mut claims = claims();
        claims[name] = value.into();
        verify(signer.proof(&claims).as_bytes(), NOW).err()
    };
    let time = Some(ProofError::Invalid(Flaw::Time));
    assert_eq!((with("exp", NOW), with("exp", NOW + 1)), (time, None));
    assert_eq!((with("nbf", NOW + FUTURE), with("nbf", NOW + FUTURE + 1)), (None, time));
    for far in [0, 1, u64::MAX] {
        assert_eq!(with("iat", far), time, "{far}");
    }
}

#[test]
fn a_nonce_is_asked_for_where_nothing_else_is_wrong() {
    let signer = Signer::new(Kind::P256);
    let keys = nonces();
    let with = |nonce: Option<&str>, rule| {
        let mut claims = claims();
        let members = claims.as_object_mut().unwrap();
        members.remove("nonce");
        if let Some(nonce) = nonce {
            members.insert("nonce".to_owned(), nonce.into());
        }
        let urls = [url()];
        let expected = Expected { method: "GET", address: Address::OneOf(&urls), token: Some(TOKEN), nonce: rule };
        let proof = signer.proof(&claims);
        Proof::of_line(proof.as_bytes()).verify(&expected, &keys, NOW).map(|proof| proof.nonce())
    };
    let at = |now| keys.issue(now).unwrap();
    for (nonce, required, if_present) in [
        (None, Err(ProofError::NonceRequired), Ok(None)),
        (Some(at(NOW)), Ok(Some(Freshness::Newest)), Ok(Some(Freshness::Newest))),
        (Some(at(NOW - STEP)), Ok(Some(Freshness::Ageing)), Ok(Some(Freshness::Ageing))),
        (Some(at(NOW - 2 * STEP)), Err(ProofError::NonceRequired), Err(ProofError::NonceRequired)),
    ] {
        let nonce = nonce.as_ref().map(Nonce::as_str);
        assert_eq!(with(nonce, NonceRule::Required), required, "{nonce:?}");
        assert_eq!(with(nonce, NonceRule::IfPresent), if_present, "{nonce:?}");
    }
    assert_eq!(with(Some("made up"), NonceRule::IfPresent), Err(ProofError::NonceRequired));
    // With something else wrong there is no use in another nonce.
    let mut wrong = claims();
    wrong["htm"] = "POST".into();
    wrong["nonce"] = "made up".into();
    assert_eq!(verify(signer.proof(&wrong).as_bytes(), NOW), Err(ProofError::Invalid(Flaw::Method)));
}

#[test]
fn an_identifier_belongs_to_its_key() {
    let [one, other] = [Signer::new(Kind::P256), Signer::new(Kind::P256)];
    let id_of = |signer: &Signer, jti: &str| {
        let mut claims = claims();
        claims["jti"] = jti.into();
        verify(signer.proof(&claims).as_bytes(), NOW).unwrap().replay_id()
    };
    assert_eq!(id_of(&one, "a"), id_of(&one, "a"), "another signature of the same claims is the same proof");
    assert_ne!(id_of(&one, "a"), id_of(&one, "b"));
    assert_ne!(id_of(&one, "a"), id_of(&other, "a"));
}

#[test]
fn one_header_line() {
    use actix_web::http::header::{HeaderMap, HeaderValue};
    let mut headers = HeaderMap::new();
    assert_eq!(Proof::read(&headers).err(), Some(ProofError::Missing));
    let line = HeaderValue::from_str(&Signer::new(Kind::P256).proof(&claims())).unwrap();
    headers.append(proof::DPOP.clone(), line.clone());
    assert!(Proof::read(&headers).is_ok());
    headers.append(proof::DPOP.clone(), line);
    assert_eq!(Proof::read(&headers).err(), Some(ProofError::Invalid(Flaw::Lines)));
}
