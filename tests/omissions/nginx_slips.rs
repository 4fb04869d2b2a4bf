//! How people copy nginx's files carelessly, and what holds for the whole of each shipped file.

use crate::{
    nginx::{expand, expand_text, text_of, try_all},
    page,
    support::{
        CLIENT,
        client::{Request, ask},
        shipped::file,
    },
    world::{Open, Outcome, World},
};

const APP: &str = "app.example.com";
const IN_THE_SERVER: &str = "        location / {\n";
const IN_THE_LOCATION: &str = "            proxy_pass http://application;\n";
const BESIDE_THE_SERVER: &str = "    # samehand's pages on a host of their own";
const INCLUDE: &str = "            include samehand-protect.conf;\n";

/// What somebody writes, where, and which path of which host shows it.
struct Slip {
    what: &'static str,
    /// A text of nginx.conf, and what stands there instead.
    change: (&'static str, &'static str),
    host: &'static str,
    path: &'static str,
}

/// `$own` is written before a place of nginx.conf.
macro_rules! before {
    ($place:ident, $what:literal, $own:literal, $path:literal) => {
        Slip { what: $what, change: ($place, $own), host: APP, path: $path }
    };
    ($place:ident, $what:literal, $own:literal, $path:literal, $host:literal) => {
        Slip { what: $what, change: ($place, $own), host: $host, path: $path }
    };
}

