//! What a command talks to: results on one stream, everything else on another, and a way to ask for a password.
//!
//! A password is never echoed, and never taken from an argument, where every user of the machine could read it.

use super::{Failure, Outcome};
use crate::secret::Secret;
use crate::users::rules::LONGEST;
use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};

/// The streams of a command.
pub(crate) struct Console<'a> {
    /// Standard input.
    pub(crate) input: &'a mut dyn Read,
    /// Whether a person types at standard input.
    pub(crate) interactive: bool,
    /// Asks the person at the terminal for a line, without echo.
    pub(crate) ask: &'a mut dyn FnMut(&str) -> io::Result<String>,
    /// Standard output.
    pub(crate) results: &'a mut dyn Write,
    /// Standard error.
    pub(crate) notes: &'a mut dyn Write,
}

impl Console<'_> {
    /// Runs a command on the streams of this process.
    pub(crate) fn of_process(command: impl FnOnce(&mut Console<'_>) -> Outcome) -> Outcome {
        let input = io::stdin();
        command(&mut Console {
            interactive: input.is_terminal(),
            input: &mut input.lock(),
            ask: &mut |question| rpassword::prompt_password(question),
            results: &mut io::stdout().lock(),
            notes: &mut io::stderr().lock(),
        })
    }

    /// Writes a line that scripts read. A reader that went away, as in `samehand user list | head -1`, is no failure.
    pub(crate) fn result(&mut self, line: impl fmt::Display) -> Outcome {
        match writeln!(self.results, "{line}").and_then(|()| self.results.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::Failed(format!("cannot write the result: {error}")))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes a line that people read. That nobody can read it does not make the command fail.
    pub(crate) fn note(&mut self, line: impl fmt::Display) {
        drop(writeln!(self.notes, "{line}"));
    }

    /// A password to be set: from standard input when that is asked for or is no terminal, else typed twice.
    pub(crate) fn new_password(&mut self, from_input: bool) -> Result<Secret, Failure> {
        if from_input || !self.interactive { self.piped_password() } else { self.typed_password() }
    }

    fn piped_password(&mut self) -> Result<Secret, Failure> {
        const LINE_END: usize = 2;
        // One byte more than may be, so that a longer password is seen to be longer.
        let most = LONGEST + LINE_END + 1;
        let mut bytes = Vec::with_capacity(most);
        let read = (&mut *self.input).take(most as u64).read_to_end(&mut bytes);
        read.map_err(|error| Failure::Failed(format!("cannot read the password from standard input: {error}")))?;
        if bytes.ends_with(b"\n") {
            bytes.pop();
            if bytes.ends_with(b"\r") {
                bytes.pop();
            }
        }
        let password = Secret::new(bytes);
        if password.expose().is_empty() {
            let message =
                "no password: write it to standard input, or run the command in a terminal to be asked for it";
            return Err(Failure::Failed(message.to_owned()));
        }
        if password.expose().contains(&b'\n') {
            let message = "standard input has more than one line; write the password once, on one line";
            return Err(Failure::Failed(message.to_owned()));
        }
        Ok(password)
    }

    fn typed_password(&mut self) -> Result<Secret, Failure> {
        let mut ask = |question: &str| {
            let typed = (self.ask)(question).map(|typed| Secret::new(typed.into_bytes()));
            typed.map_err(|error| Failure::Failed(format!("cannot ask for the password: {error}")))
        };
        let password = ask("Password: ")?;
        let repeated = ask("The same password again: ")?;
        if password.equals(repeated.expose()) {
            Ok(password)
        } else {
            Err(Failure::Failed("the two passwords are not the same; nothing was changed".to_owned()))
        }
    }
}

/// A command's streams in memory.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// What a command wrote, and how it ended.
    pub(crate) struct Told {
        pub(crate) outcome: Outcome,
        pub(crate) results: String,
        pub(crate) notes: String,
    }

    impl Told {
        /// The message of a failure with exit code 1.
        #[track_caller]
        pub(crate) fn failed(self) -> String {
            match self.outcome {
                Err(Failure::Failed(message)) => message,
                Err(Failure::Usage(message)) => panic!("wrong usage: {message}"),
                Err(Failure::Config(problems)) => panic!("bad configuration: {problems:?}"),
                Ok(()) => panic!("it succeeded: {}{}", self.results, self.notes),
            }
        }

        /// The message of a failure with exit code 2.
        #[track_caller]
        pub(crate) fn wrong_usage(self) -> String {
            match self.outcome {
                Err(Failure::Usage(message)) => message,
                Err(Failure::Failed(message)) => panic!("failed: {message}"),
                Err(Failure::Config(problems)) => panic!("bad configuration: {problems:?}"),
                Ok(()) => panic!("it succeeded: {}{}", self.results, self.notes),
            }
        }

        /// Standard output of a command that succeeded.
        #[track_caller]
        pub(crate) fn succeeded(self) -> String {
            match self.outcome {
                Ok(()) => self.results,
                Err(Failure::Failed(message) | Failure::Usage(message)) => {
                    panic!("failed: {message}")
                }
                Err(Failure::Config(problems)) => panic!("bad configuration: {problems:?}"),
            }
        }
    }

    /// Runs a command with this standard input, which is no terminal.
    pub(crate) fn piped(input: &[u8], command: impl FnOnce(&mut Console<'_>) -> Outcome) -> Told {
        run(&mut &*input, false, &[], command)
    }

    /// Runs a command for a person who types these lines when asked.
    pub(crate) fn typed(lines: &[&str], command: impl FnOnce(&mut Console<'_>) -> Outcome) -> Told {
        run(&mut io::empty(), true, lines, command)
    }

    fn run(
        input: &mut dyn Read,
        interactive: bool,
        lines: &[&str],
        command: impl FnOnce(&mut Console<'_>) -> Outcome,
    ) -> Told {
        let (mut results, mut notes) = (Vec::new(), Vec::new());
        let mut lines = lines.iter();
        let mut ask = |_: &str| lines.next().map(|line| (*line).to_owned()).ok_or(io::ErrorKind::UnexpectedEof.into());
        let outcome =
            command(&mut Console { input, interactive, ask: &mut ask, results: &mut results, notes: &mut notes });
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Told { outcome, results: text(results), notes: text(notes) }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Told, piped, typed};
    use super::*;

    fn echo(console: &mut Console<'_>, from_input: bool) -> Outcome {
        let password = console.new_password(from_input)?;
        console.result(format_args!("{:?}", String::from_utf8_lossy(password.expose())))
    }

    #[track_caller]
    fn is_read_as(input: &[u8], expected: &str) {
        assert_eq!(piped(input, |console| echo(console, false)).succeeded(), format!("{expected:?}\n"));
    }

    #[test]
    fn one_newline_at_the_end_does_not_belong_to_the_password() {
        is_read_as(b"a password", "a password");
        is_read_as(b"a password\n", "a password");
        is_read_as(b"a password\r\n", "a password");
        is_read_as(b"  a password  \n", "  a password  ");
    }

    #[track_caller]
    fn is_refused(told: Told, said: &str) {
        let message = told.failed();
        assert!(message.contains(said), "{message}");
    }

    #[test]
    fn standard_input_holds_one_line() {
        is_refused(piped(b"", |console| echo(console, false)), "no password");
        is_refused(piped(b"\n", |console| echo(console, true)), "no password");
        is_refused(piped(b"a password\na password\n", |console| echo(console, false)), "more than one line");
    }

    #[test]
    fn endless_input_is_not_read_to_its_end() {
        let told = piped(&[b'x'; 100_000], |console| echo(console, false)).succeeded();
        assert!(told.len() > LONGEST && told.len() < LONGEST + 10, "{}", told.len());
    }

    #[test]
    fn a_person_types_the_password_twice() {
        let same = typed(&["a password", "a password"], |console| echo(console, false));
        assert_eq!(same.succeeded(), "\"a password\"\n");
        is_refused(typed(&["a password", "another"], |console| echo(console, false)), "not the same");
        is_refused(typed(&["a password"], |console| echo(console, false)), "cannot ask");
    }

    #[test]
    fn a_person_is_not_asked_when_standard_input_is_named() {
        is_refused(typed(&["a password", "a password"], |console| echo(console, true)), "no password");
    }
}
