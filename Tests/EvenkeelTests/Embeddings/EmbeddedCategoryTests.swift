import Evenkeel
import EvenkeelReference
import EvenkeelTestSupport
import FoundationEssentials
import Testing

private let cities = (0..<12).map { "city\($0)" }

private func table(_ rows: Int) -> String {
  "city,size,y\n"
    + (0..<rows).map { row in
      "\(row % 13 == 12 ? "" : cities[row % 13]),\(row % 7),\(row % 3 == 0 ? "a" : "b")\n"
    }.joined()
}

@Test func aColumnOfManyCategoriesBecomesTheirNumbers() throws {
  let data = try splits(ofTable: table(60), target: "y", options: TableOptions(mostOneHot: 9)).training
  let encoding = try #require(data.encoding)
  #expect(encoding.featureNames == ["city", "size"])
  // In the order of the texts: city0, city1, city10, city11, city2, …
  let first = rows(data).prefix(13).map { $0[0] }
  #expect(first == [2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 4, 5, 1])
  // Few enough of them are a feature each.
  let plain = try splits(ofTable: table(60), target: "y", options: TableOptions(mostOneHot: 12)).training
  #expect(plain.shape == [13])
}

@Test func whatIsMissingAndWhatTrainingDidNotSeeHaveEntriesOfTheirOwn() throws {
  let training = try splits(ofTable: table(60), target: "y", options: TableOptions(mostOneHot: 9)).training
  let stored = try JSONEncoder().encode(training.encoding!)
  let encoding = try JSONDecoder().decode(TableEncoding.self, from: stored)
  let (data, warnings) = try used("city,size\ncity1,1\n,2\nelsewhere,3\nNA,4\n", by: encoding)
  #expect(rows(data).map { $0[0] } == [3, 1, 0, 1])
  #expect(warnings.count == 1 && warnings[0].contains("\"elsewhere\" (column city, line 4)"), "\(warnings)")
}

@Test func thousandsOfCategoriesTrain() throws {
  // Each city has a class of its own, which only its vector can know.
  let text = "city,y\n" + (0..<20_000).map { "c\($0 % 10_000),\($0 % 10_000 % 2 == 0 ? "a" : "b")\n" }.joined()
  let data = try splits(ofTable: text, target: "y", options: TableOptions(mostOneHot: 9)).training
  #expect(data.shape == [1])
  var model = try Model(
    Network(input: [1]) {
      Embedding(counts: [10_002], width: 4)
      Dense(16)
      ReLU()
      Dense(2)
    }, seed: 1)
  let trainer = Trainer(loss: .softmaxCrossEntropy, optimizer: .adam(learningRate: 0.05), batchSize: 1000)
  try trainer.fit(&model, to: data, epochs: 6)
  #expect(try model.evaluate(data).accuracy ?? 0 > 0.95)
}
