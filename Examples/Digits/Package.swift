// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "Digits",
  dependencies: [.package(name: "evenkeel", path: "../..")],
  targets: [
    .executableTarget(name: "Digits", dependencies: [.product(name: "Evenkeel", package: "evenkeel")])
  ],
  swiftLanguageModes: [.v6]
)
