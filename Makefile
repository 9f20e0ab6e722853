# make demo: set up, build, train on drawn digits with and without batch normalization.
# make test: set up, build, run every test; EVENKEEL_DATA=folder adds those on real data.
.PHONY: demo test build setup lint

demo: build
	.build/release/evenkeel demo

build: setup
	swift build -c release --product evenkeel

test: setup
	swift build -c release --build-tests
	swift test -c release --skip-build

lint:
	swift format lint --strict --recursive Sources Tests Package.swift

setup:
	@Scripts/setup