const SLIPS: &[Slip] = &[
    before!(
        BESIDE_THE_SERVER,
        "a second `server` without `samehand-auth.conf`",
        "server { listen 127.0.0.1:8080; server_name second.example.com; location / {\n include samehand-protect.conf;\n proxy_pass http://application; } }\n",
        "/",
        "second.example.com"
    ),
    before!(
        BESIDE_THE_SERVER,
        "a second `server` without `samehand-protect.conf`",
        "server { listen 127.0.0.1:8080; server_name second.example.com;\n include samehand-auth.conf;\n location / { proxy_pass http://application; } }\n",
        "/",
        "second.example.com"
    ),
    before!(
        IN_THE_SERVER,
        "one more location without the include",
        "location /api/ { proxy_pass http://application; }\n",
        "/api/x"
    ),
    before!(
        IN_THE_SERVER,
        "the same with `proxy_set_header` of its own",
        "location /api/ { proxy_set_header X-Own a; proxy_pass http://application; }\n",
        "/api/x"
    ),
    before!(
        IN_THE_SERVER,
        "the same with `proxy_pass_request_headers on`",
        "location /api/ { proxy_pass_request_headers on; proxy_set_header X-Own a; proxy_pass http://application; }\n",
        "/api/x"
    ),
    before!(
        IN_THE_SERVER,
        "a location with a regular expression without the include",
        "location ~ \\.php$ { proxy_pass http://application; }\n",
        "/index.php"
    ),
    before!(
        IN_THE_SERVER,
        "an exact location without the include",
        "location = /api { proxy_pass http://application; }\n",
        "/api"
    ),
    before!(
        IN_THE_SERVER,
        "a location with `fastcgi_pass` without the include",
        "location ~ \\.php$ { fastcgi_pass 127.0.0.1:9191; }\n",
        "/index.php"
    ),
    before!(
        IN_THE_LOCATION,
        "a nested location without the include",
        "location /api/ { proxy_pass http://application; }\n",
        "/api/x"
    ),
    before!(
        IN_THE_LOCATION,
        "the same with `proxy_set_header` of its own",
        "location /api/ { proxy_set_header X-Own a; proxy_pass http://application; }\n",
        "/api/x"
    ),
    before!(
        IN_THE_LOCATION,
        "a nested location with the include",
        "location /api/ {\n include samehand-protect.conf;\n proxy_pass http://application; }\n",
        "/api/x"
    ),
    before!(
        IN_THE_LOCATION,
        "a nested location in one with `auth_request off`, with the include",
        "location /open/ { auth_request off; location /open/not/ {\n include samehand-protect.conf;\n proxy_pass http://application; } }\n",
        "/open/not/x"
    ),
    before!(
        IN_THE_LOCATION,
        "`try_files` to a named location without the include",
        "try_files /none @named; } location @named { proxy_set_header X-Own a; proxy_pass http://application; } location /else/ {\n",
        "/"
    ),
    before!(
        IN_THE_LOCATION,
        "`try_files` to another location without the include",
        "try_files /none /inner/x; } location /inner/ { proxy_set_header X-Own a; proxy_pass http://application; } location /else/ {\n",
        "/"
    ),
    before!(
        IN_THE_LOCATION,
        "`try_files` to a nested location without the include",
        "try_files /none /inner/x; location /inner/ { proxy_set_header X-Own a; proxy_pass http://application; }\n",
        "/"
    ),
    before!(
        IN_THE_LOCATION,
        "`rewrite ... last` to another location without the include",
        "rewrite ^/old/ /inner/x last; } location /inner/ { proxy_set_header X-Own a; proxy_pass http://application; } location /else/ {\n",
        "/old/"
    ),
    before!(
        IN_THE_SERVER,
        "`error_page 401 403 500` to a location without the include",
        "error_page 401 403 500 = @named; location @named { proxy_pass http://application; } location /api/ { proxy_pass http://application; }\n",
        "/api/x"
    ),
    before!(
        IN_THE_LOCATION,
        "`error_page 401 403 500` in the location",
        "error_page 401 403 500 = @named; proxy_pass http://application; } location @named { proxy_pass http://application; } location /else/ {\n",
        "/"
    ),
    before!(
        IN_THE_LOCATION,
        "`if` with `proxy_pass` in the location",
        "if ($request_method = GET) { proxy_pass http://application; }\n",
        "/"
    ),
    before!(IN_THE_LOCATION, "`limit_except` in the location", "limit_except GET { allow all; }\n", "/"),
    before!(IN_THE_LOCATION, "`allow all` in the location", "allow all;\n", "/"),
    before!(IN_THE_LOCATION, "`satisfy any` and `allow all` in the location", "satisfy any; allow all;\n", "/"),
    before!(IN_THE_SERVER, "`satisfy any` and `allow all` in the server", "satisfy any; allow all;\n", "/"),
    before!(BESIDE_THE_SERVER, "`satisfy any` and `allow all` in `http { }`", "satisfy any; allow all;\n", "/"),
    before!(BESIDE_THE_SERVER, "`proxy_set_header` in `http { }`", "proxy_set_header X-Own a;\n", "/"),
    before!(IN_THE_SERVER, "`proxy_set_header` in the server", "proxy_set_header X-Own a;\n", "/"),
    before!(IN_THE_LOCATION, "`proxy_set_header` in the location", "proxy_set_header X-Own a;\n", "/"),
    before!(IN_THE_LOCATION, "`auth_request` of something else in the location", "auth_request /other;\n", "/"),
    before!(IN_THE_LOCATION, "`auth_request off` in the location", "auth_request off;\n", "/"),
    before!(IN_THE_SERVER, "`samehand-protect.conf` in the server too", "\ninclude samehand-protect.conf;\n", "/"),
    before!(BESIDE_THE_SERVER, "`samehand-protect.conf` in `http { }` too", "\ninclude samehand-protect.conf;\n", "/"),
    before!(
        IN_THE_LOCATION,
        "`samehand-protect.conf` twice in the location",
        "\ninclude samehand-protect.conf;\n",
        "/"
    ),
    before!(
        IN_THE_LOCATION,
        "`samehand-public.conf` beside it in the location",
        "\ninclude samehand-public.conf;\n",
        "/"
    ),
    before!(IN_THE_LOCATION, "`samehand-auth.conf` in the location too", "\ninclude samehand-auth.conf;\n", "/"),
    before!(
        IN_THE_SERVER,
        "another location `/_samehand`",
        "location = /_samehand { proxy_pass http://application; }\n",
        "/"
    ),
    before!(
        IN_THE_SERVER,
        "a location with a regular expression for everything",
        "location ~ . { proxy_pass http://application; }\n",
        "/x"
    ),
    before!(
        IN_THE_SERVER,
        "a location `^~ /_` without the include",
        "location ^~ /_ { proxy_pass http://application; }\n",
        "/_samehand"
    ),
];

