# SPDX-License-Identifier: Apache-2.0
# What people type; the build itself is CMake's (CMakePresets.json). PREFIX and DESTDIR as usual.
PREFIX ?= /usr/local
DEBUG := build/debug
RELEASE := build/release

.PHONY: all release setup-build setup-demo setup-test demo test bench soak lint format coverage docs \
        install clean

all: setup-build release

release:
	@cmake --preset release >/dev/null
	@cmake --build --preset release

setup-build setup-demo setup-test:
	@tools/setup/setup.sh $(@:setup-%=%)

demo: setup-demo release
	@tools/demo/demo.sh

test: setup-test
	@tools/test.sh

bench: setup-test release
	@bench/run.sh

soak: setup-test release
	@tools/soak.sh

lint: setup-test
	@tools/lint/run.sh

format: setup-test
	@git ls-files --cached --others --exclude-standard '*.[ch]' | xargs clang-format -i

coverage: setup-test
	@tools/coverage.sh

docs: setup-test
	@cmake --preset debug >/dev/null
	@cmake --build --preset debug --target bqferry
	@tools/generated-docs.sh $(DEBUG)/bqferry docs

install:
	@[ -x $(RELEASE)/bqferry ] || $(MAKE) --no-print-directory all
	@cmake --install $(RELEASE) --prefix "$(PREFIX)"

clean:
	@rm -rf build
