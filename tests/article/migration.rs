//! From the article's tokens to keyed ones, and from one secret or salt to the next, without signing anyone out.

use super::{
    PROXY, SALT,
    clients::{Client, ON_IPV4, ON_MAPPED},
    decided,
    node::{Check, Mint},
    question, sign_in, start_samehand,
};
use crate::support::{
    client::ask,
    samehand::{SECRET, Samehand},
    token::Token,
};

const OTHER: Client = ON_IPV4.with_address("192.0.2.8");
const NEXT_SECRET: &str = "the secret that comes after, 3mPz8Wk4Ty";
const NEXT_SALT: &str = "the salt that comes after, 6rBn1";

#[track_caller]
fn is(samehand: &Samehand, client: &Client, token: &str, expected: (u16, &str)) {
    let (status, reason) = decided(samehand, client, token);
    assert_eq!((status, reason.as_str()), expected, "{client:?}");
}

fn is_keyed(token: &str) -> bool {
    Token::parse(token).header["typ"] == "samehand+jwt"
}

/// A token without `kid` that our secret has not signed.
fn forged(token: &str) -> String {
    Token::parse(token).signed(NEXT_SECRET)
}

#[test]
fn while_one_migrates_both_kinds_are_accepted_and_keyed_ones_minted() {
    let samehand = start_samehand(&[("FINGERPRINT", "keyed,article")]);
    let old = Mint::start().token(ON_IPV4.forwarded_for, &ON_IPV4);
    let new = sign_in(&samehand, &ON_IPV4);
    assert!(is_keyed(&new));
    for client in [&ON_IPV4, &ON_MAPPED] {
        is(&samehand, client, &old, (200, "ok"));
        is(&samehand, client, &new, (200, "ok"));
    }
    is(&samehand, &OTHER, &old, (403, "client-changed"));
    is(&samehand, &OTHER, &new, (403, "client-changed"));
    let bare = |token: &str| {
        let reply = ask(PROXY, &samehand.tcp, &question("nginx", &ON_IPV4).header("Authorization", token));
        (reply.status, reply.header("Remote-User").map(str::to_owned))
    };
    assert_eq!(bare(&old), (200, Some("alice".to_owned())));
    assert_eq!(bare(&new), (401, None));
    // What is no token answers as the kind that is minted; what shows its kind answers as that.
    is(&samehand, &ON_IPV4, "x", (401, "token-malformed"));
    is(&samehand, &ON_IPV4, &forged(&old), (403, "signature-invalid"));
    is(&samehand, &ON_IPV4, &forged(&new), (401, "signature-invalid"));
    assert_eq!(Check::start().verdict(&new, &ON_IPV4)["status"], 403);
    let both = question("nginx", &ON_IPV4).bearer(&old).bearer(&new);
    assert_eq!(ask(PROXY, &samehand.tcp, &both).status, 401);
}

#[test]
fn in_the_other_order_both_are_accepted_and_article_tokens_minted() {
    let samehand = start_samehand(&[("FINGERPRINT", "article,keyed")]);
    let keyed = sign_in(&start_samehand(&[]), &ON_IPV4);
    let minted = sign_in(&samehand, &ON_IPV4);
    assert!(is_keyed(&keyed) && !is_keyed(&minted));
    is(&samehand, &ON_IPV4, &keyed, (200, "ok"));
    is(&samehand, &ON_IPV4, &minted, (200, "ok"));
    is(&samehand, &OTHER, &keyed, (403, "client-changed"));
    is(&samehand, &ON_IPV4, "x", (403, "token-malformed"));
    is(&samehand, &ON_IPV4, &forged(&keyed), (401, "signature-invalid"));
    assert_eq!(Check::start().verdict(&minted, &ON_IPV4)["status"], 200);
}

#[test]
fn after_the_migration_article_tokens_are_refused() {
    for settings in [&[][..], &[("FINGERPRINT", "keyed")]] {
        let samehand = start_samehand(settings);
        let old = Mint::start().token(ON_IPV4.forwarded_for, &ON_IPV4);
        is(&samehand, &ON_IPV4, &old, (401, "token-malformed"));
        is(&samehand, &OTHER, &old, (401, "token-malformed"));
        let bare = question("nginx", &ON_IPV4).header("Authorization", old.as_str());
        assert_eq!(ask(PROXY, &samehand.tcp, &bare).status, 401);
    }
}

#[test]
fn a_changed_secret_or_salt_signs_nobody_out_while_the_old_one_is_named() {
    let old = Mint::start().token(ON_IPV4.forwarded_for, &ON_IPV4);
    for (settings, secret, salt, without) in [
        (vec![("SECRET", NEXT_SECRET), ("SECRET_PREVIOUS", SECRET)], NEXT_SECRET, SALT, "signature-invalid"),
        (vec![("SALT", NEXT_SALT), ("SALT_PREVIOUS", SALT)], SECRET, NEXT_SALT, "client-changed"),
        (
            vec![("SECRET", NEXT_SECRET), ("SECRET_PREVIOUS", SECRET), ("SALT", NEXT_SALT), ("SALT_PREVIOUS", SALT)],
            NEXT_SECRET,
            NEXT_SALT,
            "signature-invalid",
        ),
    ] {
        let article = [&[("FINGERPRINT", "article")], &settings[..]].concat();
        let samehand = start_samehand(&article);
        is(&samehand, &ON_IPV4, &old, (200, "ok"));
        is(&samehand, &ON_MAPPED, &old, (200, "ok"));
        is(&samehand, &OTHER, &old, (403, "client-changed"));
        // New ones are of the new secret and salt, which is what Node has by then.
        let new = sign_in(&samehand, &ON_IPV4);
        is(&samehand, &ON_IPV4, &new, (200, "ok"));
        assert_eq!(Check::with(secret, salt).verdict(&new, &ON_IPV4)["status"], 200, "{settings:?}");
        assert_eq!(Check::start().verdict(&new, &ON_IPV4)["status"], 403, "{settings:?}");
        let theirs = Mint::with(secret, salt).token(ON_IPV4.forwarded_for, &ON_IPV4);
        is(&samehand, &ON_IPV4, &theirs, (200, "ok"));

        let done: Vec<_> = article.iter().filter(|(name, _)| !name.ends_with("_PREVIOUS")).copied().collect();
        let samehand = start_samehand(&done);
        is(&samehand, &ON_IPV4, &old, (403, without));
        is(&samehand, &ON_IPV4, &theirs, (200, "ok"));
    }
}
