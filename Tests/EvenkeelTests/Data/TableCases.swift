import Evenkeel
import EvenkeelTestSupport

/// The parts of a table with this text.
func splits(
  ofTable text: String, target: String? = nil, ignoring: [String] = [], options: TableOptions = TableOptions(),
  test: Double = 0
) throws -> DatasetSplits {
  try Dataset.csv(
    FileBytes(Array(text.utf8), name: "t"), target: target, ignoring: ignoring, options: options, test: test, seed: 3)
}

/// The data of a table with this text, read as a model does that was trained with `encoding`.
func used(
  _ text: String, by encoding: TableEncoding, targets: Bool = false
) throws -> (data: Dataset, warnings: [String]) {
  var warnings: [String] = []
  let data = try Dataset.csv(
    FileBytes(Array(text.utf8), name: "t"), encoding: encoding, targets: targets, warnings: &warnings)
  return (data, warnings)
}

func rows(_ data: Dataset) -> [[Float]] { (0..<data.count).map { data[$0] } }

func values(_ data: Dataset) -> [Double] {
  if case .values(let values, _) = data.targets { values } else { [] }
}

func classes(_ data: Dataset) -> [Int32] {
  if case .classes(let classes, _) = data.targets { classes } else { [] }
}
