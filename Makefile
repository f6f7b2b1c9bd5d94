# Hoa Lư. `make run` and `make test` install what is missing; see README.md.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

GO       ?= go
VERSION  ?= $(shell git describe --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
UI       := console/ui
UI_FILES := $(shell find $(UI) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
export CGO_ENABLED := 0

.PHONY: run build test bench generate clean peers quiet check unit race fuzz walks browser bench-%

run: build
	@exec bin/hoalu serve

build: bin/hoalu

# A step of the build prints one line, and what its tool has to complain about: test/check/quiet.sh.
bin/hoalu: $(UI)/dist/index.html FORCE
	@echo "hoalu: compiling $@ $(VERSION)"
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/hoalu 2>&1 | sed '/^go: downloading /d' >&2

.PHONY: FORCE
FORCE:

$(UI)/node_modules/.installed: $(UI)/package-lock.json
	@echo "console: fetching what package-lock.json names" # exactly those versions, or an error
	cd $(UI) && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error | sed '/^$$/d; /^added [0-9]* packages/d'
	touch $(CURDIR)/$@

$(UI)/dist/index.html: $(UI)/node_modules/.installed $(UI_FILES)
	@cd $(UI) && npm run --silent --no-update-notifier build
	touch $(CURDIR)/$@

# What the tests need of the machine: a browser, a syslog sender, a C compiler for the BPF objects.
peers:
	test/peers/install.sh

test: peers quiet check unit race fuzz walks browser

# A build prints a line a step and nothing else.
quiet:
	test/check/quiet.sh

check:
	test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt these:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) mod tidy -diff || { echo "go.mod and go.sum are not what the imports ask for: run go mod tidy and commit"; exit 1; }
	test/check/subjects.sh
	test/check/static.sh
	test/check/unreachable.sh
	before=$$(git diff | sha256sum); test/generate.sh >/dev/null; test "$$before" = "$$(git diff | sha256sum)" || { echo "generated code is not what its sources give: run make generate and commit"; git diff --stat; exit 1; }
	cd $(UI) && npm run --silent check

# The longest package first: it mostly waits for programs it started, and the others run beside it.
unit: build
	test/peers/postgres.sh $(GO) test -timeout 40m ./test ./...

race:
	test/peers/postgres.sh test/check/race.sh

fuzz:
	test/check/fuzz.sh

# Each way to add a part, as CONTRIBUTING says it, and with each step left out.
walks: console/ui/node_modules/.installed
	for w in test/walks/*.sh; do [ "$$w" = test/walks/lib.sh ] || bash "$$w"; done

browser: build
	test/browser.sh

bench: build
	test/bench.sh all

bench-%: build
	test/bench.sh $*

generate:
	test/generate.sh

clean:
	rm -rf bin dist $(UI)/dist/* $(UI)/node_modules
