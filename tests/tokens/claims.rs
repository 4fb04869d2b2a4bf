//! The class that is about who issued a token, for whom, about whom, and of which type (T14).

use super::table::Table;
use super::world::{Signing, World};

/// T14: issuer, audience, subject, identifier, type, and what goes into headers.
pub(crate) fn names(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    for claim in ["iss", "sub", "jti"] {
        let token = world.draft().without_claim(claim).ours();
        table.token(&world, "token-claims 401", &format!("no {claim}"), token);
        for json in ["null", "7", "true", "1.5", "[]", "{}", "\"\""] {
            let token = world.draft().claim(claim, json).ours();
            table.token(&world, "token-claims 401", &format!("{claim} {json}"), token);
        }
    }
    for json in [
        r#""Samehand""#,
        r#""SAMEHAND""#,
        r#""samehand/""#,
        r#""samehand ""#,
        r#"" samehand""#,
        r#""samehan""#,
        r#""samehand2""#,
        r#""samehand\u0000""#,
        r#""https://samehand""#,
        r#""\uff53amehand""#,
        r#"["samehand"]"#,
        r#"["samehand","samehand"]"#,
        r#"{"samehand":1}"#,
    ] {
        table.token(&world, "token-claims 401", &format!("iss {json}"), world.draft().claim("iss", json).ours());
    }
    for json in [
        r#"" ""#,
        r#""alice bob""#,
        r#""alice\r\nRemote-User: root""#,
        r#""alice\nroot""#,
        r#""alice\u0000""#,
        r#""alice,bob""#,
        r#""alice;admin""#,
        r#""alice:secret""#,
        r#""alice/../root""#,
        r#""al\u00efce""#,
        r#""alice\u2028""#,
        r#""\u202ealice""#,
        r#""<script>""#,
        r#"["alice"]"#,
        r#"{"name":"alice"}"#,
        &format!("\"{}\"", "a".repeat(65)),
    ] {
        table.token(&world, "token-claims 401", &format!("sub {json}"), world.draft().claim("sub", json).ours());
    }
    for json in [r#""a.b_c@d+e-9""#, &format!("\"{}\"", "a".repeat(64))] {
        table.token(&world, "ok 200", &format!("sub {json}"), world.draft().claim("sub", json).ours());
    }
    for (claim, json) in [
        ("groups", r#""staff""#),
        ("groups", "null"),
        ("groups", "{}"),
        ("groups", r#"["staff",1]"#),
        ("groups", r#"["staff,admin"]"#),
        ("groups", r#"["staff\r\nRemote-User: root"]"#),
        ("groups", r#"[""]"#),
        ("groups", r#"[["staff"]]"#),
        ("name", "7"),
        ("name", "null"),
        ("name", r#"["Alice"]"#),
        ("email", r#""alice""#),
        ("email", r#""alice@example.com\r\nRemote-User: root""#),
        ("email", r#""alice@example.com,root@example.com""#),
        ("email", "null"),
        ("email", "[]"),
    ] {
        let token = world.draft().claim(claim, json).ours();
        table.token(&world, "token-claims 401", &format!("{claim} {json}"), token);
    }
    confirmations(table, &world);
    audiences(table);
    types(table, &world);
}

/// `cnf`: never passed over, whatever the settings ask for (RFC 7800 section 3.1).
fn confirmations(table: &mut Table, world: &World) {
    const KEY: &str = r#""jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I""#;
    const CERTIFICATE: &str = r#""x5t#S256":"A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0""#;
    for members in [KEY.to_owned(), CERTIFICATE.to_owned(), format!("{CERTIFICATE},{KEY}")] {
        let token = world.draft().claim("cnf", &format!("{{{members}}}")).ours();
        table.token(world, "proof-missing 401", &format!("cnf {members}"), token);
    }
    for json in [
        "{}".to_owned(),
        "null".into(),
        "[]".into(),
        r#""0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I""#.into(),
        format!("[{{{KEY}}}]"),
        format!("{{{KEY},{KEY}}}"),
        format!("{{{KEY},\"kid\":\"a\"}}"),
        r#"{"jwk":{"kty":"oct","k":"AA"}}"#.into(),
        r#"{"jku":"https://keys.example.com/"}"#.into(),
        r#"{"kid":"a"}"#.into(),
        r#"{"jkt":7}"#.into(),
        r#"{"jkt":""}"#.into(),
        r#"{"jkt":["0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"]}"#.into(),
        r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4"}"#.into(),
        r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4J"}"#.into(),
        r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I="}"#.into(),
        r#"{"x5t":"A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"}"#.into(),
    ] {
        let token = world.draft().claim("cnf", &json).ours();
        table.token(world, "token-claims 401", &format!("cnf {json}"), token);
    }
}

fn audiences(table: &mut Table) {
    let world = World::with(Signing::Hs256, &[("AUDIENCE", "shop")]);
    table.token(&world, "ok 200", "aud minted", world.mint());
    for json in [r#""shop""#, r#"["shop"]"#, r#"["other","shop"]"#] {
        table.token(&world, "ok 200", &format!("aud {json}"), world.draft().claim("aud", json).ours());
    }
    let token = world.draft().without_claim("aud").ours();
    table.token(&world, "token-claims 401", "no aud", token);
    for json in [
        "null",
        "1",
        "true",
        "{}",
        "[]",
        r#""""#,
        r#""other""#,
        r#""Shop""#,
        r#""shop ""#,
        r#""shop,other""#,
        r#""shop other""#,
        r#""sho""#,
        r#""shops""#,
        r#"["other"]"#,
        r#"["shop",1]"#,
        r#"["shop",null]"#,
        r#"[["shop"]]"#,
        r#"{"shop":true}"#,
        r#"["shop\u0000"]"#,
    ] {
        table.token(&world, "token-claims 401", &format!("aud {json}"), world.draft().claim("aud", json).ours());
    }
    let elsewhere = World::with(Signing::Hs256, &[("AUDIENCE", "bank")]);
    table.token(&world, "token-claims 401", "minted for another audience", elsewhere.mint());
    let issuer = World::with(Signing::Hs256, &[("ISSUER", "other")]);
    table.token(&world, "token-claims 401", "minted by another issuer", issuer.mint());
}

/// RFC 8725 section 3.11: an explicit type keeps tokens of another kind out, even when our own key has signed them.
fn types(table: &mut Table, world: &World) {
    let token = world.draft().without_header_member("typ").ours();
    table.token(world, "token-malformed 401", "no typ", token);
    for json in [
        "null",
        "1",
        "true",
        "[]",
        "{}",
        r#""""#,
        r#""JWT""#,
        r#""jwt""#,
        r#""at+jwt""#,
        r#""dpop+jwt""#,
        r#""logout+jwt""#,
        r#""SAMEHAND+JWT""#,
        r#""application/samehand+jwt""#,
        r#""samehand+jwt ""#,
        r#""samehand+jwt\u0000""#,
        r#"["samehand+jwt"]"#,
    ] {
        let token = world.draft().header_member("typ", json).ours();
        table.token(world, "token-malformed 401", &format!("typ {json}"), token);
    }
}
