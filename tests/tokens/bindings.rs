//! The class that is about the fingerprint (T16): every way in which a token can lack one, carry a broken one, or one
//! that was made for somebody else. A token without a readable fingerprint is malformed whatever else it says.

use super::craft::Draft;
use super::table::Table;
use super::world::{CLIENT, Signing, USER_AGENT, World};
use samehand::check::policy::{Recipe, UserAgentMatch};

/// T16: the `fingerprint` claim.
pub(crate) fn fingerprints(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    let draft = world.draft();
    let claim = draft.text_claim("fingerprint");
    shapes(table, &world, &draft, &claim);
    places(table, &world, &draft, &claim);
    hands(table, &world, &draft, &claim);
    let report = World::with(Signing::Hs256, &[("ENFORCE", "report")]);
    let bare = report.draft().without_claim("fingerprint").ours();
    table.token(&report, "token-malformed 401", "missing, where changes are only reported", bare);
    table.token(&report, "ok 200", "good, where changes are only reported", report.mint());
    let free = World::with(Signing::Hs256, &[("REQUIRE_SAME", "none")]);
    let bare = free.draft().without_claim("fingerprint").ours();
    table.token(&free, "token-malformed 401", "missing, where nothing must be the same", bare);
}

/// Not a fingerprint in form.
fn shapes(table: &mut Table, world: &World, draft: &Draft, claim: &str) {
    for json in ["null", "true", "1", "1.5", "[]", "{}", "\"\"", "\" \"", "\"v1\"", "\"......\""] {
        let token = draft.clone().claim("fingerprint", json).ours();
        table.token(world, "token-malformed 401", json, token);
    }
    let fields: Vec<&str> = claim.split('.').collect();
    let without = |position: usize| {
        let kept = fields.iter().enumerate().filter(|(index, _)| *index != position).map(|(_, field)| *field);
        kept.collect::<Vec<_>>().join(".")
    };
    let (head, last) = claim.split_at(claim.len() - 1);
    let mut rows = vec![
        ("cut by one".to_owned(), head.to_owned()),
        ("cut to a half".to_owned(), claim[..claim.len() / 2].to_owned()),
        ("extended by a letter".to_owned(), format!("{claim}A")),
        ("extended by a dot".to_owned(), format!("{claim}.")),
        ("extended by a field".to_owned(), format!("{claim}.{}", fields[6])),
        ("in upper case".to_owned(), claim.to_ascii_uppercase()),
        ("followed by NUL".to_owned(), format!("{claim}\\u0000")),
        ("padded".to_owned(), format!("{claim}==")),
        ("with a blank before it".to_owned(), format!(" {claim}")),
        ("with a blank behind it".to_owned(), format!("{claim} ")),
        ("slack in a digest".to_owned(), format!("{head}{}", char::from(last.as_bytes()[0] + 1))),
        ("twice".to_owned(), format!("{claim}{claim}")),
        ("version 2".to_owned(), claim.replacen("v1", "v2", 1)),
        ("version V1".to_owned(), claim.replacen("v1", "V1", 1)),
        ("no version".to_owned(), claim.replacen("v1.", "", 1)),
        ("the article's hash".to_owned(), "0".repeat(64)),
    ];
    for (position, name) in
        ["version", "key", "record", "IPv4 digest", "IPv6 digest", "agent digest", "client digest"].iter().enumerate()
    {
        rows.push((format!("without its {name}"), without(position)));
    }
    for record in [
        "",
        "!ip:32:64",
        "!user-agent:family",
        "!user-agent:family,!ip:32:64",
        "!ip:32,!user-agent:family",
        "!ip:32:64,!user-agent",
        "!ip:32:64,!user-agent:Family",
        "!ip:32:64,!user-agent:none",
        "!ip:032:64,!user-agent:family",
        "!ip:+32:64,!user-agent:family",
        "!ip:33:64,!user-agent:family",
        "!ip:32:129,!user-agent:family",
        "!ip:-1:64,!user-agent:family",
        "!ip:256:64,!user-agent:family",
        " !ip:32:64,!user-agent:family",
        "!ip:32:64, !user-agent:family",
        "!ip:32:64,!user-agent:family,",
        "!ip:32:64,!user-agent:family,cookie",
        "!!ip:32:64,!user-agent:family",
    ] {
        rows.push((format!("record {record:?}"), claim.replacen(fields[2], record, 1)));
    }
    for (name, text) in rows {
        let token = draft.clone().claim("fingerprint", &format!("\"{text}\"")).ours();
        table.token(world, "token-malformed 401", &name, token);
    }
    for json in [format!("[\"{claim}\"]"), format!("{{\"v1\":\"{claim}\"}}")] {
        let token = draft.clone().claim("fingerprint", &json).ours();
        table.token(world, "token-malformed 401", &format!("within {}", &json[..1]), token);
    }
}

