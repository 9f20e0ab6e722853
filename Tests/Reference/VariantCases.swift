import Evenkeel
import Testing

/// Networks with ghost batches and renormalization in every place where a norm stands.
package struct VariantCase: Sendable, CustomTestStringConvertible {
  package let testDescription: String
  package let network: Network

  package init(_ name: String, input: Shape = [5], @LayerBuilder _ layers: () -> [any Layer]) {
    testDescription = name
    network = Network(input: input, layers: layers())
  }

  package init(_ layerCase: LayerCase) {
    testDescription = layerCase.testDescription
    network = layerCase.network(inputs: 5, units: 12, outputs: 3)
  }

  /// Limits that cut off some of the features and leave others.
  package static let tight = Renormalization(maximumRatio: 1.1, maximumOffset: 0.2, rampTo: 0)
  package static let wide = Renormalization(maximumRatio: 100, maximumOffset: 100, rampTo: 0)
  package static let ramp = Renormalization(maximumRatio: 3, maximumOffset: 5, rampFrom: 1, rampTo: 12)

  package static let all: [VariantCase] =
    [
      ("ghost 16", BatchNorm(ghostBatch: 16)), ("ghost 2", BatchNorm(ghostBatch: 2)),
      (
        "ghost 7, cumulative, population",
        BatchNorm(averaging: .cumulative, runningVariance: .population, ghostBatch: 7)
      ),
      ("renorm, tight", BatchNorm(renormalization: tight)), ("renorm, wide", BatchNorm(renormalization: wide)),
      ("renorm, ramp", BatchNorm(debiased: false, renormalization: ramp)),
      ("ghost and renorm", BatchNorm(ghostBatch: 10, renormalization: tight)),
    ].flatMap { name, norm -> [VariantCase] in
      var (unscaled, unshifted) = (norm, norm)
      (unscaled.scale, unshifted.shift) = (false, false)
      return [
        VariantCase("\(name), before the activation") {
          Dense(19)
          norm
          ReLU()
          Dense(3)
        },
        VariantCase("\(name), behind the activation") {
          Dense(8)
          Sigmoid()
          norm
          Dense(3)
        },
        VariantCase("\(name), in a residual block with a projection") {
          Dense(9)
          Residual(shortcut: .projection) {
            Dense(17)
            norm
            GELU()
            Dense(17)
            norm
          }
          ReLU()
          Dense(3)
        },
        VariantCase("\(name), without scale, without shift, of images", input: [3, 2, 4]) {
          unscaled
          Tanh()
          unshifted
          Flatten()
          Dense(3)
        },
      ]
    }
}
