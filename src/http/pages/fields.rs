//! The query of a page's address: a few names, each at most once; what else stands there is nobody's business.

use std::borrow::Cow;

/// The value of this name, if it is there exactly once.
pub(super) fn query<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut values = url::form_urlencoded::parse(query.as_bytes()).filter(|(own, _)| own == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}
