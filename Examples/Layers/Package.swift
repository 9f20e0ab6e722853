// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "Layers",
  products: [.library(name: "ExampleLayers", targets: ["ExampleLayers"])],
  dependencies: [.package(name: "evenkeel", path: "../..")],
  targets: [
    .target(name: "ExampleLayers", dependencies: [.product(name: "Evenkeel", package: "evenkeel")]),
    .testTarget(
      name: "ExampleLayersTests",
      dependencies: [
        "ExampleLayers", .product(name: "Evenkeel", package: "evenkeel"),
        .product(name: "EvenkeelLab", package: "evenkeel"),
      ],
      resources: [.copy("numbers.json")]),
  ],
  swiftLanguageModes: [.v6]
)
