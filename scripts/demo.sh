#!/usr/bin/env bash
# Shows on real traffic that a token works only for the client it was issued to.
#
#   scripts/demo.sh                    behind nginx (also: make demo)
#   PROXY=traefik scripts/demo.sh      behind Traefik; PROXY=caddy behind Caddy
#   DEMO_ONCE=1 scripts/demo.sh        ends after the steps instead of staying up
#
# Installs what is missing, builds, starts samehand, examples/protected_backend.rs and the proxy with the configuration
# files of this repository, adds a user, walks through the steps, and leaves a site for your browser:
# http://app.demo.localhost with sign-in at auth.demo.localhost. Everything listens on loopback and lives in one temporary
# directory; when the demo ends, both are gone. The exit code is 0 when every step did what it says.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly PROXY=${PROXY:-nginx}
readonly USER_NAME=demo
readonly OTHER_BROWSER='Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
readonly OTHER_ADDRESS=127.0.0.2
# Browsers know without asking anybody that names below localhost are this machine.
readonly SITE=app.demo.localhost SIGN_IN=auth.demo.localhost

# Debian keeps nginx in /usr/sbin, which an ordinary user's PATH lacks.
PATH="$PWD/.tools/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin"

bold='' dim='' green='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

say() { printf '%s\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

# ---------------------------------------------------------------------------------------------- starting and stopping

WORK='' processes=()

clean_up() {
    local status=$?
    trap '' INT TERM HUP
    trap - EXIT
    if [ ${#processes[@]} -gt 0 ]; then
        kill -TERM "${processes[@]}" 2>/dev/null || true
        # samehand takes about a second to stop: it lets requests in flight end. Whoever has not gone after ten is killed.
        local turn process left
        for ((turn = 0; turn < 100; turn++)); do
            left=no
            for process in "${processes[@]}"; do kill -0 "$process" 2>/dev/null && left=yes; done
            [ "$left" = yes ] || break
            sleep 0.1
        done
        kill -KILL "${processes[@]}" 2>/dev/null || true
        wait "${processes[@]}" 2>/dev/null || true
    fi
    [ -z "$WORK" ] || rm -rf "$WORK"
    exit "$status"
}
trap clean_up EXIT
trap 'say; exit 130' INT
trap 'exit 143' TERM HUP

# start NAME COMMAND...: in the background, its output in NAME.log; its process id is then in $started.
start() {
    local name=$1
    shift
    "$@" >"$WORK/$name.log" 2>&1 </dev/null &
    started=$!
    processes+=("$started")
}

# wait_for SECONDS PROCESS CONDITION...: until the condition holds. Fails when the time is over or the process has ended.
wait_for() {
    local turns=$(($1 * 10)) process=$2
    shift 2
    until "$@"; do
        kill -0 "$process" 2>/dev/null && ((turns-- > 0)) || return 1
        sleep 0.1
    done
}

accepts() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
says() { grep -qs -- "$2" "$WORK/$1.log"; }

# fill_in FROM TO...: standard input with every FROM replaced, as tests/support/shipped.rs does. A FROM that is not there
# has been changed in the shipped file and not here.
fill_in() {
    local text from to
    text=$(cat)
    while [ $# -gt 0 ]; do
        from=$1 to=$2
        shift 2
        [[ "$text" == *"$from"* ]] || fail "the shipped configuration no longer says '$from'"
        text=${text//"$from"/"$to"}
    done
    printf '%s\n' "$text"
}

# ------------------------------------------------------------------------------------------------------- the programs

install_and_build() {
    case "$PROXY" in
    nginx | traefik | caddy) ;;
    *) fail "there is no PROXY=$PROXY; write nginx, traefik or caddy" ;;
    esac
    command -v cargo >/dev/null || fail "no cargo here: install a Rust toolchain first, see https://rustup.rs"
    local missing=("$PROXY")
    command -v curl >/dev/null || missing+=(curl)
    scripts/install-test-tools.sh "${missing[@]}"

    say "Building samehand and the example application (without optimisation, which is quicker;"
    say "the first time takes some minutes, later ones a moment) ..."
    cargo build --quiet --bin samehand --example protected_backend
    local target
    target=$(cargo metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
    SAMEHAND="$target/debug/samehand"
    BACKEND="$target/debug/examples/protected_backend"
}

# Settings of whoever runs this must not get into the demo, neither from the environment nor from /etc.
forget_settings() {
    local name
    for name in "${!SAMEHAND_@}"; do unset "$name"; done
    # A settings file without a setting would be warned about.
    printf 'enforce = "on"\n' >"$WORK/samehand.toml"
    export SAMEHAND_CONFIG="$WORK/samehand.toml" SAMEHAND_DATA="$WORK/data"
}

start_samehand() {
    SOCKET="$WORK/run/samehand.sock"
    mkdir "$WORK/run"
    export SAMEHAND_LISTEN="unix:$SOCKET,127.0.0.1:0" SAMEHAND_ADMIN_LISTEN=off
    # nginx's workers leave root behind, so they need the group of the socket. Nobody else gets as far as the socket.
    if [ "$PROXY" = nginx ] && [ "$(id -u)" -eq 0 ]; then
        NGINX_USER=nobody NGINX_GROUP=$(id -gn nobody)
        if id www-data >/dev/null 2>&1; then NGINX_USER=www-data NGINX_GROUP=www-data; fi
        chmod 711 "$WORK"
        export SAMEHAND_SOCKET_GROUP=$NGINX_GROUP
    fi
    # A password that the demo forgets again.
    PASSWORD=$(head -c 15 /dev/urandom | base64 | tr '+/' 'xy')
    printf '%s' "$PASSWORD" | "$SAMEHAND" user add "$USER_NAME" --password-stdin \
        --group staff --group admins --display-name 'Demo User' --email demo@example.com >"$WORK/user.log" 2>&1 ||
        fail "adding a user failed: $(cat "$WORK/user.log")"
    start samehand "$SAMEHAND" serve
    wait_for 30 "$started" says samehand 'address=127\.0\.0\.1' ||
        fail "samehand did not start: $(cat "$WORK/samehand.log")"
    SAMEHAND_ADDRESS=$(sed -n 's/.*msg=listening.* address=\(127\.0\.0\.1:[0-9]*\).*/\1/p' "$WORK/samehand.log")
}

start_application() {
    start application "$BACKEND" --listen 127.0.0.1:0
    wait_for 30 "$started" says application 'listening on' ||
        fail "the example application did not start: $(cat "$WORK/application.log")"
    APPLICATION=$(sed -n 's/^listening on //p' "$WORK/application.log")
}

# configure_PROXY PORT: the shipped files with addresses filled in, and the command in $proxy.

configure_nginx() {
    local places='' place part mode
    for place in client_body proxy fastcgi uwsgi scgi; do places+=" ${place}_temp_path $WORK/nginx/$place;"; done
    for part in edge forwarded auth protect public headers names endpoints; do cp "nginx/samehand-$part.conf" "$WORK/nginx/"; done
    fill_in 127.0.0.1:8080 "127.0.0.1:$1" 127.0.0.1:9191 "$APPLICATION" 'http {' "http { access_log off;$places" \
        app.example.com "$SITE" 'server_name auth.example.com' "server_name $SIGN_IN" <nginx/nginx.conf >"$WORK/nginx/nginx.conf"
    fill_in unix:/run/samehand/samehand.sock "unix:$SOCKET" \
        <nginx/samehand-upstream.conf >"$WORK/nginx/samehand-upstream.conf"
    mode="daemon off; pid $WORK/nginx/pid;"
    if [ "$(id -u)" -eq 0 ]; then mode+=" user $NGINX_USER $NGINX_GROUP;"; fi
    proxy=(nginx -e stderr -p "$WORK/nginx" -c "$WORK/nginx/nginx.conf" -g "$mode")
}

configure_traefik() {
    fill_in 127.0.0.1:8080 "127.0.0.1:$1" traefik/dynamic.yml "$WORK/traefik/dynamic.yml" \
        <traefik/traefik.yml >"$WORK/traefik/traefik.yml"
    fill_in 127.0.0.1:9180 "$SAMEHAND_ADDRESS" 127.0.0.1:9191 "$APPLICATION" app.example.com "$SITE" \
        auth.example.com "$SIGN_IN" <traefik/dynamic.yml >"$WORK/traefik/dynamic.yml"
    proxy=(traefik "--configFile=$WORK/traefik/traefik.yml")
}

configure_caddy() {
    fill_in :8080 ":$1" 127.0.0.1:9191 "$APPLICATION" app.example.com "$SITE" auth.example.com "$SIGN_IN" \
        <examples/caddy/Caddyfile >"$WORK/caddy/Caddyfile"
    fill_in 127.0.0.1:9180 "$SAMEHAND_ADDRESS" <examples/caddy/samehand.caddy >"$WORK/caddy/samehand.caddy"
    # It keeps its own files under the home directory.
    proxy=(env "HOME=$WORK/caddy" "XDG_DATA_HOME=$WORK/caddy" "XDG_CONFIG_HOME=$WORK/caddy"
        caddy run --adapter caddyfile --config "$WORK/caddy/Caddyfile")
}

# Traefik listens before it has read its routers, and answers 404 to everything until then.
proxy_is_ready() {
    accepts "$1" && [ "$(curl -q -s --noproxy '*' -o /dev/null -w '%{http_code}' -H "Host: $SITE" "http://127.0.0.1:$1/")" != 404 ]
}

# The familiar port when it is free, else some other. Another program may take it between the look and the start.
start_proxy() {
    local port=8080 turn
    mkdir "$WORK/$PROXY"
    for ((turn = 0; turn < 10; turn++)); do
        if ! accepts "$port"; then
            "configure_$PROXY" "$port"
            start "$PROXY" "${proxy[@]}"
            if wait_for 30 "$started" proxy_is_ready "$port"; then
                PORT=$port ADDRESS="http://$SITE:$port" PAGES="http://$SIGN_IN:$port"
                return
            fi
            says "$PROXY" 'in use' || break
        fi
        port=$((20000 + RANDOM % 12000))
    done
    fail "$PROXY did not start: $(cat "$WORK/$PROXY.log" 2>/dev/null)"
}

# samehand is told only now where browsers reach its pages: the port is the proxy's choice.
tell_public_url() {
    printf 'public_url = "http://%s:%s"\n' "$SIGN_IN" "$PORT" >"$WORK/samehand.toml"
    kill -HUP "${processes[0]}"
    wait_for 10 "${processes[0]}" says samehand 'settings read again' ||
        fail "samehand did not take its address over: $(cat "$WORK/samehand.log")"
}

# ---------------------------------------------------------------------------------------------------------- the steps

step=0 failures=0 TOKEN='' REWRITTEN=''

# request CURL-ARGUMENTS...: shows the command with tokens and the password by name, sends it, and shows what came back.
# Leaves $status and $body.
request() {
    local shown='' argument
    for argument in "$@"; do
        argument=$(by_name "$argument")
        case "$argument" in
        *\"*) argument="'$argument'" ;;
        *[!A-Za-z0-9_./:@=-]*) argument="\"$argument\"" ;;
        esac
        shown+=" $argument"
    done
    printf '   %s$ curl%s%s\n' "$dim" "$shown" "$plain"
    # The names are this machine, whatever it knows of them.
    status=$(curl -q -s --noproxy '*' --resolve "$SITE:$PORT:127.0.0.1" --resolve "$SIGN_IN:$PORT:127.0.0.1" --max-time 20 -o "$WORK/body" -w '%{http_code}' "$@") || status="none, curl failed"
    body=$(cat "$WORK/body" 2>/dev/null || true)
    rm -f "$WORK/body"
    printf '   %sstatus %s%s\n' "$dim" "$status" "$plain"
}

# What stands for a long or secret text on the screen.
by_name() {
    local text=$1 name
    for name in TOKEN REWRITTEN PASSWORD; do
        if [ -n "${!name}" ]; then text=${text//"${!name}"/"\$$name"}; fi
    done
    printf '%s' "$text"
}

title() {
    step=$((step + 1))
    printf '\n%s%d. %s%s\n' "$bold" "$step" "$1" "$plain"
}

# holds WHAT COMMAND...: a tick when the command succeeds, a cross when it does not.
holds() {
    local what=$1
    shift
    if "$@"; then
        printf '   %s✓%s %s\n' "$green" "$plain" "$what"
    else
        failures=$((failures + 1))
        printf '   %s✗ not so: %s%s\n' "$red" "$what" "$plain"
    fi
}

answered() { holds "$1: $2" [ "$status" = "$1" ]; }

# Looks at the application's own answer, which lists every header that it got.
application_saw() {
    holds "the application got  $1: $2" grep -qF -- "[\"$1\",\"$2\"]" <<<"$body"
}
application_saw_nothing_of() {
    local claim found=no
    for claim in "$@"; do [[ "$body" != *"$claim"* ]] || found=yes; done
    holds "nothing of $* got that far" [ "$found" = no ]
}

# The log line comes right after the decision, which may be a moment after the answer.
log_tells() { wait_for 5 "${processes[0]}" says samehand "$1 "; }

# The token with the user name in its claims replaced by another, and everything else as it was.
rewritten() {
    local head=${TOKEN%%.*} rest=${TOKEN#*.}
    local claims=${rest%%.*} signature=${rest#*.}
    while [ $((${#claims} % 4)) -ne 0 ]; do claims+='='; done
    claims=$(tr '_-' '/+' <<<"$claims" | base64 -d | sed "s/\"sub\":\"$USER_NAME\"/\"sub\":\"root\"/" |
        base64 -w 0 | tr '/+' '_-' | tr -d '=')
    printf '%s.%s.%s' "$head" "$claims" "$signature"
}

walk_through() {
    title "Without a token nobody gets in"
    request "$ADDRESS/raw"
    answered 401 "sign in first"

    title "A browser is sent to the sign-in page instead"
    request -A Mozilla/5.0 -H 'Accept: text/html' "$ADDRESS/reports?year=2026"
    answered 303 "to http://$SIGN_IN:$PORT/login, and from there back to where it was going"
    request -A Mozilla/5.0 -H 'Accept: text/html' "$PAGES/login"
    holds "the page asks for a name and a password" grep -q 'autocomplete="current-password"' <<<"$body"

    title "The user signs in through $PROXY and gets a token for this client"
    request -H 'Content-Type: application/json' \
        -d "{\"username\":\"$USER_NAME\",\"password\":\"$PASSWORD\"}" "$PAGES/login"
    answered 200 "signed in"
    TOKEN=$(sed -n 's/.*"token":"\([^"]*\)".*/\1/p' <<<"$body")
    holds "the answer is  $(by_name "$body")" [ -n "$TOKEN" ]

    title "With the token the request reaches the application, which is told who it is"
    request -H "Authorization: Bearer $TOKEN" "$ADDRESS/raw"
    answered 200 "a valid token in the hand it was given to"
    application_saw Remote-User "$USER_NAME"
    application_saw Remote-Groups staff,admins
    application_saw Remote-Name 'Demo User'
    application_saw Remote-Email demo@example.com

    title "Nobody becomes somebody else by saying so"
    request -H "Authorization: Bearer $TOKEN" -H 'Remote-User: root' -H 'X-Forwarded-For: 192.0.2.1' "$ADDRESS/raw"
    answered 200 "the claims change nothing"
    application_saw Remote-User "$USER_NAME"
    application_saw_nothing_of root 192.0.2.1

    title "The same token from another address: somebody else has got hold of it"
    request --interface "$OTHER_ADDRESS" -H "Authorization: Bearer $TOKEN" "$ADDRESS/raw"
    answered 403 "a valid token in another hand"
    holds "samehand's log says  reason=client-changed ... changed=ip" log_tells 'reason=client-changed.* changed=ip'

    title "The same token in another browser"
    request -A "$OTHER_BROWSER" -H "Authorization: Bearer $TOKEN" "$ADDRESS/raw"
    answered 403 "a valid token in another hand"
    holds "samehand's log says  reason=client-changed ... changed=user-agent" \
        log_tells 'reason=client-changed.* changed=user-agent'

    title "The same token with another user written into it"
    REWRITTEN=$(rewritten)
    request -H "Authorization: Bearer $REWRITTEN" "$ADDRESS/raw"
    answered 401 "the signature no longer fits"
    holds "samehand's log says  reason=signature-invalid" log_tells 'reason=signature-invalid'
}

stay_up() {
    cat <<TEXT

${bold}Still up, for you to try. Ctrl-C ends it and removes everything.${plain}

   in your browser   http://$SITE:$PORT
   user              $USER_NAME
   password          $PASSWORD
   your sessions     http://$SIGN_IN:$PORT/account

   A browser that does not find these names needs this line in /etc/hosts:
   127.0.0.1 $SITE $SIGN_IN

   curl -d '{"username":"$USER_NAME","password":"$PASSWORD"}' -H 'Content-Type: application/json' $PAGES/login
   TOKEN=...                                                       # from the answer
   curl -H "Authorization: Bearer \$TOKEN" $ADDRESS/
   curl -H "Authorization: Bearer \$TOKEN" $PAGES/whoami
   curl -H "Authorization: Bearer \$TOKEN" --interface $OTHER_ADDRESS -i $ADDRESS/

   tail -f $WORK/samehand.log                     # what samehand decides, and why
TEXT
    # Signals end it. So does a program that ends by itself, which none should.
    wait -n "${processes[@]}" || true
    fail "one of the programs has ended: $(tail -n 3 "$WORK"/*.log)"
}

install_and_build
WORK=$(mktemp -d "${TMPDIR:-/tmp}/samehand-demo.XXXXXX")
forget_settings
start_samehand
start_application
start_proxy
tell_public_url
say
say "samehand, an application and $PROXY with the configuration of this repository are running."
walk_through
say
if [ "$failures" -gt 0 ]; then
    printf '%s%d of the checks above did not hold.%s What samehand said:\n' "$red" "$failures" "$plain"
    tail -n 20 "$WORK/samehand.log"
    exit 1
fi
printf '%sEvery step did what it says.%s\n' "$green" "$plain"
if [ -z "${DEMO_ONCE:-}" ] && [ -t 1 ]; then stay_up; fi
