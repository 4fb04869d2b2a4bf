//! Programs that are no browsers: a new build is the same family, and what a thief would rather be is another.

use super::family;

#[track_caller]
fn one_family(agents: &[&str]) {
    let first = family(agents[0].as_bytes()).escape_ascii().to_string();
    for agent in agents {
        assert_eq!(family(agent.as_bytes()).escape_ascii().to_string(), first, "{agent}");
    }
}

#[track_caller]
fn apart(agents: &[&str]) {
    for (position, one) in agents.iter().enumerate() {
        for other in &agents[position + 1..] {
            assert_ne!(family(one.as_bytes()), family(other.as_bytes()), "{one} and {other}");
        }
    }
}

#[test]
fn a_new_build_is_the_same_program() {
    for agents in [
        &[
            "Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A.220624.014)",
            "Dalvik/2.1.0 (Linux; U; Android 14; SM-A536B Build/UP1A.231005.007)",
        ][..],
        &["okhttp/4.12.0", "okhttp/5.0.0-alpha.12", "okhttp/5.0.0-alpha.14", "okhttp/5.0.0"],
        &[
            "Mozilla/5.0 (Linux) mirall/3.9.0git (Nextcloud, ubuntu-6.2.0-35-generic ClientArchitecture: x86_64 OsArchitecture: x86_64)",
            "Mozilla/5.0 (Linux) mirall/3.13.2 (Nextcloud, ubuntu-6.8.0-40-generic ClientArchitecture: x86_64 OsArchitecture: x86_64)",
        ],
        &[
            "Mozilla/5.0 (Macintosh) mirall/3.9.1git (build 20211) (Nextcloud, osx-21.6.0 ClientArchitecture: x86_64 OsArchitecture: x86_64)",
            "Mozilla/5.0 (Macintosh) mirall/3.10.0git (build 20488) (Nextcloud, osx-22.6.0 ClientArchitecture: x86_64 OsArchitecture: x86_64)",
        ],
        &[
            "Kodi/20.2 (X11; Linux x86_64) Ubuntu/22.04 App_Bitness/64 Version/20.2-(20.2.0)-Git:20230629-5f418d0b13",
            "Kodi/21.0 (X11; Linux x86_64) Ubuntu/24.04 App_Bitness/64 Version/21.0-(21.0.0)-Git:20240406-f5e9ac63ab",
        ],
        &[
            "docker/24.0.7 go/go1.20.10 git-commit/311b9ff kernel/5.15.0-88-generic os/linux arch/amd64 UpstreamClient(Docker-Client/24.0.7 \\(linux\\))",
            "docker/26.1.3 go/go1.21.10 git-commit/8e96db1 kernel/6.8.0-31-generic os/linux arch/amd64 UpstreamClient(Docker-Client/26.1.3 \\(linux\\))",
            "docker/26.1.4 go/go1.21.11 git-commit/de5c9cf kernel/6.8.0-35-generic os/linux arch/amd64 UpstreamClient(Docker-Client/26.1.4 \\(linux\\))",
        ],
        &["transmission-remote/3.00 (bb6b5a062e)", "transmission-remote/4.0.5 (a6fe2a64aa)"],
        &["rclone/v1.60.1-DEV", "rclone/v1.65.0", "rclone/v1.66.0-beta.7661.0fa5a1d6b"],
    ] {
        one_family(agents);
    }
}

