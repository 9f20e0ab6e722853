import Evenkeel
import EvenkeelTestSupport
import Testing

@Test func aGuessIsTheMostFrequentClassOfTheTraining() throws {
  let training = try Dataset([1, 2, 3], shape: [1], targets: .classes([0, 1, 1], labels: ["no", "yes"]))
  let part = try Dataset([1, 2, 3, 4], shape: [1], targets: .classes([0, 0, 0, 1], labels: ["no", "yes"]))
  let guess = try #require(Guess(from: training, on: part))
  #expect(guess.label == "yes" && guess.accuracy == 0.25 && guess.rootMeanSquaredError == nil)
  // By weight, the first class is the most frequent.
  let weighted = try training.with(weights: [5, 1, 1])
  #expect(try Guess(from: weighted, on: part.with(weights: [1, 1, 0, 2]))?.accuracy == 0.5)
}

@Test func aGuessIsTheMeanOfTheTrainingTargets() throws {
  let training = try Dataset([1, 2], shape: [1], targets: .values([1, 10, 3, 20], names: ["a", "b"]))
  let part = try Dataset([1, 2], shape: [1], targets: .values([2, 15, 4, 18], names: ["a", "b"]))
  let guess = try #require(Guess(from: training, on: part))
  // The means are 2 and 15: errors of 0, 0, 2 and 3.
  #expect(guess.label == nil && guess.rootMeanSquaredError == (13.0 / 4).squareRoot())
}

@Test func thereIsNoGuessWithoutTargets() throws {
  let bare = try Dataset([1, 2], shape: [1])
  #expect(Guess(from: bare, on: bare) == nil)
}
