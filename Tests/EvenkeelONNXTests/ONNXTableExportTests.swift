import Evenkeel
import EvenkeelONNX
import EvenkeelTestSupport
import Testing

/// What `evenkeel train` makes of tables where nothing is said.
@Suite(.enabled(if: Python.has("numpy, onnx, onnxruntime"), "Scripts/setup test has not set up .venv"))
struct ONNXTableExportTests {
  @Test func onnxRuntimeGivesWhatLayersOfTablesPredict() throws {
    try withTemporaryFolder { folder in
      var run = ONNXRun(folder)
      for (index, item) in try ONNXCase.tables().enumerated() {
        var options = ONNXOptions()
        options.opset = [17, 18, 21, 23][index % 4]
        options.addsLogits = index % 2 == 0
        try run.add(item, item.model, options)
      }
      let complaints = try run.complaints()
      #expect(complaints.isEmpty, "\(complaints)")
    }
  }

  /// Skewed and repeated numbers, a few and many categories, and missing cells of each.
  private static let rows = (0..<160).map { row in
    let size = row % 7 == 0 ? "" : "\(Double((row * 37 % 50) * (row % 9)) / 4)"
    let color = row % 11 == 0 ? "" : ["rot", "grün", "blau, hell"][row * 5 % 3]
    let city = row % 13 == 0 ? "" : "Ort \(row * 7 % 15)"
    return "\(size),\"\(color)\",\(city),\(row * 29 % 23),\(1_700_000_000 + row * 86_400),"
      + "\(row * 37 % 50 > 24 ? "hoch" : "tief")\n"
  }
  private static let names = "size,color,city,count,time,label\n"
  /// With numbers beyond those of training, and a color and a city that it has not seen.
  private static let others =
    "size,color,city,count,time\n-5,lila,Ort 3,1,1700000000\n1e30,rot,Nirgendwo,500,1\n,,,,1701000000\n"
    + "2,rot,Ort 14,22,1700086400\n"

  @Test(arguments: NumericTransform.allCases)
  func aDefaultModelTakesTheRowsAsTheyAre(numbers: NumericTransform) throws {
    try withTemporaryFolder { folder in
      let (table, others) = (folder + "/table.csv", folder + "/others.csv")
      writeBytes(Array((Self.names + Self.rows.joined()).utf8), to: table)
      writeBytes(Array(Self.others.utf8), to: others)
      var run = ONNXRun(folder)
      for target in ["label", "count"] {
        let model = try ONNXRun.defaultModel(of: table, target: target, numbers: numbers)
        #expect(model.encoding?.embeddedColumns == ["city"])
        try run.addTable(table, model)
        if target == "label" { try run.addTable(others, model) }
        try expectReturn(of: model, table)
      }
      let complaints = try run.complaints()
      #expect(complaints.isEmpty, "\(complaints)")
    }
  }

  @Test func temperatureAndThresholdDecideTheLabel() throws {
    try withTemporaryFolder { folder in
      let table = folder + "/table.csv"
      writeBytes(Array((Self.names + Self.rows.joined()).utf8), to: table)
      var model = try ONNXRun.defaultModel(of: table, target: "label")
      let (data, _) = try Dataset.readForUse(table, by: model, targets: true)
      _ = try model.calibrate(on: data, always: true)
      _ = try model.chooseThreshold(for: .f1, on: data)
      #expect(model.output?.temperature != nil && model.output?.threshold != nil)
      var run = ONNXRun(folder)
      try run.addTable(table, model)
      let complaints = try run.complaints()
      #expect(complaints.isEmpty, "\(complaints)")
      try expectReturn(of: model, table)
    }
  }

  @Test func datesGoInAsSecondsSince1970() throws {
    let days = [
      "1899-12-31", "1900-03-01", "1970-01-01", "1999-12-31", "2000-02-29", "2024-02-29", "2024-03-01", "2100-02-28",
    ]
    let rows = (0..<96).map { row in
      let (date, hours) = (days[row % days.count], row % 5 == 0 ? "" : " \(10 + row % 10):3\(row % 10):15")
      return "\(row % 11 == 0 ? "" : date + hours),\(1990 + row)-0\(row % 9 + 1)-1\(row % 10),\(row * 37 % 50)\n"
    }
    try withTemporaryFolder { folder in
      let table = folder + "/dates.csv"
      writeBytes(Array(("day,other,value\n" + rows.joined()).utf8), to: table)
      let model = try ONNXRun.model(of: table, target: "value")
      #expect(model.encoding?.featureNames.count == 13)
      var run = ONNXRun(folder)
      try run.addTable(table, model)
      let complaints = try run.complaints()
      #expect(complaints.isEmpty, "\(complaints)")
      try expectReturn(of: model, table)
    }
  }

