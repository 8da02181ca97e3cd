# Every target installs and starts what it needs, on free loopback ports, and stops it again.
LAB := tests/lab

help: ## what there is
	@sed -n 's/^\([a-z0-9-]*\): *## */  make \1  /p' Makefile

test: ## everything CI runs, with seconds per stage
	@$(LAB)/test.sh

lint: ## fmt, clippy, doc
	@$(LAB)/test.sh install-packages fmt clippy doc

unit: ## cargo test with RabbitMQ, MariaDB and PostgreSQL beside it
	@$(LAB)/test.sh install unit

e2e: ## the worker under a real keystone, cinder-api and cinder-scheduler
	@$(LAB)/test.sh install build e2e

chaos: ## the worker, then Python's, while all around it dies; what is lost, doubled, left over, stuck
	@$(LAB)/test.sh install build chaos

tempest: ## OpenStack's own API tests of volumes on the worker, over iSCSI and over FC
	@$(LAB)/test.sh install build tempest

demo: ## create, attach, extend, copy, detach, delete on the simulated array, to look at
	@$(LAB)/test.sh demo

.PHONY: help test lint unit e2e chaos tempest demo
