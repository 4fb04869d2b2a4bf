//! Which of the tokens that were presented counts: one, or of several cookies of our name the one that is good.
//!
//! Beside a session cookie, what stands in `Authorization` and is not of our form belongs to the application: the cookie
//! decides, as if the line were not there. A token of ours there counts for itself, and is refused with its own reason.
//!
//! A browser sends every cookie of that name that fits: one that an earlier sign-in left behind on another path of cookies,
//! one of another installation, one that a neighbour tossed in. What does not verify, has expired or was taken back is in
//! nobody's way; two that are good for different sessions are ambiguous.

use super::credential::{BearerToken, CredentialError, Presented};
use super::decision::Denial;
use super::token::{self, Expiry, TokenError, TokenRefused, VerifiedToken};
use super::{Judge, Seen};

impl Judge<'_> {
    /// Verifies what was presented.
    pub(super) fn verify(&mut self, presented: Presented<'_>, seen: &mut Seen<'_>) -> Result<VerifiedToken, Denial> {
        let cookies = match presented {
            Presented::One(token) => return self.verify_one(token, self.expiry, seen).map_err(Denial::Token),
            Presented::Cookies(cookies) => cookies,
            Presented::Beside(header, cookies) if token::is_of_our_form(header, self.gate) => {
                return self.verify_beside(header, &cookies, seen);
            }
            Presented::Beside(_, cookies) => match cookies[..] {
                [cookie] => return self.verify_one(cookie, self.expiry, seen).map_err(Denial::Token),
                _ => cookies,
            },
        };
        // One that has expired counts where no other does.
        match (self.verify_cookies(&cookies, Expiry::Checked, seen), self.expiry) {
            (Err(Denial::Token(_)), Expiry::Ignored | Expiry::AnyTime) => {
                self.verify_cookies(&cookies, self.expiry, seen)
            }
            (outcome, _) => outcome,
        }
    }

    /// A token of ours in the header counts, unless a cookie of another session is as good.
    fn verify_beside(
        &mut self,
        header: BearerToken<'_>,
        cookies: &[BearerToken<'_>],
        seen: &mut Seen<'_>,
    ) -> Result<VerifiedToken, Denial> {
        let verified = self.verify_one(header, self.expiry, seen).map_err(Denial::Token)?;
        for cookie in cookies {
            let other = self.verify_one(*cookie, Expiry::Checked, &mut Seen::default());
            let is_another = |other: &VerifiedToken| {
                self.moment.revocations.set.taken_back(other).is_none() && !other.is_same_session(&verified)
            };
            if other.as_ref().is_ok_and(is_another) {
                return Err(Denial::Credential(CredentialError::Ambiguous, self.gate.policy.formats.minted));
            }
        }
        Ok(verified)
    }

    fn verify_one(
        &mut self,
        token: BearerToken<'_>,
        expiry: Expiry,
        seen: &mut Seen<'_>,
    ) -> Result<VerifiedToken, TokenRefused> {
        seen.carrier = Some(token.carrier());
        let outcome = token::verify_remembered(token, self.gate, expiry, self.moment.now, self.memory);
        seen.issued_at = seen.issued_at.max(outcome.as_ref().ok().map(|verified| verified.issued_at()));
        seen.format = Some(match &outcome {
            Ok(verified) => verified.format(),
            Err(TokenRefused { format, .. }) => *format,
        });
        outcome
    }

    fn verify_cookies(
        &mut self,
        cookies: &[BearerToken<'_>],
        expiry: Expiry,
        seen: &mut Seen<'_>,
    ) -> Result<VerifiedToken, Denial> {
        let minted = self.gate.policy.formats.minted;
        let mut refusal: Option<TokenRefused> = None;
        let mut accepted: Option<VerifiedToken> = None;
        let mut taken_back: Option<VerifiedToken> = None;
        for cookie in cookies {
            match (self.verify_one(*cookie, expiry, seen), &accepted) {
                (Ok(verified), _) if self.moment.revocations.set.taken_back(&verified).is_some() => {
                    taken_back = Some(verified)
                }
                (Ok(verified), Some(known)) if !verified.is_same_session(known) => {
                    return Err(Denial::Credential(CredentialError::Ambiguous, minted));
                }
                (Ok(verified), Some(known)) if verified.expires_at() < known.expires_at() => {}
                (Ok(verified), _) => accepted = Some(verified),
                // What has only expired may be renewed, whatever rubbish stands beside it.
                (Err(refused), _) if refused.error == TokenError::Expired => refusal = Some(refused),
                (Err(refused), _) => _ = refusal.get_or_insert(refused),
            }
        }
        match (accepted, taken_back, refusal) {
            (Some(verified), _, _) | (None, Some(verified), None) => {
                seen.format = Some(verified.format());
                Ok(verified)
            }
            // Before one that was taken back, one that has expired and may be renewed.
            (None, Some(_), Some(refused)) if refused.error == TokenError::Expired => Err(Denial::Token(refused)),
            (None, Some(verified), Some(_)) => {
                seen.format = Some(verified.format());
                Ok(verified)
            }
            (None, None, Some(refused)) => Err(Denial::Token(refused)),
            (None, None, None) => Err(Denial::Credential(CredentialError::Missing, minted)),
        }
    }
}
