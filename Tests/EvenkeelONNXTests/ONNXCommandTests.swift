import Evenkeel
import EvenkeelTestSupport
import Testing

@Suite(.enabled(if: command != nil, "the command is not built"))
struct ONNXCommandTests {
  private let network = Network(input: [3]) {
    Dense(4)
    BatchNorm()
    ReLU()
    Dense(2)
  }

  @Test func aModelGoesOutAndComesBackThroughTheCommand() throws {
    try withTemporaryFolder { folder in
      let (model, onnx, again) = (folder + "/a.safetensors", folder + "/a.onnx", folder + "/b.safetensors")
      let item = try ONNXCase("small", network, outputs: 2)
      try item.model.write(to: model)
      let exported = try run(["export", model, "--output", onnx, "--opset", "21", "--outputs", "logits"])
      #expect(exported.code == 0, "\(exported.errors)")
      writeBytes(npy([64, 3], floats: item.inputs.values), to: folder + "/x.npy")
      writeBytes(try item.expected(item.model), to: folder + "/y.npy")
      let imported = try run(["import", onnx, "--output", again, "--check", folder + "/x.npy", folder + "/y.npy"])
      #expect(imported.code == 0 && imported.output.contains("largest difference is 0"), "\(imported)")
      #expect(try Model(contentsOf: again).predict(item.inputs) == item.model.predict(item.inputs))
      // What another model predicts is an error, and nothing is written.
      writeBytes(npy([64, 2], floats: [Float](repeating: 1, count: 128)), to: folder + "/y.npy")
      let other = folder + "/c.safetensors"
      let refused = try run(["import", onnx, "--output", other, "--check", folder + "/x.npy", folder + "/y.npy"])
      #expect(refused.code == 65 && refused.errors.contains("does not predict what is in"), "\(refused)")
      #expect(throws: EvenkeelError.self) { try Model(contentsOf: other) }
    }
  }

  @Test(
    arguments: [
      (["export", "MODEL", "--output", "MODEL"], 64, "is an input of this command"),
      (["export", "MODEL", "--output", "OUT", "--opset", "16"], 64, "expected 17 to 23"),
      (["export", "MODEL", "--output", "OUT", "--layout", "chwn"], 64, "--layout"),
      (["import", "TEXT", "--output", "OUT"], 65, "is not an ONNX file"),
      (["import", "OUT", "--output", "OTHER"], 66, "No such file"),
      (["import", "TEXT", "--output", "OUT", "--check", "x.npy"], 64, "two files"),
    ] as [([String], Int32, String)])
  func whatCannotBeDoneIsOneSentence(words: [String], code: Int32, sentence: String) throws {
    try withTemporaryFolder { folder in
      try Model(network).write(to: folder + "/model.safetensors")
      writeBytes(Array("no graph".utf8), to: folder + "/text.onnx")
      let names = [
        "MODEL": "/model.safetensors", "TEXT": "/text.onnx", "OUT": "/out.onnx", "OTHER": "/other.safetensors",
      ]
      let result = try run(words.map { word in names[word].map { folder + $0 } ?? word })
      #expect(result.code == code && result.errors.contains(sentence), "\(result)")
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }
}
