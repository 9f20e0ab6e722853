#if Server
  import Evenkeel
  import EvenkeelReference
  import EvenkeelTestSupport
  import Foundation
  import Testing

  /// A server process that listens at a socket in the file system, and what it says.
  private struct ServerProcess {
    let process: pid_t
    let socket, output, errors: String

    func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
  }

  private func writeModel(_ path: String, seed: UInt64 = 1) throws {
    var model = try Model(
      Network(input: [4]) {
        Dense(8)
        BatchNorm()
        ReLU()
        Dense(2)
      }, seed: seed)
    model.output = OutputDescription(loss: .softmaxCrossEntropy, classLabels: ["no", "yes"])
    try model.write(to: path)
  }

  private func withServer(
    _ options: [String] = [], _ body: (ServerProcess, _ model: String, _ folder: String) throws -> Void
  ) throws {
    try withTemporaryFolder { folder in
      let model = folder + "/first.safetensors"
      try writeModel(model)
      let place = (socket: folder + "/socket", output: folder + "/out", errors: folder + "/err")
      let process = try start(
        ["serve", model, "--unix", place.socket] + options, output: place.output, errors: place.errors)
      let server = ServerProcess(process: process, socket: place.socket, output: place.output, errors: place.errors)
      var isOver = false
      defer { if !isOver { kill(process, SIGKILL); _ = end(process) } }
      try #require(wait(for: process) { server.text(server.output).contains("\n") }, "\(server.text(server.errors))")
      #expect(server.text(server.output) == "Serving first at \(server.socket)\n")
      try body(server, model, folder)
      kill(process, SIGTERM)
      #expect(end(process) == 0, "\(server.text(server.errors))")
      isOver = true
    }
  }

  private func curl(_ server: ServerProcess, _ words: [String]) throws -> (status: Int, body: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
    process.arguments = ["-sS", "--max-time", "60", "--unix-socket", server.socket, "-w", "\n%{http_code}"] + words
    let pipe = Pipe()
    (process.standardOutput, process.standardInput) = (pipe, FileHandle.nullDevice)
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
  }

  private let hasCurl = FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")

  @Suite(.enabled(if: command != nil && hasCurl, "the command is not built, or there is no curl"))
  struct ServeCommandTests {
    @Test func curlGetsAnswersOnEveryPath() throws {
      try withServer { server, _, folder in
        let infer = "{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,4],\"data\":[1,2,3,4]}]}"
        for path in [
          "v2", "v2/", "v2/health/live", "v2/health/ready", "v2/models/first", "v2/models/first/ready",
          "v2/models/first/config", "v2/models/first/stats", "metrics",
        ] {
          #expect(try curl(server, ["http://a/\(path)"]).status == 200, "\(path)")
          #expect(try curl(server, ["-I", "http://a/\(path)"]).status == 200, "\(path)")
        }
        let answer = try curl(server, ["-d", infer, "http://a/v2/models/f%69rst/infer"])
        #expect(answer.status == 200 && answer.body.contains("\"model_name\":\"first\""), "\(answer)")
        #expect(
          try curl(server, ["--compressed", "-d", "[[1,2,3,4]]", "http://a/predict"]).body.contains("\"prediction\":"))
        #expect(try curl(server, ["-X", "PUT", "http://a/predict"]).status == 405)
        #expect(try curl(server, ["http://a/nothing"]).status == 404)
        // More than 1 MiB, for which curl asks before it sends.
        let row = "[" + Array(repeating: "0.123456789", count: 4).joined(separator: ",") + "]"
        let many = "[" + Array(repeating: row, count: 40_000).joined(separator: ",") + "]"
        try many.write(toFile: folder + "/many.json", atomically: true, encoding: .utf8)
        let all = try curl(server, ["--data-binary", "@\(folder)/many.json", "http://a/predict"])
        #expect(all.status == 200 && all.body.split(separator: "\n").count == 40_002)
      }
    }

    @Test func limitsAndTokensAreKept() throws {
      try withTemporaryPath(".token", containing: "  geheim\n") { token in
        try withServer(["--token-file", token, "--max-body", "1"]) { server, _, folder in
          #expect(try curl(server, ["http://a/v2"]).status == 401)
          #expect(try curl(server, ["http://a/v2/health/ready"]).status == 200)
          #expect(try curl(server, ["-H", "Authorization: Bearer geheim", "http://a/v2"]).status == 200)
          try String(repeating: "0,", count: 1 << 20).write(toFile: folder + "/big", atomically: true, encoding: .utf8)
          let refused = try curl(
            server, ["-H", "Authorization: Bearer geheim", "--data-binary", "@\(folder)/big", "http://a/predict"])
          #expect(refused.status == 413 && refused.body.contains("--max-body"), "\(refused)")
        }
      }
    }

    /// Clients that keep their connections, and count what was answered and what was not.
    private func load(_ server: ServerProcess, while body: () throws -> Void) throws -> (
      answers: Int, failures: Int, versions: Set<String>
    ) {
      try withTemporaryPath(".stop") { stop in
        let script = """
          import http.client, json, os, socket, sys, threading
          path, stop = sys.argv[1:]
          body = json.dumps({"inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]})
          answers, failures, versions = [0] * 8, [], set()
          class Connection(http.client.HTTPConnection):
            def connect(self):
              self.sock = socket.socket(socket.AF_UNIX)
              self.sock.connect(path)
          def run(k):
            connection, isNew = None, True
            while not os.path.exists(stop):
              try:
                if connection is None:
                  connection, isNew = Connection("a", timeout=60), True
                  try: connection.connect()
                  except (ConnectionRefusedError, FileNotFoundError): return
                connection.request("POST", "/v2/models/first/infer", body)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200: failures.append(text)
                else:
                  answers[k] += 1
                  versions.add(json.loads(text)["model_version"])
                if answer.getheader("Connection") == "close": connection = None
                isNew = False
              except Exception as error:
                # The socket's queue ends with the server: what was never accepted was never asked.
                if not (isNew and isinstance(error, (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected))): failures.append(repr(error))
                connection = None
          threads = [threading.Thread(target=run, args=(k,)) for k in range(8)]
          [t.start() for t in threads]
          [t.join() for t in threads]
          print(json.dumps({"answers": sum(answers), "failures": len(failures), "text": str(failures[:3]), "versions": sorted(versions)}))
          """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, server.socket, stop]
        let pipe = Pipe()
        (process.standardOutput, process.standardInput) = (pipe, FileHandle.nullDevice)
        try process.run()
        try body()
        writeBytes([], to: stop)
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        struct Counts: Decodable {
          let answers, failures: Int
          let text: String
          let versions: [String]
        }
        let counts = try JSONDecoder().decode(Counts.self, from: data)
        #expect(counts.failures == 0, "\(counts.text)")
        return (counts.answers, counts.failures, Set(counts.versions))
      }
    }

    private func answered(_ server: ServerProcess) throws -> Int {
      let text = try curl(server, ["http://a/metrics"]).body
      let line = text.split(separator: "\n").first { $0.hasPrefix("evenkeel_request_success_total{") }
      return line.flatMap { Int($0.split(separator: " ").last!) } ?? 0
    }

    @Test func noAnswerIsLostWhenAModelIsReadAgainUnderLoad() throws {
      try withServer { server, model, _ in
        let counts = try load(server) {
          _ = try wait(for: server.process) { try answered(server) > 50 }
          try writeModel(model, seed: 2)
          kill(server.process, SIGHUP)
          _ = wait(for: server.process) { server.text(server.errors).contains("is version 2 now") }
          writeBytes(Array("nothing".utf8), to: model)
          kill(server.process, SIGHUP)
          _ = wait(for: server.process) { server.text(server.errors).contains("Version 2 goes on") }
          _ = try wait(for: server.process) { try answered(server) > 50 }
        }
        #expect(counts.answers > 100 && counts.versions == ["1", "2"])
      }
    }

    @Test func noAnswerIsLostWhenTheServerEndsUnderLoad() throws {
      try withServer { server, _, _ in
        let counts = try load(server) {
          _ = try wait(for: server.process) { try answered(server) > 100 }
          kill(server.process, SIGTERM)
          // It is gone when it has answered all.
          _ = wait(for: server.process) { false }
        }
        #expect(counts.answers > 100)
      }
    }

    @Test func whatCannotBeServedIsAnErrorOfOneSentence() throws {
      try withTemporaryFolder { folder in
        let model = folder + "/a.safetensors"
        try writeModel(model)
        writeBytes([], to: folder + "/empty")
        for (words, code, sentence) in [
          ([folder + "/none"], 66, "No such file"), ([folder + "/empty"], 65, "empty"),
          ([model, model], 64, "Two models are called \"a\""),
          ([model, "--port", "70000"], 64, "--port is 70000; expected 0 to 65535"),
          ([model, "--workers", "0"], 64, "--workers is 0"),
          ([model, "--token-file", folder + "/empty"], 65, "expected one token, got 0 words"),
          ([model, "--unix", folder + "/no/socket"], 64, "cannot listen there"),
          ([model, "--unix", folder + "/empty"], 64, "cannot listen there (another file is there)"),
          ([model, "--unix", folder + String(repeating: "/long", count: 30)], 64, "(the path is too long)"),
          ([model, "--unix", ""], 64, "--unix is empty"),
          ([model, "--host", "256.0.0.1"], 64, "cannot listen there (there is no such address)"),
        ] as [([String], Int32, String)] {
          let result = try run(["serve"] + words)
          #expect(
            result.code == code && result.errors.contains(sentence) && result.errors.split(separator: "\n").count == 1,
            "\(words) \(result)")
        }
      }
    }
  }

  @Suite(
    .enabled(
      if: command != nil && Python.has("tritonclient.http"), "the command is not built, or .venv has no tritonclient"))
  struct ServeClientTests {
    @Test func tritonclientGetsTheAnswersOfPredict() throws {
      try withTemporaryFolder { folder in
        let model = folder + "/first.safetensors"
        try writeModel(model)
        let place = (output: folder + "/out", errors: folder + "/err")
        let process = try start(["serve", model, "--port", "0"], output: place.output, errors: place.errors)
        defer {
          kill(process, SIGTERM)
          #expect(end(process) == 0)
        }
        func said() -> String { (try? String(contentsOfFile: place.output, encoding: .utf8)) ?? "" }
        try #require(wait(for: process) { said().contains("\n") })
        let address = said().split(whereSeparator: \.isWhitespace).last!
        var numbers = Numbers(3)
        let rows = (0..<40).map { _ in numbers.many(4) }
        let expected = try rows.map { try Model(contentsOf: model).predict($0) }
        try JSONEncoder().encode([rows, expected]).write(to: URL(fileURLWithPath: folder + "/rows.json"))
        let result = try Python.runScript("serve_client.py", String(address), folder + "/rows.json")
        #expect(result.code == 0, "\(result.output)")
      }
    }
  }
#endif
