//! A form as browsers send it: `application/x-www-form-urlencoded`, of bounded size, with known fields, none twice.

use crate::http::json;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web;
use zeroize::Zeroizing;

/// Fields by name; wiped afterwards, because one of them is a password.
pub(super) struct Form(Vec<(String, Zeroizing<String>)>);

impl Form {
    /// Takes a field out; empty where it was not sent.
    pub(super) fn take(&mut self, name: &str) -> Zeroizing<String> {
        let field = self.0.iter_mut().find(|(own, _)| own == name);
        field.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    }
}

/// Whether the body is a form.
pub(in crate::http) fn is_form(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(CONTENT_TYPE);
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let media_type = line.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Reads a form with these fields.
///
/// # Errors
/// The status to answer with: 413, 408, or 400 for another field, one that stands there twice, or text that is not UTF-8.
pub(super) async fn read(headers: &HeaderMap, body: web::Payload, known: &[&str]) -> Result<Form, StatusCode> {
    let bytes = json::bytes(headers, body, json::MAX_BODY).await.map_err(|refusal| refusal.status())?;
    parse(&bytes, known).ok_or(StatusCode::BAD_REQUEST)
}

fn parse(bytes: &[u8], known: &[&str]) -> Option<Form> {
    let mut fields: Vec<(String, Zeroizing<String>)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        let (name, value) = (name.into_owned(), Zeroizing::new(value.into_owned()));
        // What is not UTF-8 was replaced by this letter.
        let is_text = !value.contains(char::REPLACEMENT_CHARACTER);
        if !is_text || !known.contains(&name.as_str()) || fields.iter().any(|(own, _)| *own == name) {
            return None;
        }
        fields.push((name, value));
    }
    Some(Form(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_are_read_once_each() {
        let mut form = parse(b"name=caf%C3%A9+au+lait&word=%26%3D%2B", &["name", "word", "more"]).unwrap();
        assert_eq!(
            [form.take("name"), form.take("word"), form.take("more")].map(|value| value.to_string()),
            ["café au lait", "&=+", ""]
        );
        for refused in [&b"other=1"[..], b"name=1&name=1", b"name=1&n%61me=2", b"name=%ff", b"name=\xff", b"name", b"x"]
        {
            let is_read = parse(refused, &["name"]).is_some();
            assert_eq!(is_read, refused == b"name", "{refused:?}");
        }
    }
}
