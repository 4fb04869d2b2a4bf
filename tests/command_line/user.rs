//! `user`: a life from `add` to `remove`, and files of users that come from elsewhere.

use serde_json::{Value, json};

use crate::{Installation, PASSWORD, refused, run, run_with};

#[track_caller]
fn listed(installation: &Installation) -> Vec<Value> {
    let list = installation.succeed(&["user", "list", "--json"], "");
    serde_json::from_str::<Value>(&list).expect("JSON").as_array().expect("an array").clone()
}

#[test]
fn a_user_is_added_changed_disabled_enabled_and_removed() {
    let installation = Installation::new(&[]);
    let add = ["user", "add", "Alice", "--group", "Staff", "--email", "alice@example.com", "--password-stdin"];
    let ended = run_with(&installation, &add, &format!("{PASSWORD}\n"));
    assert_eq!((ended.code, ended.results.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.notes.contains("alice"), "{ended:?}");
    refused(&installation, &["user", "add", "ALICE", "--password-stdin"], PASSWORD, 1, &["exists", "user set"]);
    let alice = |members: Value| {
        let [user] = &listed(&installation)[..] else { panic!("one user") };
        for (member, value) in members.as_object().expect("an object") {
            assert_eq!(&user[member], value, "{user}");
        }
    };
    alice(json!({ "name": "alice", "groups": ["staff"], "email": "alice@example.com", "disabled": false }));
    for (arguments, members) in [
        (
            &["set", "alice", "--group", "admins", "--group", "ops"][..],
            json!({ "groups": ["admins", "ops"], "email": "alice@example.com" }),
        ),
        (&["set", "alice", "--no-groups"], json!({ "groups": [] })),
        (&["set", "alice", "--display-name", "Alice A."], json!({ "display_name": "Alice A." })),
        (&["set", "alice", "--email", ""], json!({ "email": null, "display_name": "Alice A." })),
        (&["disable", "Alice"], json!({ "disabled": true })),
        (&["disable", "alice"], json!({ "disabled": true })),
        (&["enable", "alice"], json!({ "disabled": false })),
        (&["unlock", "ALICE"], json!({ "disabled": false, "email": null })),
    ] {
        let ended = run(&installation, &[&["user"], arguments].concat());
        assert_eq!((ended.code, ended.results.as_str()), (Some(0), ""), "{arguments:?}: {ended:?}");
        assert!(ended.notes.contains("alice"), "{arguments:?}: {ended:?}");
        alice(members);
    }
    let text = installation.succeed(&["user", "list"], "");
    assert!(text.contains("alice") && text.contains("enabled"), "{text}");
    assert!(!format!("{text}{:?}", listed(&installation)).contains("argon2"), "a list shows no hash");
    let ended = run(&installation, &["user", "remove", "alice"]);
    assert!(ended.code == Some(0) && ended.notes.contains("alice"), "{ended:?}");
    assert_eq!(listed(&installation), Vec::<Value>::new());
    for command in ["remove", "unlock"] {
        refused(&installation, &["user", command, "alice"], "", 1, &["no user", "alice"]);
    }
}

#[test]
fn what_cannot_be_is_refused_where_it_enters() {
    let installation = Installation::new(&[]);
    let add = |more: &[&'static str]| [&["user", "add", "bob", "--password-stdin"], more].concat();
    for name in ["", "two words", "a,b", "a:b", "\u{e4}nne", "a\nb", &"a".repeat(65), "../etc"] {
        refused(&installation, &["user", "add", name, "--password-stdin"], PASSWORD, 2, &[]);
    }
    for more in [
        ["--group", "two words"],
        ["--group", "a,b"],
        ["--email", "a,b@example.com"],
        ["--email", "two words@example.com"],
        ["--display-name", "line\nbreak"],
    ] {
        refused(&installation, &add(&more), PASSWORD, 2, &[more[0]]);
    }
    for (password, said) in [("", ""), ("short", "15"), ("bob bob bob bob bob", ""), ("passwordpassword", "")] {
        refused(&installation, &add(&[]), password, 1, &[said]);
    }
    assert!(!installation.data().exists(), "a refusal has created a store");
    assert_eq!(run_with(&installation, &add(&[]), PASSWORD).code, Some(0));
    let ended = run_with(&installation, &["user", "passwd", "bob", "--password-stdin"], "short");
    assert!(ended.code == Some(1) && !ended.notes.contains("\"short\""), "{ended:?}");
}

#[test]
fn a_file_of_users_is_imported_whole_or_not_at_all() {
    let installation = Installation::new(&[]);
    let argon2id = installation.succeed(&["hash"], PASSWORD);
    let bcrypt = bcrypt::hash(PASSWORD, 10).expect("a hash").replacen("$2b$", "$2y$", 1);
    let good = installation.write("good", &format!("# from the old server\nCarol:{argon2id}\n\nfred:{bcrypt}\n"));
    let ended = run(&installation, &["user", "import", &good]);
    assert_eq!((ended.code, ended.results.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.notes.contains("2 users"), "{ended:?}");
    let names = || listed(&installation).iter().map(|user| user["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(), ["carol", "fred"]);
    refused(&installation, &["user", "import", &good], "", 1, &["nothing was imported", "carol"]);

    let bad = installation.write(
        "bad",
        &format!(
            "greta:{argon2id}\nno colon here\nhans:open sesame today\nida:{}\njohn:{{SHA}}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n\
             two words:{argon2id}\nGRETA:{bcrypt}\n",
            bcrypt.replace('$', "$$")
        ),
    );
    let lines: Vec<String> = [2, 3, 4, 5, 6, 7].map(|line| format!("line {line}:")).into();
    let mut said: Vec<&str> = lines.iter().map(String::as_str).collect();
    said.push("nothing was imported");
    refused(&installation, &["user", "import", &bad], "", 1, &said);
    let ended = run(&installation, &["user", "import", &bad]);
    assert!(!ended.notes.contains("sesame") && !ended.notes.contains("2jmj7l5"), "a secret is shown: {ended:?}");
    assert_eq!(names(), ["carol", "fred"]);
    let empty = installation.write("empty", "# nobody\n");
    refused(&installation, &["user", "import", &empty], "", 1, &["no users"]);
}
