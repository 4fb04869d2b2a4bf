//! Who the caller is, in a form that is safe in the headers an application reads.
//!
//! An [`Identity`] is made from a [`BoundToken`] and from nothing else, and nothing else can be written into identity
//! headers.

use super::binding::BoundToken;
use super::names::{DisplayName, Email, GroupName, Groups, UserName};
use super::policy::Format;

/// What is said about the caller to the application.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    user: Option<UserName>,
    groups: String,
    name: Option<DisplayName>,
    email: Option<Email>,
}

/// The token names its user, a group, or an e-mail address in a way that cannot stand in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnusableIdentity;

impl Identity {
    /// Nobody: what `ENFORCE=observe` says when it lets a refusal pass.
    pub(super) fn nobody() -> Self {
        Self::default()
    }

    /// Reads the identity out of a token in the right hand.
    ///
    /// # Errors
    /// [`UnusableIdentity`]; in article tokens only the user counts, the other members have no meaning of their own there.
    pub fn of(bound: &BoundToken) -> Result<Self, UnusableIdentity> {
        let token = bound.token();
        let user = UserName::read(token.subject()).map_err(|_| UnusableIdentity)?;
        let groups: Result<Groups, UnusableIdentity> = token
            .groups
            .iter()
            .map(|group| GroupName::read(group))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| UnusableIdentity)
            .and_then(|names| Groups::new(names).map_err(|_| UnusableIdentity));
        let name = token.name.as_deref().map(DisplayName::read).transpose().map_err(|_| UnusableIdentity);
        let email = token.email.as_deref().map(Email::read).transpose().map_err(|_| UnusableIdentity);
        let (groups, name, email) = match token.format() {
            Format::Keyed => (groups?, name?, email?),
            Format::Article => (groups.unwrap_or_default(), name.unwrap_or(None), email.unwrap_or(None)),
        };
        Ok(Self { user: Some(user), groups: groups.joined(), name, email })
    }

    /// The same user, with what is known of them now.
    pub(super) fn with_details(self, groups: &Groups, name: Option<&DisplayName>, email: Option<&Email>) -> Self {
        Self { user: self.user, groups: groups.joined(), name: name.cloned(), email: email.cloned() }
    }

    /// `Remote-User`; empty for nobody.
    #[must_use]
    pub fn user(&self) -> &str {
        self.user.as_ref().map_or("", UserName::as_str)
    }

    /// `Remote-Groups`: separated by commas, empty when there are none.
    #[must_use]
    pub fn groups(&self) -> &str {
        &self.groups
    }

    /// `Remote-Name`: empty when there is none, or when it is not printable ASCII.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_ref().map_or("", DisplayName::header_value)
    }

    /// `Remote-Email`; empty when there is none.
    #[must_use]
    pub fn email(&self) -> &str {
        self.email.as_ref().map_or("", Email::as_str)
    }
}
