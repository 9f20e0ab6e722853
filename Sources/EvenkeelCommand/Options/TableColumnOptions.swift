import ArgumentParser
import Evenkeel

/// What the columns of a table are, where it is not found out.
struct TableColumnOptions: ParsableArguments {
  @Option(help: "The column to predict: a name in CSV, a number from 0 in NPY; the last one by default.")
  var target: String?
  @Option(
    help: "The column of a CSV file that says how much each row counts (0 or more); it is then not used as an input.")
  var weight: String?
  @Option(help: "Columns of a CSV file that are not used, by name, separated by commas: id,date.")
  var ignore: String?
  @Option(
    help: ArgumentHelp(
      "What a column of a CSV file holds, where it is taken for something else: number (texts are missing), category, date (date:dmy, date:mdy and date:ymd say in which order) or ignore. Repeatable.",
      valueName: "name=kind"))
  var column: [String] = []
  @Option(help: "Whether the target is a class or a number, where whole numbers leave it open.")
  var task: TableOptions.Task?
  @Option(help: "The decimal mark of a CSV file, a point or a comma, where its numbers leave it open.")
  var decimal: DecimalMark?
  @Option(help: "Texts that stand for a missing cell beside ?, NA and their like, separated by commas: --missing=-999.")
  var missing: String?
  @Option(help: "Whether the first line of a CSV file names the columns; by default, if not all of it is numbers.")
  var header: HeaderOption?

  /// The options, and the names of columns that are left out.
  /// - Parameter mostOneHot: As in `TableOptions`.
  /// - Throws: `EvenkeelError` with code `usage`.
  func options(
    loss: LossOptions.Name?, mostOneHot: Int? = TableRecipe.mostOneHot
  ) throws -> (options: TableOptions, ignored: [String]) {
    let (kinds, ignored) = try columnKinds()
    let options = TableOptions(
      columns: kinds, task: try task(of: loss), decimal: decimal, hasHeader: header.map { $0 == .yes },
      missing: missing?.listed ?? [], mostOneHot: mostOneHot)
    return (options, ignored)
  }

  /// The kinds of `--column`, and the columns that it or `--ignore` leaves out.
  private func columnKinds() throws -> (kinds: [String: TableOptions.ColumnKind], ignored: [String]) {
    var kinds: [String: TableOptions.ColumnKind] = [:]
    var ignored = ignore?.listed ?? []
    for text in column {
      let kind = text.split(separator: "=", omittingEmptySubsequences: false).last!
      let name = String(text.dropLast(kind.count + 1))
      let order = kind.hasPrefix("date:") ? DateOrder(rawValue: String(kind.dropFirst(5))) : nil
      guard text.contains("=") else {
        throw EvenkeelError(.usage, "--column is \"\(text)\"; expected NAME=KIND, as in zip=category.")
      }
      guard kinds[name] == nil else { throw EvenkeelError(.usage, "--column names \"\(name)\" twice.") }
      switch kind {
      case "number": kinds[name] = .number
      case "category": kinds[name] = .category
      case "date": kinds[name] = .date(nil)
      case "ignore": ignored.append(name)
      default:
        guard let order else {
          throw EvenkeelError(
            .usage,
            "--column \(name) is \"\(kind)\"; expected number, category, date, date:dmy, date:mdy, date:ymd or ignore."
          )
        }
        kinds[name] = .date(order)
      }
    }
    return (kinds, ignored)
  }

  /// The options that were given, as words of a command.
  var words: [String] {
    [
      ("--target", target), ("--weight", weight), ("--ignore", ignore), ("--task", task?.rawValue),
      ("--decimal", decimal?.rawValue), ("--missing", missing), ("--header", header?.rawValue),
    ].flatMap { name, value in value.map { optionWords(name, $0) } ?? [] }
      + column.flatMap { optionWords("--column", $0) }
  }

  /// The task that `--task` says, or that only the loss can be for.
  private func task(of loss: LossOptions.Name?) throws -> TableOptions.Task? {
    guard let implied = loss?.task else { return task }
    guard task ?? implied == implied else {
      throw EvenkeelError(.usage, "--loss \(loss!) is for a \(implied), --task is \(task!).")
    }
    return implied
  }
}

enum HeaderOption: String, ExpressibleByArgument, CaseIterable { case yes, no }

extension TableOptions.Task: ExpressibleByArgument {}
extension DecimalMark: ExpressibleByArgument {}

/// An option with its value, which may begin as an option does.
func optionWords(_ name: String, _ value: String) -> [String] {
  value.hasPrefix("-") ? ["\(name)=\(value)"] : [name, value]
}

extension String {
  /// The parts between commas.
  var listed: [String] { split(separator: ",").map(String.init) }
}
