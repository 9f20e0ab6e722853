import Kernels
import Primitives
import Synchronization

/// What oneDNN makes for a number of rows. The members of a team may run it at once, each under its own number.
final class Primitive: @unchecked Sendable {
  let handle: OpaquePointer
  /// Floats that a call needs.
  let workspaceCount: Int
  private let name: String
  private let destroy: (OpaquePointer) -> Void
  /// For each member, where it needs more than the largest number of rows did.
  fileprivate var ownWorkspace: AlignedFloats?

  /// - Parameter name: What errors call it: the layer and its kind.
  /// - Throws: `EvenkeelError` with code `internal` if oneDNN cannot make it.
  init(
    _ name: String, make: (UnsafeMutablePointer<OpaquePointer?>) -> Int32,
    workspaceBytes: (OpaquePointer) -> Int, destroy: @escaping (OpaquePointer) -> Void
  ) throws {
    var made: OpaquePointer?
    let status = make(&made)
    guard status == 0, let made else {
      throw EvenkeelError(.internal, "\(name): oneDNN refused it (status \(status)).")
    }
    handle = made
    workspaceCount = (workspaceBytes(made) + 63) / 64 * 16
    self.name = name
    self.destroy = destroy
  }

  deinit { destroy(handle) }

  /// The workspace of a member: `start`, or its own.
  func workspace(_ start: UnsafeMutablePointer<Float>, member: Int) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(ownWorkspace.map { $0.start + member * workspaceCount } ?? start)
  }

  func check(_ status: Int32) throws {
    guard status == 0 else { throw EvenkeelError(.internal, "\(name): oneDNN failed (status \(status)).") }
  }
}

/// The primitives of an operation, each made for a number of rows on first use: the slices of a run have two sizes, which
/// differ by one example.
///
/// The first is that of the largest number. It decides the order of the weights; the others are made like it.
final class PrimitivesByRows: Sendable {
  let first: Primitive
  private let members: Int
  private let make: @Sendable (Int, Primitive?) throws -> Primitive
  private let made: Mutex<[(rows: Int, value: Primitive)]>

  /// - Parameters:
  ///   - members: The largest number of threads that run one at once.
  ///   - make: Makes one for a number of rows, like another if that is given.
  init(
    largest: Int, members: Int, make: @escaping @Sendable (_ rows: Int, _ like: Primitive?) throws -> Primitive
  ) throws {
    first = try make(largest, nil)
    self.members = members
    self.make = make
    made = Mutex([(largest, first)])
  }

  /// Floats that a call needs.
  var workspaceCount: Int { first.workspaceCount }

  /// - Throws: `EvenkeelError` with code `internal` if oneDNN cannot make it.
  func callAsFunction(_ rows: Int) throws -> Primitive {
    try made.withLock { made in
      if let found = made.first(where: { $0.rows == rows }) { return found.value }
      let value = try make(rows, first)
      if value.workspaceCount > first.workspaceCount {
        value.ownWorkspace = AlignedFloats(count: members * value.workspaceCount)
      }
      // Ever-changing batch sizes must not fill the memory.
      if made.count == 8 { made.remove(at: 1) }
      made.append((rows, value))
      return value
    }
  }
}

extension ek_windows {
  /// Of `rows` examples.
  /// - Throws: As `Windows.axes(of:kind:)`.
  init(_ windows: Windows, kind: String, groups: Int = 1, rows: Int, site: LayerSite) throws {
    let (height, width) = try windows.axes(of: site.input, kind: kind)
    self.init(
      rows: Int64(rows), height: Int64(height.extent), width: Int64(width.extent),
      channels: Int64(site.input.featureCount), out_height: Int64(height.output), out_width: Int64(width.output),
      out_channels: Int64(site.output.featureCount), groups: Int64(groups), kernel_height: Int64(height.kernel),
      kernel_width: Int64(width.kernel), stride_height: Int64(height.stride), stride_width: Int64(width.stride),
      dilation_height: Int64(height.dilation), dilation_width: Int64(width.dilation),
      pad_top: Int64(height.before), pad_left: Int64(width.before), pad_bottom: Int64(height.after),
      pad_right: Int64(width.after))
  }
}

extension BackwardPass {
  /// Leaves the sums of the output's gradient over pixels, of each of `outputs` channels, at the start of the slice's scratch.
  func leaveBiasGradient(outputs: Int) {
    ek_column_sums(outputGradient, rows * outputLength / outputs, outputs, outputs, sliceScratch)
  }

  /// Brings the rows of other ranks of the output's gradient, and of what else `reads` has.
  func gatherRows(_ reads: BackwardReads) throws {
    guard let exchange = forward.exchange else { return }
    if reads.contains(.input) { try exchange.gather(input, floatsOfRow: inputLength) }
    if reads.contains(.output) { try exchange.gather(output, floatsOfRow: outputLength) }
    try exchange.gather(outputGradient, floatsOfRow: outputLength)
  }

  /// Adds the first `count` floats of all slices' scratch over ranks, into those of the first slice.
  func sumSlices(count: Int) throws {
    try forward.exchange?.sum(sliceScratch, count: count, stride: forward.sliceScratchStride)
  }

  /// Adds `count` floats at `offset` of all slices' scratch, in the order of a balanced tree: neighbors, then neighbors of
  /// these. The first slice's have the sum.
  func mergeSlices(at offset: Int, count: Int) -> UnsafeMutablePointer<Float> {
    let slices = forward.sliceCount
    var distance = 1
    while distance < slices {
      for slice in stride(from: 0, to: slices - distance, by: 2 * distance) {
        let sum = forward.sliceScratch(of: slice) + offset
        ek_add(sum, forward.sliceScratch(of: slice + distance) + offset, count, sum, 1)
      }
      distance *= 2
    }
    return forward.sliceScratch(of: 0) + offset
  }
}
