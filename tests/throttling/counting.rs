//! What counts as one user, one client and one network, what does not count at all, and that none of it tells who exists.

use std::{net::Ipv4Addr, time::Instant};

use crate::{
    BROWSER, OF_ADDRESS, OF_KNOWN_CLIENT, OF_STRANGERS, WRONG, at_once, checked, counted, has_to_wait, import,
    regained, retry_after, right, sign_in, somewhere,
    support::{
        CLIENT, THIEF,
        client::{Reply, Request, ask},
        samehand::{PASSWORD, Samehand},
    },
    wrong, wrong_until_told_to_wait,
};

#[test]
fn the_spellings_of_a_name_share_one_counter() {
    let (samehand, began) = (Samehand::start(&[]), Instant::now());
    samehand.add_user("alice", &[]);
    for number in 1..=OF_STRANGERS {
        let name = ["alice", "Alice", "ALICE", "aLiCe"][number % 4];
        assert_eq!(wrong(&samehand, name, somewhere(number)), 401, "{number}");
    }
    for name in ["alice", "ALICE", "alicE", "alice ", " alice", "alice\u{a0}", "\u{ff41}lice"] {
        assert_eq!(wrong(&samehand, name, CLIENT), 429, "{name}");
    }
    // These are nobody's names: no counter of a user holds them up, and the network's counts them together.
    for name in ["al ice", "a lice", "ali\u{a0}ce", "alic\u{e9}", "alic\u{435}", "", "ali\0ce"] {
        assert_eq!(right(&samehand, name, CLIENT), 401, "{name:?}");
    }
    let left = wrong_until_told_to_wait(&samehand, "al ice", CLIENT);
    assert!((OF_ADDRESS - 7..=OF_ADDRESS - 7 + regained(began)).contains(&left), "{left}");
    assert!(has_to_wait(&samehand, "\u{c5}lice", CLIENT));
}

/// What does not name the request or the moment.
fn timeless(reply: &Reply) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let moment = ["date", "x-request-id", "retry-after"];
    let lines = reply.headers.iter().filter(|(name, _)| !moment.contains(&&*name.to_lowercase()));
    let mut lines: Vec<_> = lines.cloned().collect();
    lines.sort();
    (reply.status, lines, reply.body.clone())
}

#[test]
fn a_known_an_unknown_and_a_disabled_name_are_told_to_wait_alike() {
    let samehand = Samehand::start(&[]);
    import(&samehand, &["alice", "dora"].map(str::to_owned));
    samehand.succeed(&["user", "disable", "dora"], "");
    let waits = ["alice", "nobody", "dora"].map(|name| {
        assert_eq!(wrong_until_told_to_wait(&samehand, name, CLIENT), OF_STRANGERS, "{name}");
        let password = if name == "dora" { PASSWORD } else { WRONG };
        ask(THIEF, &samehand.tcp, &sign_in(name, password))
    });
    for wait in &waits {
        assert_eq!(timeless(wait), timeless(&waits[0]));
        // All began within the time of this test.
        assert!(retry_after(wait).abs_diff(retry_after(&waits[0])) < 60, "{wait:?}");
    }
    // The right password of a disabled user uses attempts up as a wrong one does.
    samehand.succeed(&["user", "unlock", "dora"], "");
    let statuses = (0..=OF_STRANGERS).map(|_| right(&samehand, "dora", somewhere(1))).collect::<Vec<_>>();
    assert_eq!((statuses[0], statuses[OF_STRANGERS - 1], statuses[OF_STRANGERS]), (401, 401, 429), "{statuses:?}");
}

#[test]
fn a_right_password_gives_its_attempt_back_and_no_other() {
    let (samehand, began) = (Samehand::start(&[]), Instant::now());
    import(&samehand, &["alice", "mallory"].map(str::to_owned));
    for number in 1..OF_STRANGERS {
        assert_eq!(wrong(&samehand, "alice", somewhere(number)), 401);
    }
    for number in 0..60 {
        assert_eq!(right(&samehand, "alice", somewhere(100 + number)), 200, "{number}");
    }
    assert_eq!(wrong(&samehand, "alice", CLIENT), 401, "the one that is left");
    assert_eq!(wrong(&samehand, "alice", CLIENT), 429);
    // Who has an account does not wipe out guesses at others by signing in between them.
    let mut guessed = 0;
    for number in 0..OF_ADDRESS + 20 {
        if right(&samehand, "mallory", THIEF) == 429 {
            break;
        }
        guessed += usize::from(wrong(&samehand, &format!("name-{number}"), THIEF) == 401);
    }
    assert!((OF_ADDRESS..=OF_ADDRESS + regained(began)).contains(&guessed), "{guessed}");
}

