import Kernels
import Primitives

/// What the products of dense and convolution layers are computed in. Everything else is in float32 either way:
/// parameters, in memory and in files, sums, batch norm and its statistics, losses and updates.
///
/// PyTorch calls bfloat16 `torch.autocast("cpu", torch.bfloat16)`, Keras `mixed_bfloat16`.
public enum Precision: String, Hashable, Codable, CaseIterable, Sendable {
  /// 24 bits of significand: the products as everything else.
  case float32
  /// Operands are rounded to 8 bits of significand, their products summed in float32: up to twice as fast where the processor
  /// multiplies bfloat16 itself.
  case bfloat16

  /// Whether this processor supports it. bfloat16 needs AVX512-BF16 or AMX; emulated, it would be slower than float32.
  public var isAvailable: Bool { self == .float32 || ek_has_bfloat16() != 0 }

  /// Checks that this processor supports it.
  /// - Throws: `EvenkeelError` with code `usage` if it is not available.
  public func validate() throws {
    guard isAvailable else {
      throw EvenkeelError.usage(
        "The precision bfloat16 needs a processor with AVX512-BF16 or AMX, and this one has neither; expected float32.")
    }
  }
}

extension Precision {
  /// `values` as they are multiplied: unchanged, or rounded into `memory`.
  func operand(
    _ values: UnsafePointer<Float>, _ count: Int, rounded memory: UnsafeMutablePointer<Float>
  ) -> UnsafeRawPointer {
    switch self {
    case .float32: UnsafeRawPointer(values)
    case .bfloat16: UnsafeRawPointer(BFloat16.round(values, count, to: memory))
    }
  }
}

/// 16-bit numbers, the upper half of a float, in memory that is counted in floats.
enum BFloat16 {
  /// The number of floats that `count` numbers take, a multiple of 16.
  static func floats(holding count: Int) -> Int { (count + 31) / 32 * 16 }

  static func numbers(at memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt16> {
    UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UInt16.self)
  }

  /// Rounds `count` values into `memory`.
  static func round(
    _ values: UnsafePointer<Float>, _ count: Int, to memory: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<UInt16> {
    ek_to_bfloat16(values, count, numbers(at: memory))
    return numbers(at: memory)
  }
}
