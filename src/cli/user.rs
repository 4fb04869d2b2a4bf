//! `samehand user`: adding, changing, listing and removing who may sign in.
//!
//! Works on the store itself, beside a running service, which sees every change at the next sign-in. Only `add` and
//! `import` create a store. A password is never an argument.

mod arguments;

pub(crate) use self::arguments::Args;

use self::arguments::{Command, Details};
use super::console::Console;
use super::opened::Opened;
use super::{Failure, Outcome, print};
use crate::check::names::{DisplayName, Email, GroupName, Groups, UserName};
use crate::check::room::{Room, TooMuch};
use crate::config::Config;
use crate::store::{Access, StoreAddress, StoreError, StoredPassword, User, UserChange, all_users};
use crate::throttle;
use crate::users::import;
use crate::users::password::PasswordHash;
use crate::users::rules::{NewPassword, Person};
use std::fs;
use std::path::Path;

/// Runs the command on the store of these settings; `now` is in seconds since 1970.
pub(crate) fn run(args: Args, config: &Config, now: u64) -> Outcome {
    Console::of_process(|console| execute(args, &config.store, Room::under(&config.policy), now, console))
}

fn execute(args: Args, store: &StoreAddress, room: Room, now: u64, console: &mut Console<'_>) -> Outcome {
    match args.command {
        Command::Add { who, details } => add(who.name, details, (store, room), now, console),
        Command::Set { who, details, no_groups } => set(&who.name, details, no_groups, (store, room), now, console),
        Command::Passwd { who, password_stdin } => passwd(&who.name, password_stdin, store, now, console),
        Command::List { json } => list(json, store, console),
        Command::Disable { who } => disable(&who.name, store, now, console),
        Command::Enable { who } => enable(&who.name, store, now, console),
        Command::Unlock { who } => unlock(&who.name, store, console),
        Command::Remove { who } => remove(&who.name, store, console),
        Command::Import { file } => import_file(&file, store, now, console),
    }
}

fn add(
    name: UserName,
    details: Details,
    (at, room): (&StoreAddress, Room),
    now: u64,
    console: &mut Console<'_>,
) -> Outcome {
    let groups = Groups::new(details.groups).map_err(|error| Failure::Usage(error.to_string()))?;
    let email = details.email.and_then(|given| given.0);
    let display_name = details.display_name.and_then(|given| given.0);
    room.fits(&name, &groups, display_name.as_ref(), email.as_ref()).map_err(too_much)?;
    // Before anybody types a password in vain, and without creating a store for a password that is refused.
    if let Some(store) = Opened::if_any(at)?
        && store.wait(store.user(&name))?.is_some()
    {
        return Err(exists(&name));
    }
    let person = Person { name: Some(&name), email: email.as_ref(), display_name: display_name.as_ref() };
    let password = choose_password(details.password_stdin, &person, console)?;
    let user = User {
        name: name.clone(),
        display_name,
        email,
        groups,
        password,
        disabled: false,
        created_at: now,
        updated_at: now,
    };
    let store = Opened::at(at, Access::Create)?;
    store.wait(store.add_users(&[user]))?;
    console.note(format_args!("user {name} added to {at}"));
    Ok(())
}

fn set(
    name: &UserName,
    details: Details,
    no_groups: bool,
    (at, room): (&StoreAddress, Room),
    now: u64,
    console: &mut Console<'_>,
) -> Outcome {
    let groups = match (no_groups, details.groups.is_empty()) {
        (true, _) => Some(Groups::default()),
        (false, false) => Some(Groups::new(details.groups).map_err(|error| Failure::Usage(error.to_string()))?),
        (false, true) => None,
    };
    let nothing = groups.is_none() && details.email.is_none() && details.display_name.is_none();
    if nothing && !details.password_stdin {
        let options = "--group, --no-groups, --email, --display-name, --password-stdin";
        return Err(Failure::Usage(format!("nothing to change: give at least one of {options}")));
    }
    let store = Opened::at(at, Access::Existing)?;
    let user = known_user(&store, name)?;
    let email = details.email.map(|given| given.0);
    let display_name = details.display_name.map(|given| given.0);
    let person = Person {
        name: Some(name),
        email: email.as_ref().unwrap_or(&user.email).as_ref(),
        display_name: display_name.as_ref().unwrap_or(&user.display_name).as_ref(),
    };
    // Who has too much already may change the password, and whatever makes it less.
    if groups.is_some() || email.is_some() || display_name.is_some() {
        room.fits(name, groups.as_ref().unwrap_or(&user.groups), person.display_name, person.email)
            .map_err(too_much)?;
    }
    let password = match details.password_stdin {
        true => Some(choose_password(true, &person, console)?),
        false => None,
    };
    // Groups stand in tokens, and who lost one must not keep it until they expire.
    let loses_a_group = |groups: &Groups| user.groups.iter().any(|group| !groups.iter().any(|kept| kept == group));
    let revokes = password.is_some() || groups.as_ref().is_some_and(loses_a_group);
    let change = UserChange { display_name, email, groups, password, revokes, ..UserChange::default() };
    let (_, revoked) = store.wait(store.change_user(name, &change, now))?;
    match revokes {
        true => console.note(format_args!("user {name} changed; {}", print::ended(&revoked))),
        false => console.note(format_args!("user {name} changed")),
    }
    Ok(())
}

fn passwd(name: &UserName, from_input: bool, at: &StoreAddress, now: u64, console: &mut Console<'_>) -> Outcome {
    let store = Opened::at(at, Access::Existing)?;
    let user = known_user(&store, name)?;
    let person = Person { name: Some(name), email: user.email.as_ref(), display_name: user.display_name.as_ref() };
    let password = choose_password(from_input, &person, console)?;
    let change = UserChange { password: Some(password), revokes: true, ..UserChange::default() };
    let (_, revoked) = store.wait(store.change_user(name, &change, now))?;
    console.note(format_args!("password of {name} changed; {}", print::ended(&revoked)));
    Ok(())
}

