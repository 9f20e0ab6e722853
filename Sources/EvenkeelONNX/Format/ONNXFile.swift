import Evenkeel

/// ONNX files: protocol buffers.
enum ONNXFile {
  /// A message larger than this cannot be read by others.
  static let greatestSize = 1 << 31 - 1

  #if !Interchange
    private static var unavailable: EvenkeelError {
      .usage("This build has no ONNX files; build it with: swift build -c release --traits Interchange.")
    }

    static func bytes(of model: ONNXModel) throws -> [UInt8] { throw unavailable }
    static func read(_ path: String) throws -> ONNXModel { throw unavailable }
    static func read(_ bytes: UnsafeRawBufferPointer, name: String, folder: String) throws -> ONNXModel {
      throw unavailable
    }
  #endif
}
