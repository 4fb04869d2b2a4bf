//! The class that is about how a token travels (T17), and the article's tokens, which travel and answer in a way of
//! their own.

use super::craft::{Draft, encode, hs256, hs512, parts};
use super::table::Table;
use super::world::{COOKIE, NOW, SECRET, Signing, World};

/// T17: one token, in one place, in one way.
pub(crate) fn carriers(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    let (token, second) = (world.mint(), world.mint());
    let forged = world.draft().sign(&hs256(b"somebody else's"));
    authorization(table, &world, &token, &second);
    cookies(table, &world, [&token, &second, &forged]);
    let elsewhere = [
        ("x-forwarded-uri", format!("/?access_token={token}")),
        ("x-forwarded-uri", format!("/?token={token}&bearer={token}")),
        ("x-auth-token", token.clone()),
        ("x-access-token", token.clone()),
        ("x-authorization", format!("Bearer {token}")),
        ("x-forwarded-authorization", format!("Bearer {token}")),
        ("proxy-authorization", format!("Bearer {token}")),
        ("x-original-authorization", format!("Bearer {token}")),
        ("token", token.clone()),
        ("sec-websocket-protocol", format!("bearer, {token}")),
        ("referer", format!("https://app.example.com/?access_token={token}")),
    ];
    for (position, (header, value)) in elsewhere.iter().enumerate() {
        let name = format!("in {header}, row {position}");
        table.request(&world, "token-missing 401", &name, &[(header, value.as_bytes())]);
    }
    table.request(&world, "token-missing 401", "nowhere", &[]);
    let bearer = format!("Bearer {token}");
    let cookie = format!("{COOKIE}={token}");
    let both: [(&str, &[u8]); 2] = [("authorization", bearer.as_bytes()), ("cookie", cookie.as_bytes())];
    table.request(&world, "ok 200", "the same token in header and cookie", &both);
    let other = format!("{COOKIE}={second}");
    let both: [(&str, &[u8]); 2] = [("authorization", bearer.as_bytes()), ("cookie", other.as_bytes())];
    table.request(&world, "token-ambiguous 401", "different tokens in header and cookie", &both);
    let cookie_only = World::with(Signing::Hs256, &[("TOKEN_FROM", "cookie")]);
    let token = cookie_only.mint();
    table.token(&cookie_only, "token-missing 401", "Authorization where only cookies are read", &token);
    let cookie = format!("{COOKIE}={token}");
    let both: [(&str, &[u8]); 2] = [("authorization", b"Bearer of-the-application"), ("cookie", cookie.as_bytes())];
    table.request(&cookie_only, "ok 200", "a cookie beside the application's Authorization", &both);
    let header_only = World::with(Signing::Hs256, &[("TOKEN_FROM", "authorization")]);
    let cookie = format!("{COOKIE}={}", header_only.mint());
    table.request(
        &header_only,
        "token-missing 401",
        "a cookie where only Authorization is read",
        &[("cookie", cookie.as_bytes())],
    );
}