#[test]
fn no_careless_copy_opens_nginx() {
    let world = World::start();
    let shipped = file("nginx/nginx.conf");
    let in_the_server_only =
        shipped.replacen(INCLUDE, "", 1).replacen(IN_THE_SERVER, &format!("{INCLUDE}{IN_THE_SERVER}"), 1);
    let with_a_header =
        in_the_server_only.replacen(IN_THE_LOCATION, &format!("proxy_set_header X-Own a;\n{IN_THE_LOCATION}"), 1);
    let mut rows: Vec<((&str, &str, &str), String)> = vec![
        (("`samehand-protect.conf` one level up", APP, "/"), in_the_server_only),
        (("the same, and `proxy_set_header` in the location", APP, "/"), with_a_header),
    ];
    for Slip { what, change: (place, own), host, path } in SLIPS {
        assert!(shipped.contains(place), "nginx.conf no longer says {place:?}");
        rows.push(((what, host, path), shipped.replacen(place, &format!("{own}{place}"), 1)));
    }
    let expanded: Vec<_> =
        rows.iter().map(|(row, text)| (*row, text_of(&expand_text("nginx/nginx.conf", text)))).collect();
    let results =
        try_all(&world, &expanded, |(_, host, path), proxy, application| world.try_out(proxy, application, host, path));
    page::hold_slips("nginx-slips", rows.iter().map(|((what, ..), _)| *what).zip(results).collect());
}

/// Which file, and what is asked of it.
#[test]
fn each_shipped_file_of_nginx_protects_what_it_names_and_nothing_else() {
    let world = World::start();
    let rows = ["one-host", "several-subdomains", "nginx"].map(|name| {
        let text = text_of(&expand(&format!("nginx/{name}.conf")));
        (name, text.replace("127.0.0.1:9192", "127.0.0.1:9191").replace("127.0.0.1:9193", "127.0.0.1:9191"))
    });
    let results = try_all(&world, &rows, |name, proxy, application| {
        let hosts: &[&str] = if *name == "several-subdomains" { &[APP, "wiki.example.com"] } else { &[APP] };
        for host in hosts {
            // What samehand has for itself belongs to the application here.
            for path in ["/", "/auth/nginx", "/auth", "/healthz", "/readyz", "/static/x.js"] {
                let outcome = world.try_out(proxy, application, host, path)?;
                if outcome != Outcome::ServedRight {
                    return Err(Open(format!("{name}: {host}{path} was {outcome}")));
                }
            }
        }
        if *name == "several-subdomains" {
            world.keeps_its_paths(proxy, application, "www.example.com")?;
        }
        let pages = if *name == "one-host" { APP } else { "auth.example.com" };
        let login = ask(CLIENT, proxy, &Request::get("/login").host(pages).header("Accept", "text/html"));
        if login.status != 200 || !application.take_requests().is_empty() {
            return Err(Open(format!("{name}: no sign-in page on {pages}: {login:?}")));
        }
        if pages != APP {
            for path in ["/auth/nginx", "/healthz", "/readyz", "/_samehand"] {
                let reply = ask(CLIENT, proxy, &Request::get(path).host(pages));
                if reply.status != 404 {
                    return Err(Open(format!("{name}: {pages}{path} was {}", reply.status)));
                }
            }
        }
        Ok(Outcome::ServedRight)
    });
    for result in results {
        assert_eq!(result.unwrap_or_else(|Open(what)| panic!("{what}")), Outcome::ServedRight);
    }
}
