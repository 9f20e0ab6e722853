// swift-tools-version: 6.2
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
    // Models to ONNX files and back; with the trait Interchange.
    .library(name: "EvenkeelONNX", targets: ["EvenkeelONNX"]),
    // Models that answer requests; HTTP with the trait Server.
    .library(name: "EvenkeelServer", targets: ["EvenkeelServer"]),
    // The C loops alone, for the benchmark.
    .library(name: "EvenkeelKernels", targets: ["Kernels"]),
    .executable(name: "evenkeel", targets: ["EvenkeelCommand"]),
  ],
  traits: [
    .trait(name: "Interchange", description: "Files of other programs: ONNX. Fetches swift-protobuf."),
    .trait(name: "Server", description: "Models and runs over HTTP. Fetches swift-nio."),
    .trait(name: "MPI", description: "Training on many machines. Needs Open MPI (libopenmpi-dev)."),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    // Only fetched with the trait Interchange.
    .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0", traits: []),
    // Only fetched with the trait Server.
    .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
  ],
  targets: [
    // System libraries: Debian packages libdnnl-dev, zlib1g-dev, libpng-dev, libjpeg-dev, libwebp-dev, libsqlite3-dev (see
    // Scripts/setup).
    .systemLibrary(name: "CZlib"),
    .systemLibrary(name: "CSQLite"),
    // With the trait MPI only.
    .systemLibrary(name: "CMPI", pkgConfig: "ompi-c"),
    // What Linux offers and Swift cannot name.
    .target(name: "CLinux"),
    // Loops that must vectorize: pure functions on pointers, no allocation.
    .target(name: "Kernels", linkerSettings: [.linkedLibrary("m")]),
    // Products, convolutions and pooling: the one room that calls LIBXSMM and oneDNN.
    .target(name: "Primitives", linkerSettings: products + [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),
    // What processes of one training exchange, in the order of a balanced tree; the one room that calls MPI.
    .target(
      name: "Collectives", dependencies: [.target(name: "CMPI", condition: .when(traits: ["MPI"]))],
      cSettings: [.define("EK_MPI", .when(traits: ["MPI"]))]),
    // Rows, cells and numbers of CSV text: pure functions on pointers, no allocation.
    .target(name: "CSVScan"),
    .target(
      name: "ImageCodecs", linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg"), .linkedLibrary("webp")]),
    .target(
      name: "Evenkeel",
      dependencies: [
        "CLinux", "CSQLite", "CSVScan", "CZlib", "Collectives", "ImageCodecs", "Kernels", "Primitives",
        .product(name: "Yams", package: "Yams"),
      ],
      resources: [.embedInCode("Network/Presets")]),
    // Experiments on what normalization does: trials, their store, landscapes, the report.
    .target(
      name: "EvenkeelLab",
      dependencies: ["Evenkeel", "Kernels", "Primitives", .product(name: "GRDB", package: "GRDB.swift")]),
    // Models as ONNX graphs and back. Only the file format needs the trait; without it, reading and writing are an error.
    .target(
      name: "EvenkeelONNX",
      dependencies: [
        "Evenkeel",
        .product(name: "SwiftProtobuf", package: "swift-protobuf", condition: .when(traits: ["Interchange"])),
      ],
      exclude: ["Format/onnx.proto"]),
    // Predictions in batches for many callers, the Open Inference Protocol, pages. Only the room HTTP needs the trait.
    .target(
      name: "EvenkeelServer",
      dependencies: [
        "CLinux", "CSVScan", "CZlib", "Evenkeel", "EvenkeelLab",
        .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Server"])),
        .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Server"])),
        .product(name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["Server"])),
      ],
      resources: [.embedInCode("Pages/Page")]),
    .executableTarget(
      name: "EvenkeelCommand",
      dependencies: [
        "CLinux", "Evenkeel", "EvenkeelLab", "EvenkeelONNX", "EvenkeelServer",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    // What the tests stand on: the allocation counter; what holds a thread; the library again, in plain loops of doubles
    // that carry their error; and temporary files, the command, and files of other programs.
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .target(name: "ThreadHolder", path: "Tests/ThreadHolder"),
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
    .testTarget(
      name: "EvenkeelONNXTests",
      dependencies: ["Evenkeel", "EvenkeelONNX", "EvenkeelReference", "EvenkeelTestSupport"]),
    .testTarget(
      name: "EvenkeelServerTests",
      dependencies: ["Evenkeel", "EvenkeelServer", "EvenkeelReference", "EvenkeelTestSupport"]),
    // Those that start the command.
    .testTarget(
      name: "CommandTests",
      dependencies: ["Evenkeel", "EvenkeelLab", "EvenkeelReference", "EvenkeelTestSupport", "ThreadHolder"]),
  ],
  swiftLanguageModes: [.v6]
)