/// The fingerprint somewhere else.
fn places(table: &mut Table, world: &World, draft: &Draft, claim: &str) {
    let bare = draft.clone().without_claim("fingerprint");
    table.token(world, "token-malformed 401", "missing", bare.ours());
    for name in ["Fingerprint", "FINGERPRINT", "fp", "fingerprint ", "finger_print", "fingerprint\\u0000", "x5t#S256"] {
        let name = name.replace("\\u0000", "\0");
        let token = bare.clone().claim(&name, &format!("\"{claim}\"")).ours();
        table.token(world, "token-malformed 401", &format!("under the name {name:?}"), token);
    }
    let nested = bare.clone().claim("data", &format!(r#"{{"fingerprint":"{claim}"}}"#)).ours();
    table.token(world, "token-malformed 401", "one level down", nested);
    let header = bare.clone().header_member("fingerprint", &format!("\"{claim}\"")).ours();
    table.token(world, "token-malformed 401", "in the token's header only", header);
    let own = format!("Bearer {}", bare.ours());
    table.request(
        world,
        "token-malformed 401",
        "in a request header only",
        &[("authorization", own.as_bytes()), ("fingerprint", claim.as_bytes()), ("x-fingerprint", claim.as_bytes())],
    );
}

/// Good in form, but not of this token, this client, this key or this policy.
fn hands(table: &mut Table, world: &World, draft: &Draft, claim: &str) {
    let put = |text: &str| draft.clone().claim("fingerprint", &format!("\"{text}\"")).ours();
    let other = world.draft().text_claim("fingerprint");
    table.token(world, "client-changed 403", "moved from another token of the same client", put(&other));
    let renamed = draft.clone().claim("jti", "\"another\"").ours();
    table.token(world, "client-changed 403", "with another jti beside it", renamed);
    let mut fields: Vec<&str> = claim.split('.').collect();
    fields.swap(3, 5);
    let swapped = [&fields[..6], &["AAAAAAAAAAAAAAAAAAAAAA"]].concat().join(".");
    table.token(world, "client-changed 403", "address and agent digests exchanged", put(&swapped));
    fields.swap(3, 5);
    let zero = [&fields[..3], &["AAAAAAAAAAAAAAAAAAAAAA"; 4]].concat().join(".");
    table.token(world, "client-changed 403", "digests of zeros", put(&zero));
    let other = [&fields[..4], &["AAAAAAAAAAAAAAAAAAAAAA"], &fields[5..]].concat().join(".");
    let none = [&fields[..3], &["-"; 2], &fields[5..]].concat().join(".");
    let whole = [&fields[..3], &["AAAAAAAAAAAAAAAAAAAAAA"; 3], &fields[6..]].concat().join(".");
    let parts = [&fields[..6], &["AAAAAAAAAAAAAAAAAAAAAA"]].concat().join(".");
    table.token(world, "client-changed 403", "good part digests and a client digest of zeros", put(&parts));
    // The client digest covers both parts: where it holds, nothing else is computed.
    table.token(world, "ok 200", "a good client digest over part digests of zeros", put(&whole));
    table.token(world, "ok 200", "with an address of the other family", put(&other));
    table.token(world, "token-malformed 401", "with no address at all", put(&none));
    table.token(world, "key-unknown 401", "of another salt", put(&claim.replacen(fields[1], "AAAAAAAA", 1)));
    table.token(world, "key-unknown 401", "of no salt", put(&claim.replacen(fields[1], "", 1)));
    let jti = draft.text_claim("jti");
    let asked = world.gate.policy.recipe;
    for (name, recipe, expected) in [
        ("the recipe asked for", asked, "ok 200"),
        ("a recipe without address", Recipe { ipv4_prefix: 0, ipv6_prefix: 0, ..asked }, "policy-outdated 401"),
        ("a recipe with less of IPv4", Recipe { ipv4_prefix: 24, ..asked }, "policy-outdated 401"),
        ("a recipe with less of IPv6", Recipe { ipv6_prefix: 56, ..asked }, "policy-outdated 401"),
        ("a recipe with more of IPv6", Recipe { ipv6_prefix: 128, ..asked }, "ok 200"),
        ("a recipe with the exact agent", Recipe { user_agent: UserAgentMatch::Exact, ..asked }, "ok 200"),
    ] {
        table.token(world, expected, name, put(&world.fingerprint(recipe, &jti)));
    }
    for (name, from, to) in
        [("under the name of another recipe", "family", "exact"), ("under the name of a looser policy", "!ip", "ip")]
    {
        table.token(world, "client-changed 403", name, put(&claim.replacen(from, to, 1)));
    }
    clients(table, world);
}

/// A good token in another hand.
fn clients(table: &mut Table, world: &World) {
    let token = format!("Bearer {}", world.mint());
    let newer = USER_AGENT.replace("128.0", "141.0");
    let chrome =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36";
    let windows = USER_AGENT.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64");
    for (expected, name, header, value) in [
        ("ok 200", "the same client", "user-agent", USER_AGENT),
        ("ok 200", "the same browser, updated", "user-agent", &newer),
        ("client-changed 403", "another browser", "user-agent", chrome),
        ("client-changed 403", "another system", "user-agent", &windows),
        ("client-changed 403", "an empty agent", "user-agent", ""),
        ("client-changed 403", "the agent in lower case", "user-agent", &USER_AGENT.to_ascii_lowercase()),
        ("client-changed 403", "an application in the browser", "user-agent", &format!("{USER_AGENT} App/1")),
        ("ok 200", "the address, mapped", "x-forwarded-for", "::ffff:192.0.2.7"),
        ("ok 200", "the address behind another", "x-forwarded-for", "198.51.100.1, 192.0.2.7"),
        ("client-changed 403", "another address of the network", "x-forwarded-for", "192.0.2.8"),
        ("client-changed 403", "the address before another", "x-forwarded-for", "192.0.2.7, 198.51.100.1"),
        ("client-changed 403", "the proxy's address", "x-forwarded-for", "127.0.0.1"),
        ("client-changed 403", "an IPv6 address that ends in it", "x-forwarded-for", "2001:db8::192.0.2.7"),
    ] {
        let headers: [(&str, &[u8]); 2] = [("authorization", token.as_bytes()), (header, value.as_bytes())];
        table.request(world, expected, name, &headers);
    }
    let without = World::new(Signing::Hs256);
    #[expect(clippy::unwrap_used, reason = "a constant address")]
    let silent = without.mint_for(CLIENT.parse().unwrap(), None);
    let silent = format!("Bearer {silent}");
    for (expected, name, agent) in [
        ("ok 200", "an empty agent for a token without one", ""),
        ("client-changed 403", "an agent for a token without one", USER_AGENT),
    ] {
        let headers: [(&str, &[u8]); 2] = [("authorization", silent.as_bytes()), ("user-agent", agent.as_bytes())];
        table.request(&without, expected, name, &headers);
    }
}
