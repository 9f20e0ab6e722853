// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "evenkeel-bench",
  dependencies: [.package(name: "evenkeel", path: "..")],
  targets: [
    .target(name: "OneDNN", linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),
    .executableTarget(
      name: "evenkeel-bench",
      dependencies: [
        "OneDNN",
        .product(name: "Evenkeel", package: "evenkeel"), .product(name: "EvenkeelKernels", package: "evenkeel"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
