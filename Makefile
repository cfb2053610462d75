# make run   try the daemon on the example configuration, against a sandbox that behaves like Simkl
# make test  set up all that the tests need, and run them
.DEFAULT_GOAL := help
.PHONY: help run test test-all check soak bench lock image clean

locks := requirements.lock requirements-build.lock
dev_locks := $(locks) requirements-test.lock requirements-check.lock

help:
	@echo 'make run       try the daemon: example configuration, built-in sandbox, no account needed'
	@echo 'make test      checks and tests, on this checkout and on the built wheel'
	@echo 'make test-all  the heavy suites: builds and runs the container image'
	@echo 'make check     only the checks: ruff, mypy, import-linter, deptry'
	@echo 'make soak      a household of four for a month, with 200 deaths of the daemon, for three seeds'
	@echo 'make bench     measure start, memory, hooks and calls of the built wheel'
	@echo 'make image     build the container image with podman or docker'
	@echo 'make lock      renew the lock files'
	@echo 'make clean     remove the environments and everything built'

run:
	@tools/setup.sh .venv $(locks)
	@exec .venv/bin/scrobbler run --sandbox -c config.example.yaml

test:
	@tools/setup.sh .venv-dev $(dev_locks)
	@exec .venv-dev/bin/python tools/check.py test

test-all:
	@tools/setup.sh .venv-dev $(dev_locks)
	@exec .venv-dev/bin/python tools/check.py test-all

check:
	@tools/setup.sh .venv-dev $(dev_locks)
	@exec .venv-dev/bin/python tools/check.py check

soak:
	@tools/setup.sh .venv-dev $(dev_locks)
	@exec .venv-dev/bin/python -m bench.soak

bench:
	@tools/setup.sh .venv-dev $(dev_locks)
	@exec tools/bench.sh

image:
	@if command -v podman >/dev/null; then podman build --format docker -t scrobblerd .; else docker build -t scrobblerd .; fi

lock:
	@tools/lock.sh

clean:
	rm -rf .venv .venv-dev .venv-lock build dist
