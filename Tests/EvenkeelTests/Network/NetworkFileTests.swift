import Evenkeel
import EvenkeelTestSupport
import Testing

@Test func damagedNetworkFilesAreErrorsAndNothingElse() throws {
  let valid = """
    input: [6, 6, 2]
    layers:
      - convolution: {filters: 3, kernel: [3, 1], padding: same}
      - residual: &block
          - batchNorm: {decay: 0.9}
      - residual: {shortcut: projection, block: [{convolution: {filters: 4, kernel: 3, stride: 2}}]}
      - flatten
      - dense: 3
    """
  _ = try Network(text: valid, name: "net.yaml")
  fuzz(Array(valid.utf8)) { _ = try Network(text: String(decoding: $0, as: UTF8.self), name: "net.yaml") }
}

@Test func aNetworkFileDescribesTheSameNetwork() throws {
  let text = """
    input: [6]
    layers:
      - dense: {units: 8, initialization: he}
      - batchNorm: {epsilon: 1e-3, decay: cumulative, runningVariance: population, shift: false}
      - leakyRelu: {slope: 0.2}
      - residual:
          - dense: 8
          - batchNorm: {}
          - silu
      - dropout: 0.1
      - dense: 3
    """
  try withTemporaryPath(".yaml", containing: text) { path in
    let read = try Network(contentsOf: path)
    let built = Network(input: [6]) {
      Dense(8, initialization: .he)
      BatchNorm(epsilon: 1e-3, averaging: .cumulative, runningVariance: .population, shift: false)
      LeakyReLU(slope: 0.2)
      Residual {
        Dense(8)
        BatchNorm()
        SiLU()
      }
      Dropout(0.1)
      Dense(3)
    }
    #expect(read == built)
  }
}

/// Lists of nine, each of nine references to the one before.
private let references: String = {
  var lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
  for index in 0..<8 {
    let before = index == 0 ? "*a" : "*b\(index - 1)"
    lines.append("b\(index): &b\(index) [\(Array(repeating: before, count: 9).joined(separator: ", "))]")
  }
  return lines.joined(separator: "\n") + "\n"
}()

@Test(arguments: [
  ("input: [6]\nlayers: [relux]\n", ", line 2: Layer 0: \"relux\" is not a layer"),
  ("input: [6]\nlayers:\n  - dense: {units: 3, unit: 4}\n", ", line 3: Layer 0: dense: \"unit\" is not an option"),
  ("input: [6]\nlayers:\n  - relu\n  - dense: 0\n", ", line 4: Layer 1: dense: units is 0"),
  ("input: [2, 3, 4]\nlayers:\n  - dense: 4\n", "[2, 3, 4]"),
  ("input: [6]\nlayers:\n  - relu\n  - residual:\n      - tanh\n      - dense: {units: x}\n", ", line 6"),
  ("input: [6]\nlayers:\n  - residual:\n      - tanh\n      - dense: 3\n", ", line 3: Layer 0: residual: expected"),
  ("input: [6]\nlayers:\n  - residual:\n      - tanh\n      - dropout: 2\n", "line 5: Layer 0.block.1: dropout: rate"),
  ("input: [6]\nlayer: []\nlayers: [relu]\n", "\"layer\" is not a key"),
  ("layers: [relu]\n", "the key \"input\" is missing"),
  ("input: six\nlayers: [relu]\n", ", line 1"),
  ("input: [6\n", "not YAML"),
  ("", "empty"),
  ("input: [6]\nlayers:\n  - batchNorm: {epsilon: .nan}\n", ", line 3: Layer 0: batchNorm: epsilon is nan"),
  ("input: [6]\nlayers:\n  - dense: 6\n  - batchNorm: {runningVariance: biased}\n", "unbiased, population"),
  ("input: 6\nlayers:\n  - dense: 4611686018427387904\n", "too large"),
  ("input: [9223372036854775807]\nlayers: [relu]\n", "too large"),
  ("input: [3000000000, 3000000000, 1]\nlayers: [relu]\n", "too large"),
  (references, "more than 100,000 things"),
])
func aWrongNetworkFileIsNamedByLayerOrKey(text: String, sentence: String) throws {
  try withTemporaryPath(".yaml", containing: text) { path in
    let error = #expect(throws: EvenkeelError.self) { try Network(contentsOf: path) }
    #expect(error!.message.contains(sentence), "\(error!.message)")
  }
}
