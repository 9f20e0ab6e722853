/// A place between two steps of a program: the values that are made before it and read after it.
///
/// They are all that the steps after it need from those before; their gradients, once the later steps have run
/// backward, are all that the steps before it need from those after. A pass over more rows than fit into the program at
/// once stops at a cut and later continues from it.
struct Cut {
  /// The first step after it.
  let step: Int
  /// Floats of one row.
  let width: Int
  private let values: [(value: Int, length: Int)]

  /// The cut before step `step` of `program`.
  init(before step: Int, in program: Program) {
    self.step = step
    var isRead = Set([program.outputValue])
    for later in program.steps[step...] { isRead.formUnion([later.input, later.addend ?? later.input]) }
    let isMade = [0] + program.steps[..<step].map(\.output)
    values = isMade.filter(isRead.contains).map { ($0, program.lengths[$0]) }
    width = values.reduce(0) { $0 + $1.length }
  }

  /// Copies the values of `rows` rows to `store`, which has `rows` × `width` floats.
  func save(_ program: Program, rows: Int, to store: UnsafeMutablePointer<Float>) {
    forEach(program, program.valueOffsets, rows, store) { $1.update(from: $0, count: $2) }
  }

  /// Puts the values back where the steps after the cut read them.
  func restore(_ program: Program, rows: Int, from store: UnsafeMutablePointer<Float>) {
    forEach(program, program.valueOffsets, rows, store) { $0.update(from: $1, count: $2) }
  }

  /// The same for the gradients of the values.
  func saveGradients(_ program: Program, rows: Int, to store: UnsafeMutablePointer<Float>) {
    forEach(program, program.gradientOffsets, rows, store) { $1.update(from: $0, count: $2) }
  }

  func restoreGradients(_ program: Program, rows: Int, from store: UnsafeMutablePointer<Float>) {
    forEach(program, program.gradientOffsets, rows, store) { $0.update(from: $1, count: $2) }
  }

  private func forEach(
    _ program: Program, _ offsets: [Int], _ rows: Int, _ store: UnsafeMutablePointer<Float>,
    _ body: (_ place: UnsafeMutablePointer<Float>, _ store: UnsafeMutablePointer<Float>, _ count: Int) -> Void
  ) {
    var store = store
    for (value, length) in values {
      // The gradient of the network's input is never needed.
      if offsets[value] >= 0 { body(program.arena.start + offsets[value], store, rows * length) }
      store += rows * length
    }
  }
}
