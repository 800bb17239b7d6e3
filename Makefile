# The few commands everybody needs. `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help deps demo test bench lint fmt prompts grammar

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the packages that building and testing need, if they are missing (Debian, Ubuntu)
	@.ci/deps test

demo: ## build and run the demonstration bank on this machine only
	@.ci/deps build
	cargo build --release --locked
	./target/release/hotline demo

test: deps lint prompts ## everything continuous integration runs
	cargo test --locked

bench: ## every benchmark three times, 40 minutes on a quiet machine; QUICK=1: once and short, 8 minutes
	@.ci/deps bench
	cargo bench --locked --bench calls -- --write $(if $(QUICK),--quick)
	cargo bench --locked --bench memory -- $(if $(QUICK),--quick)
	cargo bench --locked --bench growth -- $(if $(QUICK),--quick)

lint: ## formatting and clippy; a warning is an error
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

fmt: ## format the code
	cargo fmt

prompts: ## check the sound files against their texts and the manifest
	python3 prompts/make_prompts.py --check

grammar: ## write anew what is made of the declared language: schemas for editors, docs/ivr-reference.md
	$(call made,flow,ivr-flows/flow.schema.json)
	$(call made,test,ivr-flows/test.schema.json)
	$(call made,config,hotline.schema.json)
	$(call made,--reference,docs/ivr-reference.md)

# An interrupted run leaves the old file whole.
made = cargo run --locked -q -- schema $(1) > $(2).new && mv $(2).new $(2)
