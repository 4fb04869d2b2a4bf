//! Hashes that samehand writes and hashes of other programs. It tests no sign-in.

use super::*;
use crate::secret::Secret;
use crate::users::rules::Person;

const PASSWORD: &str = "trousers marmalade lighthouse";
/// Of [`PASSWORD`], made by libxcrypt.
const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuXYxWC.PI2GcFhDApbEEHDz/d8fr1muG";
/// Of `password`, from the test vectors of the reference implementation of argon2.
const ARGON2ID: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

fn hash(text: &str) -> PasswordHash {
    PasswordHash::read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn hash_of(password: &str) -> PasswordHash {
    let password = NewPassword::choose(Secret::new(password.as_bytes().to_vec()), &Person::default());
    PasswordHash::of(&password.unwrap()).unwrap()
}

#[track_caller]
fn is_not_read(text: &str, expected: HashError) {
    let refused = PasswordHash::read(text).err();
    assert_eq!(refused, Some(expected), "{text}");
    assert!(text.is_empty() || !expected.to_string().contains(text));
}

#[test]
fn a_hash_is_argon2id_with_the_minimum_of_owasp_and_its_own_salt() {
    let first = hash_of(PASSWORD);
    assert!(first.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", first.as_str());
    assert_eq!(first.scheme(), PasswordHash::current_scheme());
    assert_ne!(first.as_str(), hash_of(PASSWORD).as_str());
}

#[test]
fn a_hash_is_read_back_and_matches_its_password_only() {
    let read = hash(hash_of(PASSWORD).as_str());
    assert!(read.verify(PASSWORD.as_bytes()));
    assert!(!read.verify(PASSWORD.to_uppercase().as_bytes()));
    assert!(!read.verify(&PASSWORD.as_bytes()[..PASSWORD.len() - 1]));
    assert!(!read.verify(format!("{PASSWORD} ").as_bytes()));
}

#[test]
fn hashes_of_other_programs_are_verified() {
    assert!(hash(ARGON2ID).verify(b"password"));
    assert!(!hash(ARGON2ID).verify(b"Password"));
    for prefix in ["$2a$", "$2b$", "$2y$"] {
        let bcrypt = hash(&BCRYPT.replace("$2y$", prefix));
        assert!(bcrypt.verify(PASSWORD.as_bytes()));
        assert!(!bcrypt.verify(b"trousers marmalade"));
    }
}

#[test]
fn a_password_with_a_zero_byte_is_not_the_bcrypt_password_repeated() {
    let repeated = format!("{PASSWORD}\0{PASSWORD}");
    assert!(bcrypt::verify(&repeated, BCRYPT).unwrap(), "this is how bcrypt works");
    assert!(!hash(BCRYPT).verify(repeated.as_bytes()));
}

#[test]
fn an_empty_or_endless_password_never_matches() {
    let of_nothing = bcrypt::hash("", 4).unwrap();
    assert!(!hash(&of_nothing).verify(b""));
    let long = "x".repeat(1025);
    let of_long = bcrypt::hash(&long, 4).unwrap();
    assert!(!hash(&of_long).verify(long.as_bytes()));
    assert!(hash(&of_long).verify(&long.as_bytes()[..1024]));
}

#[test]
fn what_is_no_accepted_hash_is_refused_with_the_kind_of_reason() {
    is_not_read("", HashError::OtherKind);
    is_not_read("hunter2", HashError::OtherKind);
    is_not_read("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", HashError::OtherKind);
    is_not_read("$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", HashError::OtherKind);
    is_not_read(&BCRYPT.replace("$2y$", "$2x$"), HashError::OtherKind);
    is_not_read(&ARGON2ID.replace("argon2id", "argon2i"), HashError::OtherKind);
    is_not_read(&BCRYPT[..59], HashError::Unreadable("bcrypt"));
    is_not_read(&format!("{BCRYPT}x"), HashError::Unreadable("bcrypt"));
    is_not_read(&BCRYPT.replace("uuXY", "uuÄ"), HashError::Unreadable("bcrypt"));
    is_not_read(&BCRYPT.replace("$05$", "$xx$"), HashError::Unreadable("bcrypt"));
    is_not_read(&ARGON2ID[..50], HashError::Unreadable("argon2id"));
    is_not_read(&ARGON2ID.replace("v=19", "v=16"), HashError::Unreadable("argon2id"));
    is_not_read(&ARGON2ID.replace("v=19$", ""), HashError::Unreadable("argon2id"));
    is_not_read(&ARGON2ID.replace(",p=1", ""), HashError::Unreadable("argon2id"));
    is_not_read(&ARGON2ID.replace(",p=1", ",p=1,data=c29tZQ"), HashError::Unreadable("argon2id"));
    is_not_read(&ARGON2ID.replace("m=65536", "m=0"), HashError::Unreadable("argon2id"));
    is_not_read(&ARGON2ID.replace("t=2", "t=0"), HashError::Unreadable("argon2id"));
    is_not_read(&ARGON2ID.replace("c29tZXNhbHQ", "c29tZQ"), HashError::Unreadable("argon2id"));
    is_not_read("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaM", HashError::Unreadable("argon2id"));
}

#[test]
fn a_hash_that_would_cost_too_much_is_refused_before_anything_is_computed() {
    hash(&ARGON2ID.replace("m=65536,t=2,p=1", "m=262144,t=4,p=16"));
    is_not_read(&ARGON2ID.replace("m=65536", "m=262145"), HashError::Cost);
    is_not_read(&ARGON2ID.replace("m=65536", "m=4294967295"), HashError::Cost);
    is_not_read(&ARGON2ID.replace("t=2", "t=17"), HashError::Cost);
    is_not_read(&ARGON2ID.replace("t=2", "t=4294967295"), HashError::Cost);
    is_not_read(&ARGON2ID.replace("p=1", "p=17"), HashError::Cost);
    hash(&BCRYPT.replace("$05$", "$14$"));
    is_not_read(&BCRYPT.replace("$05$", "$15$"), HashError::Cost);
    is_not_read(&BCRYPT.replace("$05$", "$31$"), HashError::Cost);
    is_not_read(&BCRYPT.replace("$05$", "$99$"), HashError::Cost);
    is_not_read(&BCRYPT.replace("$05$", "$03$"), HashError::Cost);
}

#[track_caller]
fn is_renewed(text: &str, password: &str, expected: bool) {
    let renewed = hash(text).renewed(password.as_bytes(), password.as_bytes()).transpose().unwrap();
    assert_eq!(renewed.is_some(), expected, "{text}");
    if let Some(renewed) = renewed {
        assert_eq!(renewed.scheme(), PasswordHash::current_scheme());
        assert!(renewed.verify(password.as_bytes()));
    }
}

#[test]
fn bcrypt_and_weak_parameters_are_renewed_and_strong_ones_stay() {
    let with = |parameters: &str| ARGON2ID.replace("m=65536,t=2,p=1", parameters);
    let salted = |parameters: &str| with(parameters).replace("c29tZXNhbHQ", "c29tZXNhbHRzb21lc2FsdA");
    is_renewed(BCRYPT, PASSWORD, true);
    is_renewed(&salted("m=19455,t=2,p=1"), PASSWORD, true);
    is_renewed(&salted("m=65536,t=1,p=1"), PASSWORD, true);
    is_renewed(&with("m=65536,t=2,p=1"), PASSWORD, true);
    is_renewed(&salted("m=19456,t=2,p=1"), PASSWORD, false);
    is_renewed(&salted("m=65536,t=3,p=4"), PASSWORD, false);
}

#[test]
fn a_password_of_which_bcrypt_saw_only_the_beginning_is_not_renewed() {
    is_renewed(BCRYPT, &"x".repeat(72), true);
    is_renewed(BCRYPT, &"x".repeat(73), false);
}

#[track_caller]
fn has_decoy(text: &str) {
    let hash = hash(text);
    let decoy = PasswordHash::decoy(&hash.scheme()).unwrap();
    assert_eq!(decoy.scheme(), hash.scheme());
    assert!(!decoy.verify(PASSWORD.as_bytes()));
}

#[test]
fn every_scheme_has_a_decoy_of_the_same_cost() {
    has_decoy(BCRYPT);
    has_decoy(&BCRYPT.replace("$2y$05$", "$2a$06$"));
    has_decoy(ARGON2ID);
    has_decoy(hash_of(PASSWORD).as_str());
    assert!(PasswordHash::decoy("$scheme$").is_err());
}
