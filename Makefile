# The two commands that matter: `make demo` and `make test`. `make help` lists the rest.

GO      ?= go
PYTHON  ?= python3
VENV    := .venv

# The console is built where there is Node 20 or newer and npm; a program without it says how.
CONSOLE := $(shell command -v npm >/dev/null 2>&1 && node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null && echo console)
WEB     := internal/console/web

COMMA := ,
SPACE := $(subst ,, )

.PHONY: demo test fast crash attack e2e browser lint build console console-test docs dist bench help

demo: ## start a node and send readings of devices through all of it
	-@$(CONSOLE:%=$(MAKE) --silent %) # without npm's registry there is no console, and all the rest
	$(GO) build -o bin/brookmere ./cmd/brookmere
	bin/brookmere demo # not by "go run", which calls Ctrl-C an error

test: $(CONSOLE) $(CONSOLE:%=%-test) lint fast crash attack e2e browser ## run every check and every test, with all that they need

fast: ## the tests beside the code, with the race detector
	$(GO) test -race -timeout 20m ./brookmeretest/... ./cmd/... ./internal/...

crash: ## kill -9 under load, on a real node
	$(GO) test -count=1 -timeout 30m ./test/crash/...

attack: ## real nodes against clients that mean no good
	$(GO) test -count=1 -timeout 20m ./test/attack/...

# What tests of clients run, which no make target installs. (On Debian: rclone, ruby-aws-sdk-s3,
# ruby-aws-sdk-kms, php-async-aws-sqs, php-async-aws-sns.)
CLIENTS := terraform node npm java javac mvn cargo chromium rclone curl ruby php

e2e: $(VENV)/installed ## real clients against a real node: boto3, AWS CLI, Terraform
	@for c in $(CLIENTS); do command -v $$c >/dev/null || echo "$$c is not installed: tests that run it are skipped"; done
	BROOKMERE_PYTHON=$(abspath $(VENV))/bin/python $(GO) test -count=1 -parallel 4 -timeout 30m ./test/e2e/...

$(VENV)/installed: test/e2e/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --retries 10 -r test/e2e/requirements.txt
	touch $@

browser: ## the console in a browser, where there is Chromium
	$(GO) test -count=1 -timeout 20m ./test/console/...

lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l brookmeretest cmd examples internal test); \
	  if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

build: $(CONSOLE) ## bin/brookmere
	$(GO) build -o bin/brookmere ./cmd/brookmere

console: internal/console/dist/index.html ## the files of the web console, by Node 20 or newer

internal/console/dist/index.html: $(WEB)/node_modules/.package-lock.json $(WEB)/build.mjs $(shell find $(WEB)/src -type f)
	cd $(WEB) && node build.mjs

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --prefer-offline --fetch-retries=5
	touch $@

console-test: console ## the console's types, and the tests of its pure parts
	cd $(WEB) && npx tsc --noEmit && npm test --silent

docs: ## write docs/operations.md, docs/configuration.md and the lists of functions from the code
	$(GO) test ./internal/node -run 'TestOperationsDocument|TestServicePages|TestConfigurationDocument' -update
	$(GO) test ./internal/engine/lakesql/trino/functions -run TestFunctionsDocument -update
	$(GO) test ./internal/engine/streamsql -run TestFunctionList -update

dist: $(CONSOLE) ## release archives with licences, bill of materials and checksums, into dist/; TARGETS="linux/amd64 linux/arm64" for more
	$(GO) run ./internal/dist $(addprefix -target ,$(subst $(SPACE),$(COMMA),$(TARGETS)))

bench: ## the benchmarks beside the code
	$(GO) test -run '^$$' -bench . -benchmem ./internal/...

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
