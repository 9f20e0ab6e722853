// swift-tools-version: 6.1
import PackageDescription

// LIBXSMM multiplies on x86-64 only; elsewhere oneDNN does.
#if arch(x86_64)
  let products: [LinkerSetting] = [.linkedLibrary("xsmm"), .linkedLibrary("xsmmnoblas"), .linkedLibrary("dl")]
#else
  let products: [LinkerSetting] = []
#endif

let package = Package(
  name: "evenkeel",
  products: [
    .library(name: "Evenkeel", targets: ["Evenkeel"]),
    .library(name: "EvenkeelLab", targets: ["EvenkeelLab"]),
    // The C loops alone, for the benchmark.
    .library(name: "EvenkeelKernels", targets: ["Kernels"]),
    .executable(name: "evenkeel", targets: ["EvenkeelCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
  ],
  targets: [
    // System libraries: Debian packages libdnnl-dev, zlib1g-dev, libpng-dev, libjpeg-dev, libwebp-dev, libsqlite3-dev (see
    // Scripts/setup).
    .systemLibrary(name: "CZlib"),
    .systemLibrary(name: "CSQLite"),
    // What Linux offers and Swift cannot name.
    .target(name: "CLinux"),
    // Loops that must vectorize: pure functions on pointers, no allocation.
    .target(name: "Kernels", linkerSettings: [.linkedLibrary("m")]),
    // Products, convolutions and pooling: the one room that calls LIBXSMM and oneDNN.
    .target(name: "Primitives", linkerSettings: products + [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),
    // Rows, cells and numbers of CSV text: pure functions on pointers, no allocation.
    .target(name: "CSVScan"),
    .target(
      name: "ImageCodecs", linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg"), .linkedLibrary("webp")]),
    .target(
      name: "Evenkeel",
      dependencies: [
        "CLinux", "CSQLite", "CSVScan", "CZlib", "ImageCodecs", "Kernels", "Primitives",
        .product(name: "Yams", package: "Yams"),
      ],
      resources: [.embedInCode("Network/Presets")]),
    // Experiments on what normalization does: trials, their store, landscapes, the report.
    .target(
      name: "EvenkeelLab",
      dependencies: ["Evenkeel", "Kernels", "Primitives", .product(name: "GRDB", package: "GRDB.swift")]),
    .executableTarget(
      name: "EvenkeelCommand",
      dependencies: [
        "CLinux", "Evenkeel", "EvenkeelLab", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    // What the tests stand on: the allocation counter; the library again, in plain loops of doubles that carry their
    // error; and temporary files, the command, and files of other programs.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .target(name: "EvenkeelReference", dependencies: ["Evenkeel"], path: "Tests/Reference"),
    .target(
      name: "EvenkeelTestSupport",
      dependencies: ["Evenkeel", "EvenkeelReference", .product(name: "GRDB", package: "GRDB.swift")],
      path: "Tests/Support"),
    .testTarget(name: "ReferenceTests", dependencies: ["Evenkeel", "EvenkeelReference"]),
    // The C functions alone.
    .testTarget(
      name: "KernelsTests",
      dependencies: ["Evenkeel", "Kernels", "Primitives", "EvenkeelReference", "EvenkeelTestSupport"]),
    .testTarget(
      name: "EvenkeelTests",
      dependencies: [
        "CSVScan", "Evenkeel", "Kernels", "AllocationCounter", "EvenkeelReference", "EvenkeelTestSupport",
      ]),
    .testTarget(
      name: "EvenkeelLabTests",
      dependencies: [
        "Evenkeel", "EvenkeelLab", "EvenkeelReference", "EvenkeelTestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    // Those that start the command.
    .testTarget(
      name: "CommandTests", dependencies: ["Evenkeel", "EvenkeelLab", "EvenkeelReference", "EvenkeelTestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