fn authorization(table: &mut Table, world: &World, token: &str, second: &str) {
    for (expected, name, value) in [
        ("ok 200", "bearer in lower case", format!("bearer {token}")),
        ("ok 200", "BEARER in upper case", format!("BEARER {token}")),
        ("ok 200", "three blanks", format!("Bearer   {token}")),
        ("token-malformed 401", "a tab", format!("Bearer\t{token}")),
        ("token-malformed 401", "a blank and a tab", format!("Bearer \t{token}")),
        ("token-malformed 401", "no token", "Bearer".into()),
        ("token-malformed 401", "a blank for a token", "Bearer ".into()),
        ("token-malformed 401", "a word behind it", format!("Bearer {token} x")),
        ("token-malformed 401", "a parameter behind it", format!("Bearer {token}, realm=x")),
        ("token-malformed 401", "a list", format!("Bearer {token}, Bearer {second}")),
        ("token-malformed 401", "a list of one token twice", format!("Bearer {token}, Bearer {token}")),
        ("token-malformed 401", "a comma behind it", format!("Bearer {token},")),
        ("token-malformed 401", "in quotes", format!("Bearer \"{token}\"")),
        ("token-malformed 401", "as a parameter", format!("Bearer token={token}")),
        ("token-malformed 401", "the scheme twice", format!("Bearer Bearer {token}")),
        ("token-malformed 401", "dots percent-encoded", format!("Bearer {}", token.replace('.', "%2E"))),
        ("token-malformed 401", "a byte beyond ASCII", format!("Bearer {token}\u{e9}")),
        ("token-malformed 401", "a U+2000 before it", format!("Bearer \u{2000}{token}")),
        ("token-missing 401", "no blank", format!("Bearer{token}")),
        ("token-missing 401", "a colon", format!("Bearer:{token}")),
        ("token-missing 401", "the token alone", token.to_owned()),
        ("token-missing 401", "Basic", format!("Basic {token}")),
        ("token-missing 401", "Basic with a password", format!("Basic {}", encode(format!("alice:{token}")))),
        ("proof-invalid 401", "DPoP", format!("DPoP {token}")),
        ("token-missing 401", "Token", format!("Token {token}")),
        ("token-missing 401", "JWT", format!("JWT {token}")),
        ("token-missing 401", "Negotiate", format!("Negotiate {token}")),
        ("token-missing 401", "an empty value", String::new()),
    ] {
        table.request(world, expected, &format!("Authorization: {name}"), &[("authorization", value.as_bytes())]);
    }
    let (bearer, other) = (format!("Bearer {token}"), format!("Bearer {second}"));
    for (name, lines) in [
        ("two tokens", [&bearer[..], &other]),
        ("one token twice", [&bearer, &bearer]),
        ("Basic before it", ["Basic YTpi", &bearer]),
        ("Basic behind it", [&bearer, "Basic YTpi"]),
        ("an empty line before it", ["", &bearer]),
        ("an empty line behind it", [&bearer, ""]),
    ] {
        let lines = lines.map(|line| ("authorization", line.as_bytes()));
        table.request(world, "token-ambiguous 401", &format!("two lines of Authorization: {name}"), &lines);
    }
}

