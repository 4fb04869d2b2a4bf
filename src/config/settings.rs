//! The names of all settings, in the order of the documentation, with their defaults as a user would write them.
//!
//! Nothing is validated here: a default goes through the same checks as a value that was given.

/// What every environment variable of ours begins with.
pub(super) const PREFIX: &str = "SAMEHAND_";

/// What a name ends with when its value is the path of a file that holds the setting's value.
pub(super) const FILE_SUFFIX: &str = "_FILE";

/// The variable that names the settings file; it cannot stand in that file.
pub(super) const CONFIG: &str = "CONFIG";

/// How long a token lives when nothing is said.
pub(super) const DEFAULT_TOKEN_TTL: &str = "8h";

/// How a setting is written and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One value.
    Text,
    /// Several values with commas between them; in the file also an array of strings.
    List,
    /// Never shown, never trimmed.
    Secret,
}

/// One setting.
#[derive(Debug)]
pub(super) struct Setting {
    /// The whole name, as in the environment.
    pub(super) full_name: &'static str,
    /// The name without [`PREFIX`].
    pub(super) name: &'static str,
    /// What holds when nothing is given; `None` for unset and for defaults that depend on the machine.
    pub(super) default: Option<&'static str>,
    /// How it is written and shown.
    pub(super) kind: Kind,
    /// Whether `NAME_FILE` may give the value.
    pub(super) has_file_form: bool,
}

/// Every setting of this release and those that are only refused by it.
pub(super) const SETTINGS: [Setting; 41] = [
    list("SAMEHAND_LISTEN", Some("127.0.0.1:9180")),
    text("SAMEHAND_SOCKET_MODE", Some("0660")),
    text("SAMEHAND_SOCKET_GROUP", None),
    list("SAMEHAND_ADMIN_LISTEN", Some("127.0.0.1:9181")),
    secret("SAMEHAND_ADMIN_TOKEN"),
    text("SAMEHAND_DATA", None),
    Setting { has_file_form: true, ..text("SAMEHAND_STORE", Some("sqlite")) },
    text("SAMEHAND_STORE_MAX_STALE", Some("5m")),
    secret("SAMEHAND_STORE_KEY"),
    secret("SAMEHAND_SECRET"),
    secret("SAMEHAND_SALT"),
    secret("SAMEHAND_SECRET_PREVIOUS"),
    secret("SAMEHAND_SALT_PREVIOUS"),
    text("SAMEHAND_SIGNING_KEY_FILE", None),
    text("SAMEHAND_ALGORITHM", None),
    text("SAMEHAND_ISSUER", Some("samehand")),
    text("SAMEHAND_AUDIENCE", None),
    text("SAMEHAND_TOKEN_TTL", Some(DEFAULT_TOKEN_TTL)),
    text("SAMEHAND_SESSION_TTL", Some("30d")),
    text("SAMEHAND_SESSION_IDLE", None),
    text("SAMEHAND_AUDIT_TTL", Some("90d")),
    list("SAMEHAND_TOKEN_FROM", Some("authorization,cookie")),
    list("SAMEHAND_TRUSTED_PROXIES", Some("127.0.0.1,::1")),
    list("SAMEHAND_FINGERPRINT", Some("keyed")),
    list("SAMEHAND_REQUIRE_SAME", Some("ip,user-agent")),
    list("SAMEHAND_WATCH", Some("none")),
    list("SAMEHAND_HEADER_PARTS", None),
    text("SAMEHAND_CLIENT_CERT_HEADER", None),
    text("SAMEHAND_IPV4_PREFIX", Some("32")),
    text("SAMEHAND_IPV6_PREFIX", Some("64")),
    text("SAMEHAND_USER_AGENT_MATCH", Some("family")),
    text("SAMEHAND_DPOP_NONCE", Some("required")),
    text("SAMEHAND_ENFORCE", Some("on")),
    text("SAMEHAND_PUBLIC_URL", None),
    text("SAMEHAND_SIGN_IN_URL", None),
    text("SAMEHAND_COOKIE_DOMAIN", None),
    text("SAMEHAND_COOKIE_NAME", None),
    text("SAMEHAND_CLEAR_SITE_DATA", Some("auto")),
    text("SAMEHAND_WORKERS", None),
    text("SAMEHAND_LOG", Some("info")),
    text("SAMEHAND_LOG_FORMAT", Some("text")),
];

/// The setting of this name without [`PREFIX`].
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The setting whose value the variable `NAME_FILE` points to.
pub(super) fn find_by_file_form(name: &str) -> Option<&'static Setting> {
    find(name.strip_suffix(FILE_SUFFIX)?).filter(|setting| setting.has_file_form)
}

const fn text(full_name: &'static str, default: Option<&'static str>) -> Setting {
    let (_prefix, name) = full_name.split_at(PREFIX.len());
    Setting { full_name, name, default, kind: Kind::Text, has_file_form: false }
}

const fn list(full_name: &'static str, default: Option<&'static str>) -> Setting {
    Setting { kind: Kind::List, ..text(full_name, default) }
}

const fn secret(full_name: &'static str) -> Setting {
    Setting { kind: Kind::Secret, has_file_form: true, ..text(full_name, None) }
}
