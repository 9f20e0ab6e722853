import Evenkeel
import Testing

@Test func drawnDigitsFollowFromTheSeedAlone() throws {
  let few = try Dataset.digits(training: 30, test: 0, seed: 3).training
  let many = try Dataset.digits(training: 300, test: 10, seed: 3).training
  let other = try Dataset.digits(training: 30, test: 0, seed: 4).training
  for index in 0..<30 { #expect(few[index] == many[index]) }
  #expect(few[0] != other[0])
}
