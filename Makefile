# The front door; each target is a script that can be run on its own. `make help` lists them.
SHELL := /bin/bash
.DELETE_ON_ERROR:
# The targets share build folders and machine-wide tools; each one is parallel inside.
.NOTPARALLEL:

PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60
export FUZZ_SECONDS
# Arguments for bench/run: `--quick`, `--full`.
BENCH ?=
# For scripts/run-conformance: `--quick`.
CONFORMANCE ?=

daemon := build/release/image-cri-shim

.PHONY: build demo test bench lint sanitize fuzz conformance browser install uninstall deb tarball try-packages clean help

build: ## build the daemon: build/release/image-cri-shim (the default)
	@scripts/setup build
	@scripts/build release image-cri-shim manual_and_completions

demo: ## show it at work with a real containerd and a private registry, then clean up (root)
	@scripts/setup demo
	@scripts/build release image-cri-shim
	@ICS_BUILD_DIR=$(CURDIR)/build/release ICS_BUSYBOX=$$(scripts/static-busybox) scripts/demo

test: ## unit, integration and end-to-end tests (the last ones as root)
	@scripts/setup test demo
	@scripts/build release -DICS_TESTS=ON
	@scripts/test release

bench: ## measure against the direct connection, a byte relay, nghttpx and a gRPC C++ proxy
	@scripts/setup bench
	@scripts/build release -DICS_BENCH=ON -DICS_TESTS=ON
	@ICS_BUILD_DIR=$(CURDIR)/build/release /usr/bin/python3 bench/run $(BENCH)

lint: ## layout, clang-tidy, layers, shell and Python scripts
	@scripts/setup lint
	@scripts/lint

sanitize: ## the whole suite under address and undefined sanitizers, unit tests under the thread sanitizer
	@scripts/setup lint test demo
	@scripts/sanitize

fuzz: ## each fuzz target for FUZZ_SECONDS (60)
	@scripts/setup lint
	@scripts/fuzz

conformance: ## real clients and runtimes, with and without the shim: writes docs/conformance.md (root, an hour)
	@scripts/setup conformance
	@scripts/build release -DICS_TESTS=ON
	@scripts/run-conformance $(CONFORMANCE)

browser: ## the status page in a headless Chromium; its screenshots are to be looked at
	@scripts/setup browser
	@scripts/build release image-cri-shim
	@ICS_BUILD_DIR=$(CURDIR)/build/release scripts/browser

# Does not build where a build is there, so that `sudo make install` leaves no files of root in the build folder.
install: ## install to PREFIX (/usr/local), below DESTDIR
	@test -x $(daemon) || $(MAKE) --no-print-directory build
	@PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) scripts/install

uninstall: ## remove what `install` put there; configuration and state stay
	@PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) scripts/install --remove

deb: ## a .deb of this commit in build/packages/
	@scripts/setup build packages
	@scripts/build release image-cri-shim
	@scripts/package deb

tarball: ## the daemon with libraries and loader of its own, for nodes of other distributions, in build/packages/
	@scripts/setup build packages
	@scripts/build release image-cri-shim
	@scripts/package tarball

try-packages: deb tarball ## install, use, upgrade and remove the packages in clean roots (root)
	@scripts/setup packages test
	@scripts/build release -DICS_TESTS=ON
	@scripts/conformance/package-debian
	@scripts/conformance/package-portable

clean: ## remove the build folders
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14
