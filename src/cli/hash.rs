//! `samehand hash`: the argon2id PHC string of a password, for a file that `samehand user import` reads.
//!
//! It needs neither settings nor a store.

use super::console::Console;
use super::{Failure, Outcome};
use crate::users::password::PasswordHash;
use crate::users::rules::{NewPassword, Person};

/// Prints the argon2id hash of a password, which is asked for or read from standard input.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Prints the hash on standard output.
pub(crate) fn run(Args {}: Args) -> Outcome {
    Console::of_process(hash)
}

fn hash(console: &mut Console<'_>) -> Outcome {
    let password = console.new_password(false)?;
    let password = NewPassword::choose(password, &Person::default());
    let password = password.map_err(|refused| Failure::Failed(refused.to_string()))?;
    let hash = PasswordHash::of(&password).map_err(|error| Failure::Failed(error.to_string()))?;
    console.result(hash.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::console::testing::{piped, typed};
    use super::*;

    const PASSWORD: &str = "trousers marmalade lighthouse";

    #[test]
    fn the_hash_and_nothing_else_is_printed() {
        let told = piped(format!("{PASSWORD}\n").as_bytes(), hash);
        assert_eq!(told.notes, "");
        let printed = told.succeeded();
        let hash = PasswordHash::read(printed.trim_end()).unwrap_or_else(|error| panic!("{printed}: {error}"));
        assert!(hash.verify(PASSWORD.as_bytes()));
        assert_eq!(printed.lines().count(), 1);
    }

    #[test]
    fn a_password_that_cannot_be_set_is_not_hashed() {
        let told = typed(&["short", "short"], hash);
        assert_eq!(told.results, "");
        assert!(told.failed().contains("fewer than 15"));
    }
}