fn cookies(table: &mut Table, world: &World, [token, second, forged]: [&str; 3]) {
    for (expected, name, value) in [
        ("ok 200", "alone", format!("{COOKIE}={token}")),
        ("ok 200", "among others", format!("a=b; {COOKIE}={token}; c=d")),
        ("ok 200", "without blanks between", format!("a=b;{COOKIE}={token};c=d")),
        ("ok 200", "twice the same", format!("{COOKIE}={token}; {COOKIE}={token}")),
        ("ok 200", "a forged one before it", format!("{COOKIE}={forged}; {COOKIE}={token}")),
        ("ok 200", "a forged one behind it", format!("{COOKIE}={token}; {COOKIE}={forged}")),
        ("ok 200", "an empty one before it", format!("{COOKIE}=; {COOKIE}={token}")),
        ("token-ambiguous 401", "two that verify", format!("{COOKIE}={token}; {COOKIE}={second}")),
        ("signature-invalid 401", "forged", format!("{COOKIE}={forged}")),
        ("token-malformed 401", "in quotes", format!("{COOKIE}=\"{token}\"")),
        ("token-malformed 401", "dots percent-encoded", format!("{COOKIE}={}", token.replace('.', "%2E"))),
        ("token-malformed 401", "with a scheme", format!("{COOKIE}=Bearer {token}")),
        ("token-malformed 401", "a blank behind the equals sign", format!("{COOKIE}= {token}")),
        ("token-malformed 401", "two equals signs", format!("{COOKIE}=={token}")),
        (
            "token-malformed 401",
            "a comma between two, as some proxies join",
            format!("{COOKIE}={token},{COOKIE}={token}"),
        ),
        ("token-missing 401", "empty", format!("{COOKIE}=")),
        ("token-missing 401", "no equals sign", COOKIE.to_owned()),
        ("token-missing 401", "no name", format!("={token}")),
        ("token-missing 401", "the token alone", token.to_owned()),
        ("token-missing 401", "its name as a nameless value", format!("=; ={COOKIE}={token}")),
        ("token-missing 401", "its name percent-encoded", format!("%5F%5FSecure-samehand={token}")),
        ("token-missing 401", "its name in lower case", format!("{}={token}", COOKIE.to_ascii_lowercase())),
        ("token-missing 401", "a U+2000 before its name", format!("\u{2000}{COOKIE}={token}")),
        ("token-missing 401", "a U+0085 before its name", format!("\u{85}{COOKIE}={token}")),
        ("token-missing 401", "its name with a prefix", format!("x{COOKIE}={token}")),
        ("token-missing 401", "its name with a suffix", format!("{COOKIE}2={token}")),
        ("token-missing 401", "a blank before the equals sign", format!("{COOKIE} ={token}")),
        ("token-missing 401", "in the value of another", format!("a={COOKIE}={token}")),
        ("token-missing 401", "behind a comma", format!("a=b, {COOKIE}={token}")),
        ("token-missing 401", "the name of another setting", format!("__Host-samehand={token}")),
        ("token-missing 401", "with a Version attribute before a comma", format!("$Version=1, {COOKIE}={token}")),
    ] {
        table.request(world, expected, &format!("Cookie: {name}"), &[("cookie", value.as_bytes())]);
    }
    let many: Vec<String> = (0..40).map(|number| format!("{COOKIE}={number}")).collect();
    let many = format!("{}; {COOKIE}={token}", many.join("; "));
    table.request(world, "token-ambiguous 401", "Cookie: forty others of its name", &[("cookie", many.as_bytes())]);
    let (first, last) = (format!("{COOKIE}={token}"), format!("{COOKIE}={second}"));
    let lines: [(&str, &[u8]); 2] = [("cookie", first.as_bytes()), ("cookie", last.as_bytes())];
    table.request(world, "token-ambiguous 401", "Cookie: two lines with one each", &lines);
    let lines: [(&str, &[u8]); 2] = [("cookie", b"a=b"), ("cookie", last.as_bytes())];
    table.request(world, "ok 200", "Cookie: two lines, one of them ours", &lines);
}

/// The article's tokens: no `kid`, accepted only where they are asked for, and refused with 403.
pub(crate) fn article(table: &mut Table) {
    let keyed = World::new(Signing::Hs256);
    let both = World::with(Signing::Hs256, &[("FINGERPRINT", "keyed,article")]);
    let world = World::with(Signing::Hs256, &[("FINGERPRINT", "article,keyed")]);
    let token = world.mint();
    let draft = world.draft();
    table.token(&world, "ok 200", "minted", &token);
    table.token(&world, "ok 200", "crafted", draft.ours());
    table.request(&world, "ok 200", "without a scheme", &[("authorization", token.as_bytes())]);
    table.token(&both, "ok 200", "where keyed ones are minted", &token);
    table.token(&world, "ok 200", "a keyed one where article tokens are minted", keyed.mint());
    table.token(&keyed, "token-malformed 401", "where only keyed ones are accepted", &token);
    table.request(
        &keyed,
        "token-missing 401",
        "without a scheme, only keyed ones",
        &[("authorization", token.as_bytes())],
    );
    let bare = both.mint();
    table.request(&both, "token-malformed 401", "a keyed one without a scheme", &[("authorization", bare.as_bytes())]);
    table.request(&world, "token-missing 401", "no token", &[]);
    article_rows(table, &world, &draft);
    let [header, payload, signature] = parts(&token);
    for (name, token) in [
        ("two parts", format!("{header}.{payload}")),
        ("no signature", format!("{header}.{payload}.")),
        ("a header of nothing", format!("{}.{payload}.{signature}", encode("{}"))),
        ("not a token", "x".to_owned()),
    ] {
        table.token(&world, "token-malformed 403", name, token);
    }
    let bearer = format!("Bearer {token}");
    for (name, header, value) in [
        ("another address", "x-forwarded-for", "192.0.2.8"),
        ("another browser", "user-agent", "curl/8.5.0"),
        ("the browser, updated", "user-agent", &super::world::USER_AGENT.replace("128.0", "141.0")),
        ("an empty agent", "user-agent", ""),
    ] {
        let headers: [(&str, &[u8]); 2] = [("authorization", bearer.as_bytes()), (header, value.as_bytes())];
        table.request(&world, "client-changed 403", name, &headers);
    }
}