#[test]
fn a_client_that_was_signed_in_from_has_attempts_of_its_own() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    assert_eq!(right(&samehand, "alice", CLIENT), 200);
    assert_eq!(wrong_until_told_to_wait(&samehand, "alice", somewhere(1)), OF_STRANGERS);
    assert_eq!(wrong_until_told_to_wait(&samehand, "alice", CLIENT), OF_KNOWN_CLIENT);
    assert_eq!(right(&samehand, "alice", CLIENT), 429);
    // With its own used up, it has what strangers have, and so `unlock` helps it too.
    samehand.succeed(&["user", "unlock", "ALICE"], "");
    assert_eq!(wrong_until_told_to_wait(&samehand, "alice", CLIENT), OF_STRANGERS);
    samehand.succeed(&["user", "unlock", "alice"], "");
    assert_eq!(right(&samehand, "alice", CLIENT), 200);
}

#[test]
fn an_office_behind_one_address_signs_in_in_the_morning() {
    let samehand = Samehand::start(&[]);
    let names: Vec<String> = (0..120).map(|number| format!("person-{number}")).collect();
    import(&samehand, &names);
    // Sixty at a time are as many as the queue before hashing holds on the smallest machine.
    for group in names.chunks(60) {
        let asked: Vec<_> = group.iter().map(|name| (CLIENT, sign_in(name, PASSWORD))).collect();
        for (name, reply) in group.iter().zip(at_once(&samehand.tcp, &asked)) {
            assert_eq!(reply.status, 200, "{name}: {reply:?}");
        }
    }
    for name in names.iter().step_by(5) {
        for _ in 0..3 {
            assert_eq!(wrong(&samehand, name, CLIENT), 401, "{name} mistypes");
        }
        assert_eq!(right(&samehand, name, CLIENT), 200, "{name}");
    }
    assert_eq!(counted(&samehand, "throttled"), 0);
}

#[test]
fn clients_behind_a_trusted_proxy_are_counted_one_by_one() {
    let (samehand, began) = (Samehand::start(&[]), Instant::now());
    samehand.add_user("alice", &[]);
    let through_proxy = |address: &str, name: &str, password: &str| {
        let body = serde_json::json!({ "username": name, "password": password }).to_string();
        let request = Request::post("/login", body)
            .header("Content-Type", "application/json")
            .header("X-Forwarded-For", address)
            .header("User-Agent", BROWSER);
        checked(&ask(Ipv4Addr::LOCALHOST, &samehand.tcp, &request))
    };
    assert_eq!(through_proxy("2001:db8::1", "alice", PASSWORD), 200);
    // One /64, whatever address in it: the network is used up, and whoever is new in it waits.
    let hashed = (0..OF_ADDRESS + 20).filter(|number| {
        let address = format!("2001:db8::{number:x}:1");
        through_proxy(&address, &format!("name-{number}"), WRONG) == 401
    });
    let hashed = hashed.count();
    assert!((OF_ADDRESS..=OF_ADDRESS + regained(began)).contains(&hashed), "{hashed}");
    // What the network has got back since is used up first.
    assert!((0..2).any(|_| through_proxy("2001:db8::5", "bob", PASSWORD) == 429));
    assert_eq!(through_proxy("2001:db8:0:1::5", "bob", PASSWORD), 401, "the next network");
    // So does who has signed in from it: else the wait would tell who has.
    assert!((0..2).any(|_| through_proxy("2001:db8::ffff:2", "alice", PASSWORD) == 429));
    // What a stranger claims to be is not looked at.
    let claims = sign_in("alice", PASSWORD).header("X-Forwarded-For", "2001:db8::1");
    for number in 0..OF_STRANGERS {
        assert_eq!(through_proxy("198.51.100.7", "alice", WRONG), 401, "{number}");
    }
    assert_eq!(checked(&ask(THIEF, &samehand.tcp, &claims)), 429);
}