  /// Expects that a model which left as a graph predicts the same from the same table, and leaves as the same bytes again.
  private func expectReturn(of model: Model, _ table: String) throws {
    let bytes = try model.onnxBytes()
    let back = try ONNXImport(bytes, name: "a.onnx", folder: "/nonexistent")
    #expect(back.notes.isEmpty, "\(back.notes)")
    let (rows, _) = try Dataset.readForUse(table, by: back.model, targets: false)
    #expect(try back.model.predict(rows) == model.predict(rows))
    #expect(try back.model.onnxBytes() == bytes)
  }

  @Test(
    .enabled(if: dataFolder != nil, "EVENKEEL_DATA is not set"),
    arguments: [
      ("Chile", "vote"), ("mpg", "hwy"), ("Wages", "lwage"), ("msleep", "sleep_total"), ("biopsy", "class"),
    ])
  func aDefaultModelOfARealTableTakesTheRowsAsTheyAre(name: String, target: String) throws {
    try withTemporaryFolder { folder in
      let table = "\(dataFolder!)/tables/\(name).csv"
      let model = try ONNXRun.defaultModel(of: table, target: target)
      var run = ONNXRun(folder)
      try run.addTable(table, model)
      try expectReturn(of: model, table)
      let others = folder + "/others.csv"
      writeBytes(Array(Self.withOtherCells(try text(of: table), target: target).utf8), to: others)
      try run.addTable(others, model)
      let complaints = try run.complaints()
      #expect(complaints.isEmpty, "\(complaints)")
    }
  }

  /// The first rows of a table with some cells empty, and some texts that training has not seen.
  private static func withOtherCells(_ table: String, target: String) -> String {
    let lines = table.split(whereSeparator: \.isNewline).prefix(60)
    let width = lines[0].split(separator: ",", omittingEmptySubsequences: false).count
    let changed = lines.dropFirst().enumerated().compactMap { row, line -> String? in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      // A text with a comma in it.
      guard cells.count == width else { return nil }
      return cells.enumerated().map { column, cell in
        if (row * 3 + column) % 8 == 0 { return "" }
        return (row + column) % 6 == 0 && cell.hasPrefix("\"") && Double(cell.dropFirst().dropLast()) == nil
          ? "\"never seen\"" : cell
      }.joined(separator: ",")
    }
    return ([String(lines[0])] + changed).joined(separator: "\n") + "\n"
  }
}

extension ONNXRun {
  /// A model as the command trains one of a table where nothing is said, but of two networks and as many epochs.
  static func defaultModel(of path: String, target: String, numbers: NumericTransform = .robust) throws -> Model {
    let splits = try Dataset.read(path, target: target, options: TableOptions(mostOneHot: TableRecipe.mostOneHot))
    let data = splits.training
    let recipe = TableRecipe(rows: data.count, features: data.shape.count)
    let trainer = Trainer(
      loss: data.targetValues != nil ? .meanSquaredError : .softmaxCrossEntropy,
      optimizer: .adamW(learningRate: recipe.learningRate, weightDecay: recipe.weightDecay),
      batchSize: recipe.batchSize, numbers: numbers)
    let network = try recipe.network(for: data, outputs: data.outputCount)
    return try trainer.fitMembers(
      2, of: network, to: data, validation: .share(TableRecipe.validation), epochs: 2
    ).model
  }

  /// Adds what `model` predicts of the rows of a table.
  mutating func addTable(_ path: String, _ model: Model) throws {
    let (rows, _) = try Dataset.readForUse(path, by: model, targets: false)
    let predicted = try model.predict(rows)
    try add(
      path, model, x: .table(file: path, missing: ["", "NA"]),
      y: npy(predicted.shape.dimensions, floats: predicted.values))
  }
}
