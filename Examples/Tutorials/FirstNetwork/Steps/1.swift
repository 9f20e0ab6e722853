import Evenkeel

let digits = try Dataset.digits(training: 4_000, validation: 500, test: 1_000)
print("\(digits.training.count) digits of shape \(digits.training.shape)")
