import Glibc

/// What is set apart from the training examples.
public enum HeldOut: Hashable, Sendable {
  /// A share of them, drawn by the seed.
  case share(Double)
  /// Data of its own, named as for `Dataset.read`.
  case data(String)

  var data: String? { if case .data(let name) = self { name } else { nil } }
  var share: Double { if case .share(let share) = self { share } else { 0 } }
}

extension Dataset {
  /// Reads DATA as the command names it: `digits`, a CSV, NPY or NPZ file, an SQLite database, a table that was encoded, or a folder of
  /// IDX files, of CIFAR-10's batches or of images; `-` is a file on standard input.
  ///
  ///
  /// ```swift
  /// let clinic = try Dataset.read("clinic.sqlite", rows: .query("select age, town, answer from people"), target: "answer")
  /// ```
  /// - Parameters:
  ///   - path: DATA.
  ///   - rows: Those of an SQLite database, be it DATA or a separate part; nil: of its only table.
  ///   - target: The column of a table to predict, by name, of an NPY file by number from 0; the last one by default.
  ///   - weight: The column of a CSV file that says what each example counts. In an NPZ file the arrays `weights`
  ///     (`weights_train`, …) and `lengths` do that.
  ///   - ignored: The names of columns of a CSV file that are left out.
  ///   - options: What is known of a table; for an NPY file, only the task matters.
  ///   - images: The size of the images of a folder, and what becomes of damaged ones.
  ///   - validation: What is set apart to be evaluated after every epoch.
  ///   - test: What is set apart for the end. A share matters to data without a test part of its own: tables, images without
  ///     parts, an NPZ file that has none.
  ///   - fold: Takes its rows of what would be trained on as the test part; `validation` is then a share of the others, and of a table
  ///     only the rest says what its columns become.
  ///   - seed: The same seed gives the same parts.
  /// - Throws: `EvenkeelError` that names the path if there is nothing, or nothing that can be read.
  public static func read(
    _ path: String, rows: DatabaseRows? = nil, target: String? = nil, weight: String? = nil,
    ignoring ignored: [String] = [],
    options: TableOptions = TableOptions(), images: ImageOptions = ImageOptions(), validation: HeldOut = .share(0),
    test: HeldOut = .share(0.2), fold: Fold? = nil, seed: UInt64 = 0
  ) throws -> DatasetSplits {
    try readWithColumns(
      path, rows: rows, target: target, weight: weight, ignoring: ignored, options: options, images: images,
      validation: validation, test: test, fold: fold, seed: seed
    ) { _ in nil }.splits
  }

  /// The same of a table that was read already.
  package static func read(
    _ table: FileBytes, rows: DatabaseRows?, target: String?, weight: String?, ignoring ignored: [String],
    options: TableOptions, images: ImageOptions, validation: HeldOut, test: HeldOut, seed: UInt64
  ) throws -> DatasetSplits {
    // They are for separate parts only.
    if validation.data == nil, test.data == nil { try DatabaseRows.requireNone(rows, for: table.name) }
    return try readWithColumns(
      table.name, content: table, rows: rows, target: target, weight: weight, ignoring: ignored, options: options,
      images: images, validation: validation, test: test, seed: seed
    ) { _ in nil }.splits
  }