fn disable(name: &UserName, at: &StoreAddress, now: u64, console: &mut Console<'_>) -> Outcome {
    let store = Opened::at(at, Access::Existing)?;
    let change = UserChange { disabled: Some(true), revokes: true, ..UserChange::default() };
    let (_, revoked) = store.wait(store.change_user(name, &change, now))?;
    console.note(format_args!("user {name} cannot sign in any more; {}", print::ended(&revoked)));
    Ok(())
}

fn enable(name: &UserName, at: &StoreAddress, now: u64, console: &mut Console<'_>) -> Outcome {
    let store = Opened::at(at, Access::Existing)?;
    let change = UserChange { disabled: Some(false), ..UserChange::default() };
    store.wait(store.change_user(name, &change, now))?;
    console.note(format_args!("user {name} can sign in"));
    Ok(())
}

fn unlock(name: &UserName, at: &StoreAddress, console: &mut Console<'_>) -> Outcome {
    let store = Opened::at(at, Access::Existing)?;
    known_user(&store, name)?;
    store.wait(throttle::unlock(&*store, name))?;
    console.note(format_args!("failed attempts to sign in as {name} are forgotten"));
    Ok(())
}

fn remove(name: &UserName, at: &StoreAddress, console: &mut Console<'_>) -> Outcome {
    let store = Opened::at(at, Access::Existing)?;
    let revoked = store.wait(store.remove_user(name))?;
    console.note(format_args!("user {name} removed; {}", print::ended(&revoked)));
    Ok(())
}

fn list(json: bool, at: &StoreAddress, console: &mut Console<'_>) -> Outcome {
    let store = Opened::at(at, Access::Existing)?;
    let users = store.wait(all_users(&*store))?;
    if json {
        let users: Vec<_> = users.iter().map(as_json).collect();
        return console.result(format_args!("{:#}", serde_json::Value::Array(users)));
    }
    if users.is_empty() {
        console.note("there are no users; add one with `samehand user add NAME`");
        return Ok(());
    }
    let width = users.iter().map(|user| user.name.as_str().len()).max().unwrap_or(0).max("NAME".len());
    console.result(format_args!("{:width$}  STATE     GROUPS, E-MAIL, DISPLAY NAME", "NAME"))?;
    for user in users {
        let state = if user.disabled { "disabled" } else { "enabled" };
        let groups = user.groups.joined();
        let email = user.email.as_ref().map_or("", Email::as_str);
        let display_name = user.display_name.as_ref().map_or("", DisplayName::as_str);
        let details: Vec<_> = [&groups, email, display_name].into_iter().filter(|detail| !detail.is_empty()).collect();
        let line = format!("{:width$}  {state:8}  {}", user.name, details.join("  "));
        console.result(line.trim_end())?;
    }
    Ok(())
}

fn as_json(user: &User) -> serde_json::Value {
    serde_json::json!({
        "name": user.name.as_str(),
        "display_name": user.display_name.as_ref().map(DisplayName::as_str),
        "email": user.email.as_ref().map(Email::as_str),
        "groups": user.groups.iter().map(GroupName::as_str).collect::<Vec<_>>(),
        "disabled": user.disabled,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    })
}

fn import_file(file: &Path, at: &StoreAddress, now: u64, console: &mut Console<'_>) -> Outcome {
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|error| Failure::Failed(format!("cannot read {shown}: {error}")))?;
    let imported = import::read(&text).map_err(|problems| {
        let problems: Vec<_> = problems.iter().map(|problem| format!("{shown}, {problem}")).collect();
        Failure::Failed(format!("nothing was imported:\n{}", problems.join("\n")))
    })?;
    if imported.is_empty() {
        return Err(Failure::Failed(format!("there are no users in {shown}")));
    }
    let users: Vec<_> = imported.into_iter().map(|user| bare_user(user, now)).collect();
    let store = Opened::at(at, Access::Create)?;
    let added = store.wait(store.add_users(&users));
    added.map_err(|error| Failure::Failed(format!("nothing was imported: {error}")))?;
    let count = match users.len() {
        1 => "1 user".to_owned(),
        several => format!("{several} users"),
    };
    console.note(format_args!("{count} added to {at}"));
    Ok(())
}

fn bare_user(imported: import::ImportedUser, now: u64) -> User {
    User {
        name: imported.name,
        display_name: None,
        email: None,
        groups: Groups::default(),
        password: imported.hash.stored(),
        disabled: false,
        created_at: now,
        updated_at: now,
    }
}

fn choose_password(
    from_input: bool,
    person: &Person<'_>,
    console: &mut Console<'_>,
) -> Result<StoredPassword, Failure> {
    let password = console.new_password(from_input)?;
    let password = NewPassword::choose(password, person).map_err(|refused| Failure::Failed(refused.to_string()))?;
    let hash = PasswordHash::of(&password).map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(hash.stored())
}

fn known_user(store: &Opened, name: &UserName) -> Result<User, Failure> {
    store.wait(store.user(name))?.ok_or_else(|| StoreError::NoSuchUser(name.clone()).into())
}

fn too_much(problem: TooMuch) -> Failure {
    Failure::Usage(problem.to_string())
}

fn exists(name: &UserName) -> Failure {
    Failure::Failed(format!(
        "the user {name} exists already; change it with `samehand user set {name}` or `samehand user passwd {name}`"
    ))
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

#[cfg(test)]
mod tests;
