//! Floods of guesses: at one user from everywhere, and at everybody from one address. The right client signs in.

use std::{fs, net::Ipv4Addr, thread, time::Instant};

use crate::{
    OF_ADDRESS, OF_STRANGERS, WAIT_OF_STRANGERS, WRONG, at_once, checked, counted, has_to_wait, import, regained,
    retry_after, right, sign_in, somewhere,
    support::{
        CLIENT, THIEF,
        client::{Connection, ask},
        samehand::{PASSWORD, Samehand},
    },
    wrong,
};

/// Half of them in the network of the right client, half in networks of their own.
fn hundred_addresses() -> impl Iterator<Item = Ipv4Addr> {
    (100..150).flat_map(|number| [Ipv4Addr::new(127, 0, 0, number), somewhere(number.into())])
}

#[test]
fn two_hundred_wrong_passwords_from_a_hundred_addresses_do_not_keep_the_right_client_out() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    assert_eq!(right(&samehand, "alice", CLIENT), 200);
    for round in 0..2 {
        for address in hundred_addresses() {
            let status = wrong(&samehand, "alice", address);
            assert!(matches!(status, 401 | 429), "{status}");
        }
        assert_eq!(right(&samehand, "alice", CLIENT), 200, "after round {round}");
    }
    // No more than these were compared with the password.
    assert_eq!(counted(&samehand, "wrong-password"), OF_STRANGERS);
    assert_eq!(counted(&samehand, "throttled"), 200 - OF_STRANGERS);
    // A stranger who knows the password is still a stranger: otherwise one of the refused guesses could be right.
    let reply = ask(somewhere(1), &samehand.tcp, &sign_in("alice", PASSWORD));
    assert_eq!(checked(&reply), 429);
    assert!(retry_after(&reply) <= WAIT_OF_STRANGERS, "{reply:?}");
    samehand.succeed(&["user", "unlock", "alice"], "");
    assert_eq!(right(&samehand, "alice", somewhere(1)), 200);
}

#[test]
fn guesses_that_come_at_once_all_count() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let asked: Vec<_> = hundred_addresses().map(|address| (address, sign_in("alice", WRONG))).collect();
    let statuses: Vec<u16> = at_once(&samehand.tcp, &asked).iter().map(checked).collect();
    assert!(statuses.iter().all(|status| matches!(status, 401 | 429)), "{statuses:?}");
    let compared = statuses.iter().filter(|status| **status == 401).count();
    // On a machine where the store takes too long to count so many at once, the process counts the others, more strictly.
    let counts_alone = samehand.process.log().contains("cannot be counted in the store");
    let wanted = match counts_alone {
        true => OF_STRANGERS / 4..=OF_STRANGERS + OF_STRANGERS / 4,
        false => OF_STRANGERS..=OF_STRANGERS,
    };
    assert!(wanted.contains(&compared), "{compared} instead of {wanted:?}");
    assert_eq!(counted(&samehand, "wrong-password"), compared);
}

#[test]
fn ten_thousand_names_from_one_address_do_not_keep_others_out() {
    const THREADS: usize = 4;
    let samehand = Samehand::start(&[]);
    import(&samehand, &["alice", "bob", "carol"].map(str::to_owned));
    // The neighbour of the attacker, who has signed in before.
    assert_eq!(right(&samehand, "alice", CLIENT), 200);
    let started = Instant::now();
    thread::scope(|scope| {
        for part in 0..THREADS {
            let samehand = &samehand;
            scope.spawn(move || {
                let mut connection = Connection::open(THIEF, &samehand.tcp);
                for number in (part..10_000).step_by(THREADS) {
                    let reply = connection.ask(&sign_in(&format!("name-{number}"), WRONG));
                    assert!(matches!(checked(&reply), 401 | 429), "{reply:?}");
                }
            });
        }
        assert_eq!(right(&samehand, "alice", CLIENT), 200, "while it goes on");
    });
    let elapsed = started.elapsed();
    let hashed = counted(&samehand, "unknown-user");
    assert!(
        (OF_ADDRESS..=OF_ADDRESS + regained(started)).contains(&hashed),
        "{hashed} of 10,000 were hashed in {elapsed:?}"
    );
    assert_eq!(hashed + counted(&samehand, "throttled"), 10_000, "every attempt is one or the other");
    assert_eq!(right(&samehand, "alice", CLIENT), 200, "the neighbour");
    assert_eq!(right(&samehand, "bob", somewhere(1)), 200, "a stranger from elsewhere");
    let neighbour = Ipv4Addr::new(127, 0, 0, 9);
    assert!(has_to_wait(&samehand, "carol", THIEF), "a stranger at the attacker's address");
    assert_eq!(right(&samehand, "carol", neighbour), 200, "a stranger in the attacker's network");
}

/// The time that the processor has spent on a process, in ticks.
#[track_caller]
fn ticks(samehand: &Samehand) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", samehand.process.id())).expect("a running process");
    // The name of the program ends with the last bracket; the time in user mode is the 12th field after it.
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}

#[test]
fn who_has_to_wait_is_told_so_without_hashing() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let before = ticks(&samehand);
    for number in 1..=OF_STRANGERS {
        assert_eq!(wrong(&samehand, "alice", somewhere(number)), 401);
    }
    let hashed = ticks(&samehand);
    let mut connection = Connection::open(CLIENT, &samehand.tcp);
    for _ in 0..5 * OF_STRANGERS {
        assert_eq!(checked(&connection.ask(&sign_in("alice", WRONG))), 429);
    }
    let (hashing, waiting) = (hashed - before, ticks(&samehand) - hashed);
    // With a hash each, five times as many attempts would take five times as long.
    assert!(waiting < hashing, "{hashing} ticks for {OF_STRANGERS} hashes, {waiting} for five times as many refusals");
}

/// One subscriber has a /48: 65,536 networks, which no limit of single networks holds up.
#[test]
fn a_thousand_guesses_from_one_network_of_ipv6_keep_nobody_new_out() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let mut connection = Connection::open(Ipv4Addr::LOCALHOST, &samehand.tcp);
    let mut ask_from = |address: String, name: &str, password: &str| {
        checked(&connection.ask(&sign_in(name, password).header("X-Forwarded-For", address)))
    };
    for number in 0..1000 {
        let status = ask_from(format!("2001:db8:1:{number:x}::1"), "no name", WRONG);
        assert!(matches!(status, 401 | 429), "{status}");
    }
    let mut served = 0;
    for network in 0..10 {
        // And it goes on: twenty for each second in which somebody new signs in.
        for number in 0..20 {
            ask_from(format!("2001:db8:1:{network}{number:02}::1"), &format!("name-{number}"), WRONG);
        }
        served += u32::from(ask_from(format!("2001:db8:{:x}::1", 2 + network), "alice", PASSWORD) == 200);
    }
    assert_eq!(served, 10);
    assert!(counted(&samehand, "unknown-user") < 220, "{}", counted(&samehand, "unknown-user"));
}
