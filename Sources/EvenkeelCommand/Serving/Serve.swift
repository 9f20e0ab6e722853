import ArgumentParser
import Evenkeel
import EvenkeelServer

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Answers requests for predictions over HTTP.",
    discussion:
      "The Open Inference Protocol, version 2 (/v2/models/NAME/infer), POST /predict for rows as JSON or CSV and for images, GET /metrics for Prometheus. SIGTERM finishes what has come and ends; SIGHUP reads the models again, as does a change of their files."
  )
  @Argument(help: "Model files. name=FILE gives one another name than its file's.") var models: [String]
  @Flag(
    help:
      "Serves a page at / on which to draw, or fill in, an example and see what each layer of a model makes of it."
  )
  var page = false
  @OptionGroup var listening: ListeningOptions
  @OptionGroup var batching: BatchingOptions

  func run() throws {
    #if Server
      let sources = try models.map { try Self.source($0) }
      let service = try InferenceService(sources, options: batching.options)
      let token = try listening.token()
      try service.load()
      let further = page ? PageHandler(service) : nil
      let handler = RequestGate(
        ServiceHandler(service, options: batching.options, further: further), token: token,
        greatestBody: listening.limits.body)
      try listening.serve(handler, service)
    #else
      throw EvenkeelError(
        .usage, "This build has no server; build it with: swift build -c release --traits Server.")
    #endif
  }

  /// `name=FILE`, or a file, whose name without its last extension is the model's.
  private static func source(_ argument: String) throws -> InferenceService.Source {
    if let sign = argument.firstIndex(of: "="), !argument[..<sign].contains("/") {
      return try InferenceService.Source(
        name: String(argument[..<sign]), path: String(argument[argument.index(after: sign)...]))
    }
    let file = argument.split(separator: "/").last ?? ""
    let name = file.lastIndex(of: ".").map { file[..<$0] } ?? file
    return try InferenceService.Source(name: String(name.isEmpty ? file : name), path: argument)
  }
}
