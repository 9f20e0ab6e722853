import Evenkeel
import Testing

/// Layers between two dense ones, of `units` features: every layer and option, in every place.
struct LayerCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let layers: @Sendable (_ units: Int) -> [any Layer]

  init(_ name: String, @LayerBuilder _ layers: @escaping @Sendable (_ units: Int) -> [any Layer]) {
    testDescription = name
    self.layers = layers
  }

  /// The case as a network of one input and three outputs that every gradient goes through.
  func network(inputs: Int, units: Int, outputs: Int) -> Network {
    Network(input: [inputs]) {
      Dense(units)
      layers(units)
      Dense(outputs)
    }
  }

  static let activations: [any Layer] = [
    ReLU(), LeakyReLU(slope: 0.1), ELU(alpha: 0.7), GELU(), SiLU(), Sigmoid(), Tanh(), Softplus(), Mish(),
  ]

  static let all: [LayerCase] =
    activations.flatMap { activation -> [LayerCase] in
      let kind = type(of: activation).kind
      return [
        LayerCase(kind) { _ in [activation] },
        LayerCase("batchNorm, \(kind)") { _ in
          BatchNorm()
          [activation]
        },
        LayerCase("\(kind), batchNorm") { _ in
          [activation]
          BatchNorm()
        },
      ]
    } + [
      LayerCase("dense with bias, dense without") { units in
        Dense(units, bias: .present)
        Dense(units, bias: .absent)
      },
      LayerCase("dense with bias, batchNorm") { units in
        Dense(units, bias: .present)
        BatchNorm()
      },
      LayerCase("batchNorm") { _ in BatchNorm() },
      LayerCase("batchNorm twice") { _ in
        BatchNorm()
        BatchNorm()
      },
      LayerCase("batchNorm without scale") { _ in
        BatchNorm(scale: false)
        SiLU()
      },
      LayerCase("batchNorm without shift") { _ in
        BatchNorm(shift: false)
        Tanh()
      },
      LayerCase("batchNorm without either, population, cumulative") { _ in
        BatchNorm(averaging: .cumulative, runningVariance: .population, scale: false, shift: false)
      },
      LayerCase("batchNorm, not debiased, ε 1e-3") { _ in BatchNorm(epsilon: 1e-3, debiased: false) },
      LayerCase("batchNorm frozen, then relu") { _ in
        BatchNorm(frozen: true)
        ReLU()
      },
      LayerCase("sigmoid, batchNorm frozen without scale") { _ in
        Sigmoid()
        BatchNorm(scale: false, frozen: true)
      },
      // What stands alone is no feature of several.
      LayerCase("layerNorm, relu") { units in
        if units > 1 { LayerNorm() }
        ReLU()
      },
      LayerCase("tanh, layerNorm without scale, ε 1e-3") { units in
        Tanh()
        if units > 1 { LayerNorm(epsilon: 1e-3, scale: false) }
      },
      LayerCase("groupNorm of two, batchNorm") { units in
        if units > 1 { GroupNorm(groups: units % 2 == 0 && units > 4 ? 2 : 1, shift: false) }
        BatchNorm()
      },
      LayerCase("rmsNorm, sigmoid") { _ in
        RMSNorm()
        Sigmoid()
      },
      LayerCase("residual with a projection and layer and RMS norms") { units in
        Residual(shortcut: .projection) {
          Dense(units + 2)
          RMSNorm(scale: false)
          SiLU()
          Dense(units + 2)
          LayerNorm(initialScale: 0)
        }
        ReLU()
      },
      LayerCase("flatten between batchNorm and gelu") { _ in
        BatchNorm()
        Flatten()
        GELU()
      },
      LayerCase("residual") { units in
        Residual {
          Dense(units)
          BatchNorm()
          ReLU()
        }
      },
      LayerCase("residual that ends with a batchNorm, relu behind") { units in
        Residual {
          Dense(units)
          BatchNorm()
        }
        ReLU()
      },
      LayerCase("residual that ends with a batchNorm without scale, tanh behind") { units in
        BatchNorm()
        Residual { BatchNorm(scale: false) }
        Tanh()
      },
      LayerCase("residual whose block ends with a residual and a relu") { units in
        BatchNorm()
        Residual {
          Dense(units)
          Residual {
            Dense(units)
            BatchNorm()
          }
          ReLU()
        }
        Residual {
          Residual { Tanh() }
          ReLU()
        }
      },
      LayerCase("residual with a projection") { units in
        Residual(shortcut: .projection) {
          Dense(units + 1)
          BatchNorm()
          ReLU()
          Dense(units + 1)
          BatchNorm(initialScale: 0)
        }
        ReLU()
        Residual(shortcut: .projection) { Dense(units) }
      },
      LayerCase("residual of an activation alone, batchNorm behind") { _ in
        Residual { Tanh() }
        BatchNorm()
      },
      LayerCase("residual in residual") { units in
        BatchNorm()
        Residual {
          Residual {
            BatchNorm()
            SiLU()
          }
          Residual {
            Dense(units)
            Residual {
              Sigmoid()
              Dense(units)
            }
            BatchNorm()
          }
        }
        ReLU()
      },
    ]
}
