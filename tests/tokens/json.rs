//! The classes that are about JSON: its shape, its cost, its size, members that stand twice (T9 to T12).

use super::craft::{Draft, encode, hs256};
use super::table::Table;
use super::world::{SECRET, Signing, World};

/// T9: what is not one UTF-8 JSON object.
pub(crate) fn shapes(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    let draft = world.draft();
    let (header, payload) = (draft.header_text(), draft.payload_text());
    for (part, text) in [("header", &header), ("payload", &payload)] {
        let body = text.trim_start_matches('{').trim_end_matches('}');
        let values =
            serde_json::from_str::<serde_json::Map<_, _>>(text).map(|map| map.values().cloned().collect::<Vec<_>>());
        let positional = values.map(|values| serde_json::Value::from(values).to_string()).unwrap_or_default();
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let rows: Vec<(&str, Vec<u8>)> = vec![
            ("a positional array", positional.into()),
            ("an array around it", format!("[{text}]").into()),
            ("a string", serde_json::Value::from(text.as_str()).to_string().into()),
            ("a number", "1".into()),
            ("null", "null".into()),
            ("true", "true".into()),
            ("blanks only", "  ".into()),
            ("trailing data", format!("{text}x").into()),
            ("a trailing brace", format!("{text}}}").into()),
            ("two objects", format!("{text}{text}").into()),
            ("two lines of objects", format!("{text}\n{text}").into()),
            ("a blank before it", format!(" {text}").into()),
            ("a byte order mark", format!("\u{feff}{text}").into()),
            ("UTF-16, little end first", utf16(u16::to_le_bytes)),
            ("UTF-16, big end first", utf16(u16::to_be_bytes)),
            ("no closing brace", format!("{{{body}").into()),
            ("no opening brace", format!("{body}}}").into()),
            ("a trailing comma", format!("{{{body},}}").into()),
            ("a leading comma", format!("{{,{body}}}").into()),
            ("a comment", format!("{{/* */{body}}}").into()),
            ("a line comment", format!("{{{body}// \n}}").into()),
            ("single quotes", text.replace('"', "'").into()),
            ("names without quotes", text.replace("\"alg\"", "alg").replace("\"sub\"", "sub").into()),
            ("a NUL behind it", format!("{text}\0").into()),
            ("an unfinished string", format!("{{{body},\"x\":\"").into()),
        ];
        for (name, bytes) in rows {
            let spoilt = if part == "header" { draft.clone().header(bytes) } else { draft.clone().payload(bytes) };
            table.token(&world, "token-malformed 401", &format!("{part}: {name}"), spoilt.ours());
        }
    }
    let members: [(&str, &[u8]); 9] = [
        ("bad UTF-8", b"\"\xff\""),
        ("overlong UTF-8", b"\"\xc0\xaf\""),
        ("a surrogate in UTF-8", b"\"\xed\xa0\x80\""),
        ("Latin-1", b"\"\xe9\""),
        ("a lone surrogate", br#""\ud800""#),
        ("surrogates in the wrong order", br#""\udc00\ud800""#),
        ("a raw line feed in a string", b"\"\n\""),
        ("an unknown escape", br#""\x41""#),
        ("an expression", b"1+1"),
    ];
    for (name, value) in members {
        let with_member = |text: &str| [text.trim_end_matches('}').as_bytes(), b",\"x\":", value, b"}"].concat();
        let claims = draft.clone().payload(with_member(&payload)).ours();
        table.token(&world, "token-malformed 401", &format!("an unknown claim with {name}"), claims);
        let spoilt = draft.clone().header(with_member(&header)).ours();
        table.token(&world, "token-malformed 401", &format!("an unknown header member with {name}"), spoilt);
    }
}

/// T10: JSON that is cheap to send and dear to read; each within the size limit, and far over it.
pub(crate) fn bombs(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    let members = |count: usize| (0..count).map(|number| format!("\"{number}\":0")).collect::<Vec<_>>().join(",");
    for (size, depth, count, digits) in [("small", 200, 150, 400), ("large", 20_000, 4_000, 20_000)] {
        for (name, claim, json) in [
            ("nested arrays", "x", format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
            ("unclosed arrays", "x", "[".repeat(depth)),
            ("nested objects", "x", format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth))),
            ("a number of many digits", "exp", "9".repeat(digits)),
            ("a fraction of many digits", "exp", format!("1.{}e{}", "9".repeat(digits), "9".repeat(9))),
        ] {
            let token = world.draft().claim(claim, &json).ours();
            assert_eq!(token.len() > samehand::check::token::MAX_TOKEN, size == "large", "{name} {size}");
            table.token(&world, "token-malformed 401", &format!("{name}, {size}"), token);
        }
        let draft = world.draft();
        let wide = |text: String| format!("{},{}}}", text.trim_end_matches('}'), members(count));
        let token = draft.clone().payload(wide(draft.payload_text())).ours();
        table.token(&world, "token-malformed 401", &format!("many claims, {size}"), token);
        let token = draft.clone().header(wide(draft.header_text())).ours();
        table.token(&world, "token-malformed 401", &format!("many header members, {size}"), token);
    }
}

/// T11: size. Everything over 4096 bytes is refused before anything is decoded.
pub(crate) fn sizes(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    for kilobytes in [16, 64, 110, 200] {
        let filler = format!("\"{}\"", "x".repeat(kilobytes * 1024));
        let token = world.draft().claim("x", &filler).ours();
        table.token(&world, "token-malformed 401", &format!("{kilobytes} kB, signed by us"), token);
        let name = format!("{kilobytes} kB of letters");
        table.token(&world, "token-malformed 401", &name, "A".repeat(kilobytes * 1024));
    }
    table.token(&world, "token-malformed 401", "60 000 dots", ".".repeat(60_000));
    table.token(
        &world,
        "token-malformed 401",
        "60 000 dots and a good token",
        format!("{}{}", ".".repeat(60_000), world.mint()),
    );
    table.token(&world, "ok 200", "4096 bytes", of_length(&world.draft(), 4096));
    table.token(&world, "token-malformed 401", "4097 bytes", of_length(&world.draft(), 4097));
}

/// A good token of exactly this length; blanks in the header reach what a longer claim cannot.
fn of_length(draft: &Draft, length: usize) -> String {
    let filled = |blanks: usize, letters: usize| {
        let header = format!("{}{}", draft.header_text(), " ".repeat(blanks));
        draft.clone().header(header).claim("x", &format!("\"{}\"", "x".repeat(letters))).ours()
    };
    let room = (length - filled(0, 0).len()) * 3 / 4;
    (0..3)
        .flat_map(|blanks| (room - 8..room + 8).map(move |letters| (blanks, letters)))
        .map(|(blanks, letters)| filled(blanks, letters))
        .find(|token| token.len() == length)
        .unwrap_or_default()
}

/// T12: members that stand twice, the false one first or last, written plainly or with an escape.
pub(crate) fn duplicates(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    let draft = world.draft();
    let (header, payload) = (draft.header_text(), draft.payload_text());
    let first = |text: &str, member: &str| format!("{{{member},{}", &text[1..]);
    let last = |text: &str, member: &str| format!("{},{member}}}", &text[..text.len() - 1]);
    for (name, escaped, value) in [
        ("sub", r"\u0073ub", r#""mallory""#),
        ("exp", r"e\u0078p", "4000000000"),
        ("iat", r"\u0069at", "1"),
        ("iss", r"is\u0073", r#""other""#),
        ("jti", r"jt\u0069", r#""other""#),
        ("fingerprint", r"\u0066ingerprint", r#""v1""#),
    ] {
        for (spelling, written) in [("plain", name), ("escaped", escaped)] {
            let member = format!("\"{written}\":{value}");
            for (place, payload) in [("first", first(&payload, &member)), ("last", last(&payload, &member))] {
                let token = draft.clone().payload(payload).ours();
                table.token(&world, "token-malformed 401", &format!("{name}, {spelling}, false one {place}"), token);
            }
        }
    }
    for (name, member) in [("aud", r#""aud":"shop""#), ("nbf", r#""nbf":1"#), ("a claim nobody knows", r#""x":1"#)] {
        let twice = last(&last(&payload, member), member);
        table.token(
            &world,
            "token-malformed 401",
            &format!("{name}, twice the same"),
            draft.clone().payload(twice).ours(),
        );
    }
    for (name, escaped, value) in
        [("alg", r"\u0061lg", r#""none""#), ("kid", r"k\u0069d", r#""other""#), ("typ", r"ty\u0070", r#""JWT""#)]
    {
        for (spelling, written) in [("plain", name), ("escaped", escaped)] {
            let member = format!("\"{written}\":{value}");
            for (place, header) in [("first", first(&header, &member)), ("last", last(&header, &member))] {
                let token = draft.clone().header(header).ours();
                table.token(&world, "token-malformed 401", &format!("{name}, {spelling}, false one {place}"), token);
            }
        }
    }
    let message = format!("{}.{}", encode(last(&header, r#""alg":"HS256""#)), encode(&payload));
    let token = format!("{message}.{}", encode(hs256(SECRET.as_bytes())(message.as_bytes())));
    table.token(&world, "token-malformed 401", "alg, twice the same", token);
}
