//! The compose files, as far as they can be held without an engine for containers: what they name is there, and the names
//! are those that the scenarios at `localhost` use. Traefik's labels themselves are what those scenarios run with.

use crate::support::shipped::file;

const FILES: [&str; 2] = ["traefik/docker-compose.yml", "examples/caddy/docker-compose.yml"];

#[test]
fn the_compose_files_offer_the_site_at_names_below_localhost() {
    for name in FILES {
        let text = file(name);
        for line in ["SAMEHAND_PUBLIC_URL: http://auth.demo.localhost:8080", "open http://app.demo.localhost:8080"] {
            assert!(text.contains(line), "{name} does not say {line:?}");
        }
        assert!(text.contains("- \"127.0.0.1:8080:"), "{name}: the port is for this machine only");
    }
}

#[test]
fn what_the_compose_file_of_caddy_relies_on_stands_in_the_caddyfile() {
    let (compose, caddyfile) = (file(FILES[1]), file("examples/caddy/Caddyfile"));
    assert!(compose.contains("s/bind 127.0.0.1/bind 0.0.0.0/") && compose.contains("s/example.com/demo.localhost/"));
    for line in
        ["bind 127.0.0.1", "http://app.example.com:8080", "http://auth.example.com:8080", "samehand 127.0.0.1:9191"]
    {
        assert!(caddyfile.contains(line), "the Caddyfile does not say {line:?}");
    }
    assert!(file("examples/caddy/samehand.caddy").contains("reverse_proxy 127.0.0.1:9180"));
    assert!(compose.contains("--port 9191"));
}
