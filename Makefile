# The two commands that matter: `make demo` and `make test`. `make help` lists the rest.

GO      ?= go
PYTHON  ?= python3
VENV    := .venv

.PHONY: demo test fast crash attack e2e lint build docs bench help

demo: ## start a node and send readings of devices through all of it
	$(GO) run ./cmd/brookmere demo

test: lint fast crash attack e2e ## run every check and every test, with all that they need

fast: ## the tests beside the code, with the race detector
	$(GO) test -race -timeout 20m ./cmd/... ./internal/...

crash: ## kill -9 under load, on a real node
	$(GO) test -timeout 30m ./test/crash/...

attack: ## real nodes against clients that mean no good
	$(GO) test -timeout 20m ./test/attack/...

e2e: $(VENV)/installed ## real clients against a real node: boto3, AWS CLI, Terraform
	BROOKMERE_PYTHON=$(abspath $(VENV))/bin/python $(GO) test -timeout 30m ./test/e2e/...

$(VENV)/installed: test/e2e/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet -r test/e2e/requirements.txt
	touch $@

lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l cmd internal test); \
	  if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

build: ## bin/brookmere
	$(GO) build -o bin/brookmere ./cmd/brookmere

docs: ## write docs/operations.md and the lists of functions from the code
	$(GO) test ./internal/node -run TestOperationsDocument -update
	$(GO) test ./internal/engine/lakesql/trino/functions -run TestFunctionsDocument -update
	$(GO) test ./internal/engine/streamsql -run TestFunctionList -update

bench: ## the benchmarks beside the code
	$(GO) test -run '^$$' -bench . -benchmem ./internal/...

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
