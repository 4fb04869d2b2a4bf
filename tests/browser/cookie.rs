//! A cookie as the browser stores it. Knows no browser.

use serde_json::Value;

/// A cookie as the browser stored it.
#[derive(Debug)]
pub(crate) struct Cookie(pub(crate) Value);

impl Cookie {
    /// `name`, `value`, `domain`, `path` or `sameSite`.
    pub(crate) fn text(&self, what: &str) -> &str {
        self.0[what].as_str().unwrap_or_default()
    }

    /// When the browser drops it, in seconds since 1970.
    #[track_caller]
    pub(crate) fn expires_at(&self) -> u64 {
        let seconds = self.0["expires"].as_f64().unwrap_or_else(|| panic!("it does not end: {self:?}"));
        format!("{seconds:.0}").parse().unwrap_or_else(|_| panic!("it does not end: {self:?}"))
    }

    /// The same cookie, but for this.
    pub(crate) fn with_value(&self, value: &str) -> Self {
        let mut cookie = self.0.clone();
        cookie["value"] = value.into();
        Self(cookie)
    }

    /// `secure` or `httpOnly`.
    pub(crate) fn is(&self, what: &str) -> bool {
        self.0[what] == true
    }
}