/// Faults in an article token that our own secret has signed.
fn article_rows(table: &mut Table, world: &World, draft: &Draft) {
    let secret = SECRET.as_bytes();
    let named = |alg: &str| draft.clone().header_member("alg", &format!("\"{alg}\""));
    for (expected, name, token) in [
        ("signature-invalid 403", "HS512", named("HS512").sign(&hs512(secret))),
        ("signature-invalid 403", "none", named("none").ours()),
        ("signature-invalid 403", "hs256", named("hs256").ours()),
        ("signature-invalid 403", "another secret", draft.sign(&hs256(b"another"))),
        ("signature-invalid 403", "an empty secret", draft.sign(&hs256(b""))),
        ("token-malformed 403", "typ of keyed tokens", draft.clone().header_member("typ", "\"samehand+jwt\"").ours()),
        ("token-malformed 403", "no typ", draft.clone().without_header_member("typ").ours()),
        ("token-malformed 403", "crit", draft.clone().header_member("crit", "[]").ours()),
        ("token-malformed 403", "jwk", draft.clone().header_member("jwk", "{}").ours()),
        ("token-malformed 403", "no fingerprint", draft.clone().without_claim("fingerprint").ours()),
        ("token-malformed 403", "fingerprint null", draft.clone().claim("fingerprint", "null").ours()),
        ("token-malformed 403", "fingerprint an array", draft.clone().claim("fingerprint", "[]").ours()),
        ("token-malformed 403", "fingerprint empty", draft.clone().claim("fingerprint", "\"\"").ours()),
        (
            "client-changed 403",
            "fingerprint of zeros",
            draft.clone().claim("fingerprint", &format!("\"{}\"", "0".repeat(64))).ours(),
        ),
        ("token-claims 403", "no userId", draft.clone().without_claim("userId").ours()),
        ("token-claims 403", "userId null", draft.clone().claim("userId", "null").ours()),
        ("token-claims 403", "userId an array", draft.clone().claim("userId", "[\"alice\"]").ours()),
        ("token-claims 403", "userId a fraction", draft.clone().claim("userId", "1.5").ours()),
        ("token-claims 403", "userId with a line feed", draft.clone().claim("userId", "\"a\\nb\"").ours()),
        ("ok 200", "userId a number", draft.clone().claim("userId", "42").ours()),
        ("token-claims 403", "no exp", draft.clone().without_claim("exp").ours()),
        ("token-claims 403", "exp a string", draft.clone().claim("exp", "\"4000000000\"").ours()),
        ("token-expired 403", "expired", draft.clone().claim("iat", "1").claim("exp", "2").ours()),
        ("token-not-yet-valid 403", "iat ahead", draft.clone().claim("iat", &(*NOW + 31).to_string()).ours()),
        ("token-claims 403", "a lifetime too long", draft.clone().claim("exp", "4000000000").ours()),
        (
            "token-malformed 403",
            "userId twice",
            draft.clone().payload(draft.payload_text().replacen('{', "{\"userId\":\"mallory\",", 1)).ours(),
        ),
    ] {
        table.token(world, expected, name, token);
    }
    let hash = draft.text_claim("fingerprint");
    for (name, text) in [
        ("in upper case", hash.to_ascii_uppercase()),
        ("cut", hash[1..].to_owned()),
        ("extended", format!("{hash}0")),
        ("with a prefix", format!("0x{}", &hash[2..])),
    ] {
        let token = draft.clone().claim("fingerprint", &format!("\"{text}\"")).ours();
        table.token(world, "token-malformed 403", &format!("fingerprint {name}"), token);
    }
}
