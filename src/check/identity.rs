//! Who the caller is, in a form that is safe in the headers an application reads.
//!
//! An [`Identity`] is made from a [`BoundToken`] and from nothing else, and nothing else can be written into identity
//! headers.

use super::binding::BoundToken;
use super::names::{DisplayName, Email, GroupName, Groups, UserName};
use actix_web::http::header::HeaderValue;
use std::sync::Arc;

/// What is said about the caller to the application. A clone shares it.
#[derive(Clone, Debug)]
pub struct Identity(Arc<Words>);

/// As headers say it. By construction no value has a control character, and all but the name are visible ASCII. Were one
/// no value of a header, it would be sent empty.
#[derive(Debug)]
struct Words {
    user: HeaderValue,
    groups: HeaderValue,
    name: HeaderValue,
    email: HeaderValue,
}

/// The token names its user, a group, or an e-mail address in a way that cannot stand in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusableIdentity;

const NOTHING: HeaderValue = HeaderValue::from_static("");

fn word(text: &str) -> HeaderValue {
    if text.is_empty() { NOTHING } else { HeaderValue::from_bytes(text.as_bytes()).unwrap_or(NOTHING) }
}

fn text(word: &HeaderValue) -> &str {
    std::str::from_utf8(word.as_bytes()).unwrap_or_default()
}

impl Identity {
    /// Nobody: what `ENFORCE=observe` says when it lets a refusal pass.
    pub(super) fn nobody() -> Self {
        Self(Arc::new(Words { user: NOTHING, groups: NOTHING, name: NOTHING, email: NOTHING }))
    }

    /// The identity of a token in the right hand.
    ///
    /// # Errors
    /// [`UnusableIdentity`].
    pub fn of(bound: &BoundToken) -> Result<Self, UnusableIdentity> {
        bound.token().identity().cloned()
    }

    /// Of claims in which every word has to be usable.
    pub(super) fn strict(
        subject: &str,
        groups: &[String],
        name: Option<&str>,
        email: Option<&str>,
    ) -> Result<Self, UnusableIdentity> {
        let user = UserName::read(subject).map_err(|_| UnusableIdentity)?;
        let groups = read_groups(groups)?;
        let name = name.map(DisplayName::read).transpose().map_err(|_| UnusableIdentity)?;
        let email = email.map(Email::read).transpose().map_err(|_| UnusableIdentity)?;
        Ok(Self::new(&user, &groups, name.as_ref(), email.as_ref()))
    }

    /// Of claims in which only the user has to be usable: what else is not is left out.
    pub(super) fn lenient(
        subject: &str,
        groups: &[String],
        name: Option<&str>,
        email: Option<&str>,
    ) -> Result<Self, UnusableIdentity> {
        let user = UserName::read(subject).map_err(|_| UnusableIdentity)?;
        let groups = read_groups(groups).unwrap_or_default();
        let name = name.and_then(|name| DisplayName::read(name).ok());
        let email = email.and_then(|email| Email::read(email).ok());
        Ok(Self::new(&user, &groups, name.as_ref(), email.as_ref()))
    }

    fn new(user: &UserName, groups: &Groups, name: Option<&DisplayName>, email: Option<&Email>) -> Self {
        Self::of_words(word(user.as_str()), groups, name, email)
    }

    /// The same user, with what is known of them now.
    pub(super) fn with_details(self, groups: &Groups, name: Option<&DisplayName>, email: Option<&Email>) -> Self {
        Self::of_words(self.0.user.clone(), groups, name, email)
    }

    fn of_words(user: HeaderValue, groups: &Groups, name: Option<&DisplayName>, email: Option<&Email>) -> Self {
        Self(Arc::new(Words {
            user,
            groups: word(&groups.joined()),
            name: name.map_or(NOTHING, |name| word(name.as_str())),
            email: email.map_or(NOTHING, |email| word(email.as_str())),
        }))
    }

    /// `Remote-User`, `Remote-Groups`, `Remote-Name` and `Remote-Email`.
    #[must_use]
    pub fn headers(&self) -> [&HeaderValue; 4] {
        let Words { user, groups, name, email } = &*self.0;
        [user, groups, name, email]
    }

    /// `Remote-User`; empty for nobody.
    #[must_use]
    pub fn user(&self) -> &str {
        text(&self.0.user)
    }

    /// `Remote-Groups`: separated by commas, empty when there are none.
    #[must_use]
    pub fn groups(&self) -> &str {
        text(&self.0.groups)
    }

    /// `Remote-Name`: letters of every script, in UTF-8; empty when there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        text(&self.0.name)
    }

    /// `Remote-Email`; empty when there is none.
    #[must_use]
    pub fn email(&self) -> &str {
        text(&self.0.email)
    }
}

fn read_groups(groups: &[String]) -> Result<Groups, UnusableIdentity> {
    let names: Result<Vec<GroupName>, _> = groups.iter().map(|group| GroupName::read(group)).collect();
    Groups::new(names.map_err(|_| UnusableIdentity)?).map_err(|_| UnusableIdentity)
}
