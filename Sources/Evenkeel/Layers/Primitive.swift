import Primitives

/// A oneDNN primitive for one number of rows. It works in the program's scratch memory, or in its own if fewer rows
/// need more than the largest number did.
class Primitive {
  let handle: OpaquePointer
  let scratchBytes: Int
  private let name: String
  private let destroy: (OpaquePointer) -> Void
  private var ownScratch: AlignedFloats?

  /// - Parameter name: What errors call it: the layer and its kind.
  /// - Throws: `EvenkeelError` with code `internal` if oneDNN cannot make it.
  init(
    _ name: String, make: (UnsafeMutablePointer<OpaquePointer?>) -> Int32,
    scratchBytes: (OpaquePointer) -> Int, destroy: @escaping (OpaquePointer) -> Void
  ) throws {
    var made: OpaquePointer?
    let status = make(&made)
    guard status == 0, let made else {
      throw EvenkeelError(.internal, "\(name): oneDNN refused it (status \(status)).")
    }
    handle = made
    self.scratchBytes = scratchBytes(made)
    self.name = name
    self.destroy = destroy
  }

  deinit { destroy(handle) }

  /// `start`, or its own memory if `count` floats are too few.
  func memory(at start: UnsafeMutablePointer<Float>, holding count: Int) -> UnsafeMutableRawPointer {
    if scratchBytes <= count * MemoryLayout<Float>.stride { return UnsafeMutableRawPointer(start) }
    let scratch = ownScratch ?? AlignedFloats(bytes: scratchBytes)
    ownScratch = scratch
    return UnsafeMutableRawPointer(scratch.start)
  }

  func check(_ status: Int32) throws {
    guard status == 0 else { throw EvenkeelError(.internal, "\(name): oneDNN failed (status \(status)).") }
  }
}

/// What an operation makes for a number of rows, on first use: a run has two sizes, as the batches of an epoch may
/// differ by one example.
///
/// Not thread-safe; a program is used by one thread at a time.
final class PerRowCount<Made>: @unchecked Sendable {
  private var made: [(rows: Int, value: Made)] = []
  private let make: (Int) throws -> Made

  init(_ make: @escaping (Int) throws -> Made) { self.make = make }

  func callAsFunction(_ rows: Int) throws -> Made {
    if let found = made.first(where: { $0.rows == rows }) { return found.value }
    let value = try make(rows)
    // Ever-changing batch sizes must not fill the memory; the first is the largest.
    if made.count == 4 { made.remove(at: 1) }
    made.append((rows, value))
    return value
  }
}

extension ek_windows {
  /// - Throws: As `Windows.axes(of:kind:)`.
  init(_ windows: Windows, kind: String, groups: Int = 1, site: LayerSite) throws {
    let (height, width) = try windows.axes(of: site.input, kind: kind)
    self.init(
      rows: Int64(site.maximumRows), height: Int64(height.extent), width: Int64(width.extent),
      channels: Int64(site.input.featureCount), out_height: Int64(height.output), out_width: Int64(width.output),
      out_channels: Int64(site.output.featureCount), groups: Int64(groups), kernel_height: Int64(height.kernel),
      kernel_width: Int64(width.kernel), stride_height: Int64(height.stride), stride_width: Int64(width.stride),
      dilation_height: Int64(height.dilation), dilation_width: Int64(width.dilation),
      pad_top: Int64(height.before), pad_left: Int64(width.before), pad_bottom: Int64(height.after),
      pad_right: Int64(width.after))
  }
}