#[test]
fn what_a_program_was_started_for_does_not_count() {
    for agents in [
        &[
            "npm/10.2.3 node/v20.10.0 linux x64 workspaces/false",
            "npm/10.8.1 node/v22.3.0 linux x64 workspaces/true",
            "npm/10.8.1 node/v22.3.0 linux x64 workspaces/false ci/github-actions",
        ][..],
        &[
            r#"pip/23.0.1 {"ci":null,"cpu":"x86_64","openssl_version":"OpenSSL 3.0.11 19 Sep 2023","python":"3.11.2","setuptools_version":"66.1.1"}"#,
            r#"pip/26.0 {"ci":true,"cpu":"x86_64","openssl_version":"OpenSSL 3.0.13 30 Jan 2024","python":"3.12.3"}"#,
        ],
        &[
            r#"uv/0.4.18 {"installer":{"name":"uv","version":"0.4.18","subcommand":["pip","install"]},"python":"3.12.3"}"#,
            r#"uv/0.13.0 {"installer":{"name":"uv","version":"0.13.0","subcommand":["sync"]},"python":"3.13.0"}"#,
        ],
        &["git/2.39.2", "git/2.39.3 (Apple Git-146)", "git-lfs/3.3.0 (GitHub; linux amd64; go 1.19.3)"],
        &["iOS/17.4 (21E219) dataaccessd/1.0", "iOS/17.4.1 (21E236) accountsd/1.0", "iOS/18.0 (22A3354) remindd/1.0"],
        &[
            "macOS/14.4 (23E214) CalendarAgent/988",
            "macOS/14.5 (23F79) accountsd/113",
            "macOS/15.0 (24A335) remindd/1.0",
        ],
    ] {
        one_family(agents);
    }
}

#[test]
fn a_video_belongs_to_the_safari_that_plays_it() {
    one_family(&[
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
        "AppleCoreMedia/1.0.0.21E219 (iPhone; U; CPU OS 17_4 like Mac OS X; en_us)",
        "AppleCoreMedia/1.0.0.22A3354 (iPhone; U; CPU OS 18_0 like Mac OS X; de_de)",
    ]);
    one_family(&[
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
        "AppleCoreMedia/1.0.0.23E214 (Macintosh; U; Intel Mac OS X 14_4; en_us)",
    ]);
    one_family(&[
        "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1",
        "AppleCoreMedia/1.0.0.16H62 (iPad; U; CPU OS 12_5 like Mac OS X; en_us)",
    ]);
}

#[test]
fn what_is_nearly_a_program_is_not_that_program() {
    apart(&[
        "AppleCoreMedia/1.0.0.21E219 (iPhone; U; CPU OS 17_4 like Mac OS X; en_us)",
        "AppleCoreMedia/1.0.0.21E219 (iPad; U; CPU OS 17_4 like Mac OS X; en_us)",
        "AppleCoreMedia/1.0.0.21L227 (Apple TV; U; CPU OS 17_4 like Mac OS X; en_us)",
        "AppleCoreMedia (iPhone; U; CPU OS 17_4 like Mac OS X; en_us)",
        "applecoremedia/1.0.0.21E219 (iPhone; U; CPU OS 17_4 like Mac OS X; en_us)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
    ]);
    apart(&[
        "Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A.220624.014)",
        "Dalvik/2.1.0 (Linux; U; Android 13; SM-S911B Build/TP1A.220624.014)",
        "Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B)",
    ]);
    apart(&["git/2.39.2", "git", "gitea/1.21.0", "git-annex/10.20230126", "jgit/6.5.0"]);
    apart(&["iOS/17.4 (21E219) dataaccessd/1.0", "macOS/14.4 (23E214) dataaccessd/1.0", "iOS dataaccessd/1.0"]);
    apart(&[
        "npm/10.2.3 node/v20.10.0 linux x64",
        "npm/10.2.3 node/v20.10.0 darwin x64",
        "yarn/1.22.19 npm/? node/v20.10.0 linux x64",
    ]);
    apart(&["pip/24.0 {}", "uv/0.4.18 {}", "pipx/1.4.3 {}", "pip {}"]);
    apart(&["Foo/1.2-amd64", "Foo/1.2-arm64", "Foo/1.2-windows", "Foo/1.2-rc", "Foo/1.2-facade"]);
    apart(&["Foo (device; abcdef)", "Foo (device; effaced)", "Foo (device; a1b2c3)", "Foo (device; 0)"]);
}
