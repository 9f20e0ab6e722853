/// What is to be said about a table that was read: one sentence of a kind, however often it happened.
struct TableWarnings {
  /// What may be said, in the order in which it is.
  enum Kind: CaseIterable {
    case latin1, noTarget, rowNumbers, names, textAmongNumbers, targetOfClasses, rareClasses, nothingToTest,
      textInNumbers
    case unknownText, constant, noWeights

    /// The sentence without its examples.
    fileprivate func sentence(_ count: Int) -> String {
      func of(_ noun: String, _ one: String, _ many: String) -> String {
        count == 1 ? "1 \(noun) \(one)" : "\(count) \(noun)s \(many)"
      }
      return switch self {
      case .latin1: "it is not UTF-8 and is read as Latin-1 (Windows-1252)"
      case .noTarget: of("row", "has no target and is left out", "have no target and are left out")
      case .rowNumbers: "the first column has no name and numbers the rows, so it is left out"
      case .names:
        of(
          "column", "of text is left out because it differs in nearly every row",
          "of text are left out because they differ in nearly every row")
      case .textAmongNumbers:
        of(
          "column", "has texts among its numbers and is read as categories",
          "have texts among their numbers and are read as categories")
      case .targetOfClasses: "the target is read as classes because not all of it is numbers"
      case .rareClasses: "most classes of the target have one row, so they can hardly be learned"
      case .nothingToTest: "no row is left to test on"
      case .textInNumbers:
        of("text", "in a column of numbers is taken as missing", "in columns of numbers are taken as missing")
      case .unknownText: of("text", "does not occur in the training data", "do not occur in the training data")
      case .constant: of("column", "is constant in the training rows", "are constant in the training rows")
      case .noWeights: "every row counts the same because there is no column of weights"
      }
    }
  }

  let file: String
  private var found: [Kind: (count: Int, examples: [String])] = [:]
  /// What was noted once, with the example that it gave.
  private var once: [Kind: [String: String]] = [:]

  init(_ file: String) { self.file = file }

  init(of table: Table) {
    file = table.file
    if table.isLatin1 { add(.latin1) }
  }

  /// Notes that it happened once more; the first two examples are shown.
  mutating func add(_ kind: Kind, _ example: @autoclosure () -> String? = nil) {
    var (count, examples) = found[kind] ?? (0, [])
    if examples.count < 2, let example = example() { examples.append(example) }
    count += 1
    found[kind] = (count, examples)
  }

  /// Notes it, unless it was noted for the same `key` before.
  mutating func add(_ kind: Kind, once key: String, _ example: @autoclosure () -> String) {
    guard once[kind]?[key] == nil else { return }
    let example = example()
    once[kind, default: [:]][key] = example
    add(kind, example)
  }

  /// Notes what was found in the rows that follow.
  mutating func add(_ later: TableWarnings) {
    for (kind, (count, examples)) in later.found {
      let known = once[kind] ?? [:]
      let again = later.once[kind]?.filter { known[$0.key] != nil } ?? [:]
      guard count > again.count else { continue }
      for example in examples where !again.values.contains(example) { add(kind, example) }
      found[kind, default: (0, [])].count += count - again.count - examples.count { !again.values.contains($0) }
      once[kind, default: [:]].merge(later.once[kind] ?? [:]) { first, _ in first }
    }
  }

  /// All of it, for other ranks.
  func write(to bytes: inout RankBytes) {
    for kind in Kind.allCases {
      bytes.write(found[kind]?.count ?? 0)
      bytes.write(found[kind]?.examples ?? [])
      let once = (once[kind] ?? [:]).sorted { $0.key < $1.key }
      bytes.write(once.map(\.key))
      bytes.write(once.map(\.value))
    }
  }

  /// What a rank has written about the same table.
  init(_ file: String, reading bytes: inout RankBytes) {
    self.file = file
    for kind in Kind.allCases {
      let (count, examples) = (bytes.read(Int.self), bytes.read([String].self))
      if count > 0 { found[kind] = (count, examples) }
      let keys = bytes.read([String].self)
      let values = bytes.read([String].self)
      if !keys.isEmpty { once[kind] = Dictionary(uniqueKeysWithValues: zip(keys, values)) }
    }
  }

  /// A sentence for each kind that was found.
  var sentences: [String] {
    Kind.allCases.compactMap { kind in
      guard let (count, examples) = found[kind] else { return nil }
      let shown =
        examples.isEmpty ? "" : (count > examples.count ? ", e.g. " : ": ") + examples.joined(separator: ", ")
      return "\(file): \(kind.sentence(count))\(shown)."
    }
  }
}
