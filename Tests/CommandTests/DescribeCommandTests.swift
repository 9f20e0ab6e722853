import EvenkeelTestSupport
import Testing

private let table =
  "id,a,kind,when,note,y\n"
  + (0..<40).map { row in
    "\(row),\(row % 8 == 7 ? "" : "\(row % 8).5"),\(row % 4 == 0 ? "x" : "z"),2024-01-\(10 + row % 10),n\(row),"
      + "\(row % 4 == 0 ? "no" : "yes")\n"
  }.joined()

@Suite(.enabled(if: command != nil, "the command is not built"))
struct DescribeCommandTests {
  @Test func describeSaysWhatColumnsHoldAndBecome() throws {
    try withTemporaryPath(".csv", containing: table) { path in
      let told = try run(["describe", path, "--ignore", "id"])
      #expect(told.code == 0, "\(told.errors)")
      let lines = told.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
      #expect(lines[0] == "\(path): 40 rows, 32 to train on, 8 to test on")
      #expect(lines[1].hasPrefix("y: a classification, 2 classes (yes ") && lines[1].contains(" %, no "))
      #expect(lines[2] == "3 columns become 10 features: 1 of numbers (a), 1 of categories (kind 2), 1 of dates (when)")
      #expect(
        lines[3...] == [
          "column kind missing holds becomes", "id number 0 to 39, mean 19.5 nothing: ignored",
          "a number 12.5 % 0.5 to 6.5, mean 3.5 2 features", "kind category 2: z 30, x 10 2 features",
          "when date 2024-01-10 to 2024-01-19 6 features",
          "note category 40: n0 1, n1 1, n10 1, … nothing: differs in nearly every row",
          "y category 2: yes 30, no 10 the target, 2 classes",
        ])
      let json = try run(["describe", path, "--json", "--column", "a=category"])
      #expect(json.output.split(separator: "\n").count == 7)
      #expect(
        json.output.contains(#"{"column":"a","kind":"category","missing":0.125,"categories":7,"becomes":"7 features"}"#)
      )
    }
  }

  @Test func trainOpensWithWhatItUnderstoodAndEndsBesideGuessing() throws {
    try withTemporaryPath(".csv", containing: table) { path in
      let options = ["--epochs", "1", "--hidden", "4"]
      let told = try run(["train", path] + options)
      let opening = told.errors.split(separator: "\n").filter { !$0.hasPrefix("evenkeel: warning") }
      #expect(opening.first == "\(path): 40 rows, 32 to train on, 8 to test on", "\(told.errors)")
      #expect(told.output.contains(" % (always \"yes\": ") && told.output.contains(" %) on 8 examples"))
      let quiet = try run(["train", path, "--quiet"] + options)
      #expect(!quiet.errors.contains("to train on") && quiet.output.contains("(always \"yes\": "))
      let number = try run(["train", path, "--target", "a", "--json"] + options)
      #expect(number.output.contains("\"guessRMSE\":") && number.code == 0, "\(number)")
      let text = try run(["train", path, "--target", "a"] + options)
      #expect(text.output.contains(" (the mean: ") && text.output.contains("), R² "), "\(text.output)")
    }
  }

  @Test(arguments: [
    (["--column", "a"], "--column is \"a\"; expected NAME=KIND"),
    (["--column", "a=text"], "--column a is \"text\"; expected number, category, date, date:dmy"),
    (["--column", "a=number", "--column", "a=date"], "--column names \"a\" twice"),
    (
      ["--loss", "squared", "--task", "classification"], "--loss squared is for a regression, --task is classification"
    ),
    (["--decimal", ";"], "decimal"), (["--header", "maybe"], "header"), (["--task", "sorting"], "task"),
    (["--column", "q=number"], "no column \"q\" to give a kind"),
  ])
  func anOptionThatDoesNotFitTheTableIsAUsageError(options: [String], sentence: String) throws {
    try withTemporaryPath(".csv", containing: table) { path in
      let refused = try run(["train", path] + options)
      #expect(refused.code == 64 && refused.errors.contains(sentence), "\(refused)")
    }
  }

  @Test func moreEpochsUnderAScheduleThatSpansThemAreNamed() throws {
    try withTemporaryFolder { folder in
      let options = ["--hidden", "4", "--quiet", "--output", folder + "/m.safetensors"]
      for (schedule, isNamed) in [("cosine", true), ("one-cycle", true), ("constant", false)] {
        let first = ["train", "digits", "--schedule", schedule, "--batch-size", "5000"] + options
        #expect(try run(first + ["--epochs", "1"]).code == 0)
        let resumed = try run(first + ["--epochs", "2", "--resume", folder + "/m.checkpoint.safetensors"])
        #expect(resumed.errors.contains("the schedule spans 2 epochs now and 1 when the") == isNamed, "\(resumed)")
      }
    }
  }

  @Test func aLossDecidesTheTask() throws {
    let scores = "a,y\n" + (0..<60).map { "\($0),\($0 % 3)\n" }.joined()
    try withTemporaryPath(".csv", containing: scores) { path in
      let options = ["--epochs", "1", "--hidden", "4", "--quiet"]
      for (choice, score) in [([], "accuracy"), (["--loss", "huber"], "RMSE"), (["--task", "regression"], "RMSE")] {
        let result = try run(["train", path] + choice + options)
        #expect(result.output.contains(score), "\(choice): \(result)")
      }
    }
  }
}
