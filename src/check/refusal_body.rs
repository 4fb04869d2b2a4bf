//! What a 401 says beside its status, where somebody can see it: a small page for a browser that cannot be sent to sign in,
//! JSON for a program that reads it, else nothing. Decided after the decision, and changes nothing about it.

use super::page_request::{is_page_request, reads_json};
use super::policy::Policy;
use super::sign_in::{Detour, is_from_authorization};
use super::{Judgement, Question};

/// What stands in the body of a 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalBody {
    /// Nothing.
    Nothing,
    /// That one has to sign in, as JSON.
    Json,
    /// A page: nothing was sent, sign in elsewhere and come back. The body of a form would be lost otherwise, and no sign-in
    /// page is shown in a frame.
    SignInElsewhere,
    /// A page: there is nowhere to sign in.
    NowhereToSignIn,
    /// A page: what was asked for is the sign-in page itself.
    SignInPageItself,
}

/// The body of a 401 that sends nobody anywhere. `has_sign_in` says whether browsers have a page to sign in at.
#[must_use]
pub fn refusal_body(
    question: &Question<'_>,
    judgement: &Judgement<'_>,
    policy: &Policy,
    detour: Option<&Detour>,
    has_sign_in: bool,
) -> RefusalBody {
    let Some(request) = &judgement.seen.request else { return RefusalBody::Nothing };
    let is_page = is_page_request(request.method(), question.headers);
    match detour {
        Some(Detour::SignIn { .. } | Detour::OtherSite { .. }) => RefusalBody::Nothing,
        Some(Detour::SignInPageItself) => RefusalBody::SignInPageItself,
        None if is_page && !is_from_authorization(question, judgement, policy) => match has_sign_in {
            true => RefusalBody::SignInElsewhere,
            false => RefusalBody::NowhereToSignIn,
        },
        None if !is_page && reads_json(question.headers) => RefusalBody::Json,
        None => RefusalBody::Nothing,
    }
}
