// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "evenkeel-bench",
  dependencies: [.package(name: "evenkeel", path: "..")],
  targets: [
    .executableTarget(
      name: "evenkeel-bench",
      dependencies: [
        .product(name: "Evenkeel", package: "evenkeel"), .product(name: "EvenkeelKernels", package: "evenkeel"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
