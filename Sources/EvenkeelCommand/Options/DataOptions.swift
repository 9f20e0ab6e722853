import ArgumentParser
import Evenkeel

/// What is trained, validated and tested on, beside DATA itself.
struct DataOptions: ParsableArguments {
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
  @Option(help: "A share of the training data, e.g. 0.1, or separate DATA; evaluated after every epoch.")
  var validation = "0"
  @Option(
    help: "Separate DATA to test on at the end; by default the test part of DATA, or a fifth of it if it has none.")
  var test: String?
  @Option(
    help:
      "Random changes to training images, in order: crop, flip, rotate, cutout; with values crop:4,rotate:10,cutout:8 (pixels, degrees, pixels)."
  )
  var augment: String?

  @OptionGroup var database: DatabaseOptions
  @OptionGroup var photos: ImageSizeOptions
  @OptionGroup var broken: BrokenImageOption

  /// - Throws: `EvenkeelError`: of an option out of range, or of `Dataset.read`.
  func read(_ data: String, loss: LossOptions.Name?, seed: UInt64) throws -> DatasetSplits {
    let (options, ignored) = try tableOptions(loss: loss)
    let splits = try Dataset.read(
      data, rows: database.rows(), target: target, weight: weight, ignoring: ignored, options: options,
      images: ImageOptions(size: photos.imageSize, resizing: photos.resize, skipsBroken: broken.skipBroken),
      validation: try heldOut(), test: test.map { .data($0) } ?? .share(0.2), seed: seed)
    warn(splits.warnings)
    return splits
  }

  /// The columns of a CSV file; nil for other data.
  /// - Throws: As `read`.
  func columns(of data: String, seed: UInt64) throws -> [ColumnDescription]? {
    let (options, ignored) = try tableOptions(loss: nil)
    return try Dataset.describe(
      data, rows: database.rows(), target: target, weight: weight, ignoring: ignored, options: options,
      validation: try heldOut(), test: test.map { .data($0) } ?? .share(0.2), seed: seed)
  }

  private func tableOptions(loss: LossOptions.Name?) throws -> (options: TableOptions, ignored: [String]) {
    let (kinds, ignored) = try columnKinds()
    let options = TableOptions(
      columns: kinds, task: try task(of: loss), decimal: decimal, hasHeader: header.map { $0 == .yes },
      missing: missing?.listed ?? [])
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

  /// The task that `--task` says, or that only the loss can be for.
  private func task(of loss: LossOptions.Name?) throws -> TableOptions.Task? {
    guard let implied = loss?.task else { return task }
    guard task ?? implied == implied else {
      throw EvenkeelError(.usage, "--loss \(loss!) is for a \(implied), --task is \(task!).")
    }
    return implied
  }

  private func heldOut() throws -> HeldOut {
    guard let share = Double(validation) else { return .data(validation) }
    guard (0..<1).contains(share) else {
      throw EvenkeelError(
        .usage, "--validation is \(validation); expected a share of at least 0 and less than 1, or DATA.")
    }
    return .share(share)
  }

  func augmentation() throws -> [Augmentation] { try augment.map { try Augmentation.list($0) } ?? [] }

  /// Makes sure that the rows count as in the run that `checkpoint` continues.
  /// - Throws: `EvenkeelError` with code `usage`.
  func requireWeight(of checkpoint: Checkpoint) throws {
    guard let encoding = checkpoint.model.encoding, encoding.weightName != weight else { return }
    throw EvenkeelError(
      .usage,
      encoding.weightName.map { "The checkpoint's run used --weight \($0); use it here too." }
        ?? "The checkpoint's run had no --weight; omit it.")
  }
}

enum HeaderOption: String, ExpressibleByArgument, CaseIterable { case yes, no }

extension TableOptions.Task: ExpressibleByArgument {}
extension DecimalMark: ExpressibleByArgument {}

extension String {
  /// The parts between commas.
  var listed: [String] { split(separator: ",").map(String.init) }
}
