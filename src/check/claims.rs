//! Strict reading of a token's two JSON objects.
//!
//! The defaults of JSON and JWT libraries accept some forty kinds of malformed token: repeated members, arrays in place
//! of objects, invalid UTF-8 in members nobody reads, numbers in place of strings. Here an object is one UTF-8 JSON
//! object with no member twice (RFC 7515 section 4, RFC 7519 section 4), and every claim keeps its type for the checks
//! that follow. Nothing is verified here.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// More members than this are malformed.
const MAX_MEMBERS: usize = 128;

/// Not one JSON object of the shape asked for.
#[derive(Debug)]
pub(super) struct Malformed;

/// A claim's value, as far as any check needs to tell values apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    /// A whole number from 0 to 2^64 - 1, written without fraction or exponent.
    Integer(u64),
    /// An array of strings, an empty one included.
    Texts(Vec<String>),
    /// An object, with its members in the order written; a name may stand in it twice.
    Members(Vec<(Cow<'a, str>, Value<'a>)>),
    /// Anything else; no claim that is checked may have it.
    Other,
}

/// The members of one object, in the order written, no name twice.
#[derive(Debug)]
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        // A first byte check refuses positional arrays; `from_str` refuses a BOM, trailing data and invalid UTF-8.
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed)?;
        if !text.starts_with('{') {
            return Err(Malformed);
        }
        serde_json::from_str(text).map_err(|_| Malformed)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let position = self.0.iter().position(|(member, _)| member == name)?;
        Some(self.0.swap_remove(position).1)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(member, _)| member == name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object whose members have different names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(Cow<'de, str>, Value<'de>)> = Vec::with_capacity(10);
                while let Some(name) = map.next_key::<Name<'de>>()? {
                    if members.len() == MAX_MEMBERS || members.iter().any(|(known, _)| *known == name.0) {
                        return Err(serde::de::Error::custom("a member twice, or too many"));
                    }
                    members.push((name.0, map.next_value()?));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A member's name, borrowed unless it holds an escape.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Text(name) => Ok(Self(name)),
            Value::Integer(_) | Value::Texts(_) | Value::Members(_) | Value::Other => {
                Err(serde::de::Error::custom("not a name"))
            }
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        let mut all_text = true;
        while let Some(element) = elements.next_element::<Value<'de>>()? {
            match element {
                Value::Text(text) if all_text => texts.push(text.into_owned()),
                Value::Text(_) | Value::Integer(_) | Value::Texts(_) | Value::Members(_) | Value::Other => {
                    all_text = false;
                }
            }
        }
        Ok(if all_text { Value::Texts(texts) } else { Value::Other })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<Name<'de>, Value<'de>>()? {
            members.push((name.0, value));
        }
        Ok(Value::Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_type() {
        let json = br#"{"a":"x","b":7,"c":["p","q"],"d":[1],"e":-1,"f":1.0,"g":null,"h":{"i":[{}]},"\u006a":"esc\n"}"#;
        let mut object = Object::parse(json).unwrap();
        assert_eq!(object.take("a"), Some(Value::Text("x".into())));
        assert_eq!(object.take("b"), Some(Value::Integer(7)));
        assert_eq!(object.take("c"), Some(Value::Texts(vec!["p".into(), "q".into()])));
        for name in ["d", "e", "f", "g"] {
            assert_eq!(object.take(name), Some(Value::Other), "{name}");
        }
        assert_eq!(object.take("h"), Some(Value::Members(vec![("i".into(), Value::Other)])));
        assert_eq!(object.take("j"), Some(Value::Text("esc\n".into())));
        assert!(object.is_empty());
    }

    #[test]
    fn what_is_not_one_object_is_malformed() {
        for bad in [
            &b"[]"[..],
            b"[\"sub\"]",
            b"\"x\"",
            b"1",
            b"null",
            b"",
            b" {}",
            b"{} {}",
            b"{}x",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"{\"a\":1,\"a\":1}",
            b"{\"a\":1,\"\\u0061\":2}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"{/**/}",
            b"{\"a\":01}",
            b"{\"a\":NaN}",
            b"{\"a\":1e400}",
            b"{\"a\":\"\\ud800\"}",
            b"{\x00\"\x00a\x00\"\x00:\x001\x00}\x00",
        ] {
            assert!(Object::parse(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
        assert!(Object::parse(deep.as_bytes()).is_err());
        let wide: Vec<String> = (0..4000).map(|number| format!("\"m{number}\":0")).collect();
        assert!(Object::parse(format!("{{{}}}", wide.join(",")).as_bytes()).is_err());
    }
}
