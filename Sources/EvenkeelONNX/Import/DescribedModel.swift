import Evenkeel
internal import FoundationEssentials

/// A model of Evenkeel that comes back as it was: from what its file says beside the graph, where the graph is what is written for that.
struct DescribedModel {
  let model: Model
  /// For the features of an example and its positions, the axis of the graph's input.
  let inputAxes: [Int]

  /// nil for a file of another program.
  /// - Throws: `EvenkeelError` that says why the description is not what the graph does.
  init?(_ file: ONNXModel) throws {
    guard let text = file.metadata(ModelExport.modelKey), let how = file.metadata(ModelExport.optionsKey) else {
      return nil
    }
    guard let options = try? JSONDecoder().decode(ONNXOptions.self, from: Data(how.utf8)) else {
      throw EvenkeelError.data("what it says under \"\(ModelExport.optionsKey)\" is damaged.")
    }
    model = try Model(text: text, elsewhere: file.graph.floats)
    var export = try ModelExport(model, options)
    try export.run()
    let graph = export.graph.graph
    guard options.opset == file.opset, graph.inputs == file.graph.inputs, graph.nodes == file.graph.nodes,
      graph.constants == file.graph.constants, graph.outputs.map(\.name) == file.graph.outputs.map(\.name)
    else { throw EvenkeelError.data("its nodes are not what is written for the model that it describes.") }
    inputAxes = export.inputAxes
  }
}
