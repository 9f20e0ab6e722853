/// How a table is read where its text leaves a choice; what is nil is found out.
public struct TableOptions: Hashable, Sendable {
  /// What a column holds.
  public enum ColumnKind: Hashable, Sendable {
    /// Numbers; other texts are missing cells.
    case number
    /// Texts, each of which is a category, numbers too.
    case category
    /// Dates, in this order if it is given.
    case date(DateOrder?)
  }

  /// What is predicted.
  public enum Task: String, CaseIterable, Sendable {
    /// A class: the probability of each is learned.
    case classification
    /// A number.
    case regression
  }

  /// The kinds of columns by name.
  public var columns: [String: ColumnKind]
  /// Whether the target is a class or a number.
  public var task: Task?
  /// What parts the whole of a number from its fraction.
  public var decimal: DecimalMark?
  /// Whether the first line names the columns.
  public var hasHeader: Bool?
  /// Texts that stand for a missing cell, beside those that always do.
  public var missing: [String]

  /// The most categories of a column that become a feature each; a column of more becomes one feature, the number of its category,
  /// for an `Embedding`. nil: each becomes a feature whatever their number.
  public var mostOneHot: Int?

  /// Options of which all are left open that are not given.
  public init(
    columns: [String: ColumnKind] = [:], task: Task? = nil, decimal: DecimalMark? = nil, hasHeader: Bool? = nil,
    missing: [String] = [], mostOneHot: Int? = nil
  ) {
    (self.columns, self.task, self.decimal, self.hasHeader) = (columns, task, decimal, hasHeader)
    (self.missing, self.mostOneHot) = (missing, mostOneHot)
  }

  /// What only a file of named columns can follow.
  var namedColumnsOnly: String? {
    if !columns.isEmpty { return "kinds of columns" }
    if decimal != nil { return "a decimal mark" }
    if hasHeader != nil { return "a header" }
    return missing.isEmpty ? nil : "texts of missing cells"
  }
}

extension Targets {
  /// - Throws: `EvenkeelError` with code `usage` if these targets are for another task.
  func require(_ task: TableOptions.Task, in name: String) throws {
    switch (self, task) {
    case (.classes, .regression):
      throw EvenkeelError.usage("\(name): its targets are classes, so it is no regression.")
    case (.values, .classification):
      throw EvenkeelError.usage("\(name): its targets are values, so it is no classification.")
    default: break
    }
  }
}
