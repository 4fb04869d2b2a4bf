# What a person or a CI job calls. `make` alone tells what there is.

.PHONY: help demo test efficacy omissions pictures bench check clean

help:
	@echo 'make demo     samehand behind a real proxy, step by step; PROXY=nginx (default), traefik or caddy'
	@echo 'make test     installs the real proxies where they are missing, builds, and runs every test'
	@echo 'make efficacy writes the numbers in docs/efficacy.md anew'
	@echo 'make omissions writes the tables in docs/omissions.md anew'
	@echo 'make pictures draws the pages in docs/images anew'
	@echo 'make bench    measures samehand and others that check tokens; docs/performance.md says how to read it'
	@echo '              ROWS=path,Lua  SECONDS=1  ROUNDS=3  for less of it; PUBLISH=yes writes docs/performance.md'
	@echo 'make check    formatting, lints and documentation, without a warning'
	@echo 'make clean    removes what was built and installed inside of the repository'

demo:
	@PROXY='$(or $(PROXY),nginx)' scripts/demo.sh

# The tests start the program and the example application as processes of their own. Instructions are counted in what
# is released, which takes a build of its own: without optimisation the ratios say nothing.
test:
	scripts/install-test-tools.sh
	cargo build --bins --examples
	cargo test
	cargo run --release --example instructions

# What the recipes are worth, written into docs/efficacy.md by the tests that compare it with that page otherwise.
efficacy:
	scripts/install-test-tools.sh nginx
	cargo build --bins --examples
	EFFICACY=write cargo test --test efficacy

# What comes of each line that is forgotten, written into docs/omissions.md by the tests that compare it with that page otherwise.
omissions:
	scripts/install-test-tools.sh nginx traefik caddy
	cargo build --bins --examples
	OMISSIONS=write cargo test --test omissions

# The pictures of the pages in docs/images, by the test that looks at every page.
pictures:
	scripts/install-test-tools.sh chromium caddy
	cargo build --bins --examples
	mkdir -p docs/images
	PICTURES=1 cargo test --test browser every_page_is_accessible

# About 25 minutes with nothing else going on. Ten thousand connections need as many open files.
bench:
	scripts/install-test-tools.sh bench
	ulimit -n "$$(ulimit -Hn)"; cargo bench --bench suite -- $(if $(ROWS),--rows '$(ROWS)') \
		$(if $(SECONDS),--seconds '$(SECONDS)') $(if $(ROUNDS),--rounds '$(ROUNDS)') $(if $(PUBLISH),--publish)

check:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps

clean:
	cargo clean
	rm -rf .tools examples/node/node_modules tests/browser/driver/node_modules
