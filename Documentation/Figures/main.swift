// Draws the pictures of the documentation: figures FOLDER. Each is written twice, in colors for light and for dark pages.
import Evenkeel
import EvenkeelLab
import Foundation

guard CommandLine.arguments.count == 2 else {
  FileHandle.standardError.write(Data("usage: DocumentationFigures FOLDER\n".utf8))
  exit(64)
}
let folder = URL(fileURLWithPath: CommandLine.arguments[1])
let course = try TrainingCourse.compare()
let figures: [String: Figure] = [
  "batch-norm-values": try values(), "batch-norm-epsilon": epsilon(), "batch-norm-average": average(),
  "batch-norm-training": course.accuracies, "batch-norm-inputs": course.inputs,
]
for (name, figure) in figures {
  let themes: [(Figure.Colors, String)] = [(.light, ""), (.dark, "~dark")]
  for (colors, suffix) in themes {
    try figure.svg(colors).write(
      to: folder.appendingPathComponent("\(name)\(suffix).svg"), atomically: true, encoding: .utf8)
  }
}