  /// The same, with what `describe` says of the columns of a table.
  static func readWithColumns(
    _ path: String, content: FileBytes? = nil, rows: DatabaseRows?, target: String?, weight: String?,
    ignoring ignored: [String],
    options: TableOptions, images: ImageOptions, validation: HeldOut, test: HeldOut, fold: Fold? = nil, seed: UInt64,
    describe: (TableOfColumns) throws -> [ColumnDescription]?
  ) throws -> (splits: DatasetSplits, columns: [ColumnDescription]?) {
    var splits: DatasetSplits
    // What is no table of named columns is read whole and then parted.
    let (drawn, tested) = fold == nil ? (validation.share, test.share) : (0, 0)
    var columns: [ColumnDescription]?
    let isFolder = try content == nil && path != "digits" && path != "-" && Folder.isFolder(path)
    let isFolderOfImages = try isFolder && Folder(path).content() == .imageFolders
    guard isFolderOfImages || images == ImageOptions() else {
      throw EvenkeelError.usage(
        "\(path): a size of images, resizing and leaving out damaged ones are for folders of images.")
    }
    func requireNoNamedColumns() throws {
      try DatabaseRows.requireNone(rows, for: path)
      guard weight == nil else {
        throw EvenkeelError.usage(
          "\(path): a column of weights is for CSV files; an NPZ file holds weights in an array named weights.")
      }
      guard ignored.isEmpty else {
        throw EvenkeelError.usage("\(path): it has no columns with names to ignore; only a CSV file has.")
      }
      if let what = options.namedColumnsOnly {
        throw EvenkeelError.usage("\(path): \(what) can be given for a CSV file only.")
      }
    }
    if content == nil, path == "digits" {
      try requireNoNamedColumns()
      let held = Int(10_000 * drawn)
      splits = try digits(training: 10_000 - held, validation: held, seed: seed)
    } else if isFolder {
      try requireNoNamedColumns()
      splits = try folder(
        at: path, images: images, validation: drawn, test: tested, seed: seed)
    } else {
      let bytes = try content ?? FileBytes.ofData(path, rows: rows)
      let memory = MemoryRoom.current().bytes
      (splits, columns) = try bytes.reading {
        try ForeignFormat.requireNone(bytes)
        if let encoded = try EncodedTable(bytes) {
          guard fold == nil else {
            throw EvenkeelError.usage(
              "\(path): its columns were fitted by encode, and each fold fits them to its own rows; give the table itself."
            )
          }
          let isAsEncoded =
            target == nil && weight == nil && ignored.isEmpty && options.namedColumnsOnly == nil
            && validation.share == 0
          guard isAsEncoded else {
            throw EvenkeelError.usage(
              "\(path): its target, columns and parts were chosen by encode; omit the options that choose them.")
          }
          try encoded.requireSourceUnchanged()
          var splits = try encoded.splits()
          splits.training.blocks = splits.training.examples.blocks(memory: memory)
          return (splits, try describe(.encoded(encoded)))
        }
        if let numpy = try NumpyFile(bytes) {
          try requireNoNamedColumns()
          var splits = try numpy.splits(
            target: target, task: options.task, validation: drawn, test: tested, seed: seed)
          splits.training.blocks = splits.training.examples.blocks(memory: memory)
          return (splits, nil)
        }
        var fitted = try FittedTable(
          bytes, target: target, weight: weight, ignoring: ignored, options: options, validation: validation.share,
          test: test.share, fold: fold, seed: seed, room: memory / 2)
        let splits = try fitted.splits(memory: memory, hasTest: test.share > 0, seed: seed)
        return (splits, try describe(.fitted(fitted)))
      }
    }
    if let task = options.task { try splits.training.targets.require(task, in: path) }
    if let fold, splits.training.encoding?.hasNamedColumns != true {
      let whole = splits.training
      let rows = try RowSplit(
        fold, of: whole.count, targets: whole.targets, validation: validation.share, seed: seed)
      splits.training = whole.subset(rows.training)
      splits.validation = whole.subset(rows.validation)
      splits.test = whole.subset(rows.test)
    }
    let training = splits.training
    if training.encoding != nil {
      var rows = RowsFingerprint()
      for part in [training, splits.validation, splits.test] { rows.add(part) }
      splits.table = TrainingTable(rows: rows, trained: training.count)
    }
    func separate(_ other: String, _ warnings: inout [String]) throws -> Dataset {
      try readForUse(
        other, rows: DatabaseRows.of(other, rows), encoding: training.encoding, images: training.images,
        length: training.shape.count, targets: true, skippingBroken: images.skipsBroken, &warnings)
    }
    if case .data(let other) = validation { splits.validation = try separate(other, &splits.warnings) }
    if case .data(let other) = test { splits.test = try separate(other, &splits.warnings) }
    return (splits, columns)
  }

