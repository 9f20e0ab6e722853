# make demo: set up, build, train on drawn digits with and without batch normalization.
# make test: set up, build, run every test; EVENKEEL_DATA=folder adds those on real data.
# make interchange: sets up PyTorch, TensorFlow, Keras and scikit-learn in .venv-interchange, and exchanges models with them as ONNX
# files; writes the tables of Documentation/Interchange.md. EVENKEEL_DATA=folder adds tables and real images.
# make bench: sets up PyTorch, JAX and ONNX Runtime in .venv, checks that PyTorch and Evenkeel read each other's models, and runs
# them in turn; EVENKEEL_DATA=folder adds the runs on MNIST and CIFAR-10.
# make bench-serve MODELS="mlp=mlp.safetensors …": `evenkeel serve` beside FastAPI, MLServer, BentoML and LitServe under the same load; needs wrk.
# make bench-tables: how well training on tables predicts, beside linear models, scikit-learn's MLP and boosted trees, on the
# tables of EVENKEEL_DATA; OPTIONS=--quick for two splits of each table, OPTIONS=--help for all options.
# make deb: a Debian package of the command in .build, which needs no Swift where it is installed.
# make arm64: what an x86-64 machine can check of arm64: the kernels' bits, and tests built by Debian's Swift, emulated. As root; 8 GB.
# make documentation: the documentation's site in .build/site, every page of it opened; OPTIONS=--serve to read it.
# make simulate: the exchanges of training on 4 to 1,024 machines, simulated, beside their formulas.
# make cluster: makes two hosts out of network namespaces, and trains on both while ranks fail.
# The same in every call: another set of traits would build everything anew. The products are named, as a build of everything includes
# the programs of swift-protobuf, which nothing here needs.
# MPI is asked for when a command runs, after Scripts/setup.
# The server's tests are a run of their own: its limits of time would otherwise pass while it waits behind a thousand others for a thread.
traits = --traits Interchange,Server$$(pkg-config --exists ompi-c 2>/dev/null && echo ,MPI)

tutorials := FirstNetwork TableOfRides OwnLayer IllNorm

.PHONY: demo test interchange bench bench-serve bench-tables simulate cluster arm64 deb build documentation setup lint

demo: build
	.build/release/evenkeel demo

build: setup
	swift build -c release $(traits) --product evenkeel

test:
	@Scripts/setup test
	Scripts/generate-protobuf --check
	Scripts/digests
	swift build -c release $(traits) --product evenkeel
	swift build -c release $(traits) --product evenkeelPackageTests
	swift test -c release $(traits) --skip-build --skip EvenkeelServerTests
	swift test -c release $(traits) --skip-build --filter EvenkeelServerTests
	Tests/Collectives/run
	swift test -c release --package-path Examples/Layers
	for name in DocumentationFigures $(tutorials); do swift build -c release $(traits) --product $$name || exit 1; done
	python3 -B -m unittest discover --start-directory Documentation/Site
	Scripts/documentation --test

documentation: build
	swift build -c release $(traits) --product DocumentationFigures
	Scripts/documentation $(OPTIONS)

interchange: build
	@Scripts/setup interchange
	.venv-interchange/bin/python Tests/Interchange/run.py .build/release/evenkeel --document Documentation/Interchange.md

bench: build
	@Scripts/setup bench
	swift build -c release --package-path Benchmarks
	.venv/bin/python Benchmarks/peers/state_dict.py .build/release/evenkeel
	.venv/bin/python Benchmarks/peers/tabm_mini.py .build/release/evenkeel
	.venv/bin/python Benchmarks/run.py

bench-tables: build
	@Scripts/setup bench
	.venv/bin/python Benchmarks/tables.py $(OPTIONS)

deb: setup
	Scripts/deb

arm64:
	@Scripts/setup test
	Scripts/arm64

bench-serve: build
	.venv/bin/python Benchmarks/serve/run.py $(foreach model,$(MODELS),--model $(model)) $(OPTIONS)

simulate:
	@Scripts/setup simulate
	Scripts/simulate

cluster:
	@Scripts/setup cluster
	$(MAKE) build
	Scripts/cluster

lint:
	Scripts/rooms
	swift format lint --strict --recursive Sources Tests Benchmarks/Sources Examples Documentation/Figures Package.swift

setup:
	@Scripts/setup
