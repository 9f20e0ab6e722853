# make demo: set up, build, train on drawn digits with and without batch normalization.
# make test: set up, build, run every test; EVENKEEL_DATA=folder adds those on real data.
# make bench: sets up PyTorch, JAX and ONNX Runtime in .venv, checks that PyTorch and Evenkeel read each other's models, and runs
# them in turn; EVENKEEL_DATA=folder adds the runs on MNIST and CIFAR-10.
# make bench-tables: how well training on tables predicts, beside linear models, scikit-learn's MLP and boosted trees, on the
# tables of EVENKEEL_DATA; OPTIONS=--quick for two splits of each table, OPTIONS=--help for all options.
# make simulate: the exchanges of training on 4 to 1,024 machines, simulated, beside their formulas.
# make cluster: makes two hosts out of network namespaces, and exchanges between them while ranks fail.
# The same in every call: another set of traits would build everything anew. The products are named, as a build of everything includes
# the programs of swift-protobuf, which nothing here needs.
traits := --traits Interchange,Server$(shell pkg-config --exists ompi-c 2>/dev/null && echo ,MPI)

.PHONY: demo test bench bench-tables simulate cluster build setup lint

demo: build
	.build/release/evenkeel demo

build: setup
	swift build -c release $(traits) --product evenkeel

test:
	@Scripts/setup test
	Scripts/generate-protobuf --check
	swift build -c release $(traits) --product evenkeel
	swift build -c release $(traits) --product evenkeelPackageTests
	swift test -c release $(traits) --skip-build
	Tests/Collectives/run
	swift test -c release --package-path Examples/Layers

bench: build
	@Scripts/setup bench
	swift build -c release --package-path Benchmarks
	.venv/bin/python Benchmarks/peers/state_dict.py .build/release/evenkeel
	.venv/bin/python Benchmarks/peers/tabm_mini.py .build/release/evenkeel
	.venv/bin/python Benchmarks/run.py

bench-tables: build
	@Scripts/setup bench
	.venv/bin/python Benchmarks/tables.py $(OPTIONS)

simulate:
	@Scripts/setup simulate
	Scripts/simulate

cluster:
	@Scripts/setup cluster
	Scripts/cluster

lint:
	Scripts/rooms
	swift format lint --strict --recursive Sources Tests Benchmarks/Sources Examples Package.swift

setup:
	@Scripts/setup