  /// Whether DATA is a file, which may be a table and can be read again: not drawn, no folder, not standard input.
  /// - Throws: `EvenkeelError` with code `noInput` if there is nothing at `path`.
  package static func isFile(_ path: String) throws -> Bool {
    try path != "digits" && path != "-" && !Folder.isFolder(path)
  }

  private static func folder(
    at path: String, images options: ImageOptions, validation: Double, test: Double, seed: UInt64
  ) throws -> DatasetSplits {
    switch try Folder(path).content() {
    case .idx: return try idx(at: path, validation: validation, seed: seed)
    case .cifar10: return try cifar10(at: path, validation: validation, seed: seed)
    case .imageFolders:
      return try images(at: path, options: options, validation: validation, test: test, seed: seed)
    case .images:
      throw EvenkeelError.data("\(path): expected a folder of images for each class; these have no classes.")
    }
  }

  /// As the public function of this name, by what a model holds of its inputs.
  static func readForUse(
    _ path: String, rows: DatabaseRows?, encoding: TableEncoding?, images: ImageInput?, length: Int, targets: Bool,
    weights: Bool = true, training: Bool = false, skippingBroken: Bool = false, _ warnings: inout [String]
  ) throws -> Dataset {
    if encoding?.hasNamedColumns != true, path != "-" {
      if path == "digits" || (try? Folder.isFolder(path)) == true { try DatabaseRows.requireNone(rows, for: path) }
      if path == "digits" {
        let digits = try read(path)
        return training ? digits.training : digits.test
      }
      if try Folder.isFolder(path) {
        switch try Folder(path).content() {
        case .idx:
          let images = try idx(at: path)
          return training ? images.training : images.test
        case .cifar10: return training ? try cifar10(at: path).training : try cifar10Test(at: path)
        case .imageFolders, .images:
          return try imagesForUse(
            at: path, input: images, length: length, targets: targets, training: training,
            skippingBroken: skippingBroken, warnings: &warnings)
        }
      }
    }
    let bytes = try FileBytes.ofData(path, rows: rows)
    return try readForUse(
      bytes, from: path, encoding: encoding, images: images, length: length, targets: targets, weights: weights,
      training: training, skippingBroken: skippingBroken, &warnings)
  }

  /// The same, of a file that was opened.
  static func readForUse(
    _ bytes: FileBytes, from path: String, encoding: TableEncoding?, images: ImageInput?, length: Int, targets: Bool,
    weights: Bool, training: Bool, skippingBroken: Bool, _ warnings: inout [String]
  ) throws -> Dataset {
    return try bytes.reading {
      try ForeignFormat.requireNone(bytes)
      if let encoded = try EncodedTable(bytes) {
        return try encoded.examples(encoding: encoding, targets: targets, training: training)
      }
      if let numpy = try NumpyFile(bytes) {
        warnings += numpy.warnings
        return try numpy.examples(encoding: encoding, targets: targets, weights: weights, training: training)
      }
      if let encoding, encoding.hasNamedColumns {
        return try csv(bytes, encoding: encoding, targets: targets, weights: weights, warnings: &warnings)
      }
      if encoding == nil, path != "-" {
        return try imagesForUse(
          at: path, input: images, length: length, targets: targets, skippingBroken: skippingBroken,
          warnings: &warnings)
      }
      throw EvenkeelError.data(
        "\(bytes.name): the model was trained on arrays of numbers, not on a table of named columns; expected an NPY or NPZ file, a folder of IDX files or digits."
      )
    }
  }

  /// The number of outputs that a network for these targets has.
  public var outputCount: Int {
    switch targets {
    case .none: 0
    case .classes(_, let labels): labels.count
    case .values(_, let names): names.count
    }
  }
}
