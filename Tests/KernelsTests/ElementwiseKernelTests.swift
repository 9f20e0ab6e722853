import Evenkeel
import EvenkeelReference
import Glibc
import Kernels
import Testing

/// Lengths around the sixteen lanes of a vector, and one that a team shares.
private let counts = Array(1...33) + [100, 1023, 1 << 16 + 5]

@Test(arguments: kernelActivations.indices)
func activationsAgreeWithTheirFormulaeOverTheWholeRange(index: Int) {
  let (activation, layer) = kernelActivations[index]
  let function = ReferenceFunction(layer)!
  var x: [Float] = (-2000...2000).map { Float($0) / 100 }
  for size: Float in [0, .leastNonzeroMagnitude, 1e-38, 1e-30, 1e-8, 1e-4, 25, 50, 87, 88, 89, 104, 1e3, 1e10, 3e38] {
    x += [size, -size]
  }
  var y = [Float](repeating: 0, count: x.count)
  ek_activation_forward(x, x.count, activation, 0.1, &y)
  expect(y, near: x.map { function.apply(Bounded($0)) }, "\(layer)")
  var dx = y
  ek_activation_backward(x, y, [Float](repeating: 1, count: x.count), x.count, activation, 0.1, &dx)
  // cosh overflows to infinity and the derivative to 0, as it should.
  expect(dx, near: x.map { function.slope(Bounded($0)) }, "the derivative of \(layer)")
}

@Test(arguments: kernelActivations.indices)
func activationsReachEveryElementOnceInAnyTeam(index: Int) {
  let (activation, layer) = kernelActivations[index]
  let function = ReferenceFunction(layer)!
  var numbers = Numbers(index)
  for count in counts {
    let (x, dy) = (numbers.many(count).map { 4 * $0 }, numbers.many(count))
    // A guard after the end shows a loop that writes too far.
    var y = [Float](repeating: 7, count: count + 16)
    ek_activation_forward(x, count, activation, 0.1, &y)
    expect(Array(y[..<count]), near: x.map { function.apply(Bounded($0)) }, "\(layer) of \(count)")
    var dx = [Float](repeating: 7, count: count + 16)
    ek_activation_backward(x, y, dy, count, activation, 0.1, &dx)
    expect(
      Array(dx[..<count]), near: zip(x, dy).map { function.slope(Bounded($0)) * Bounded($1) },
      "the derivative of \(layer) of \(count)")
    #expect(y[count...].allSatisfy { $0 == 7 } && dx[count...].allSatisfy { $0 == 7 })
    var inPlace = x
    ek_activation_forward(inPlace, count, activation, 0.1, &inPlace)
    #expect(inPlace == Array(y[..<count]))
  }
}

@Test func biasesSumsAndColumnSumsAgreeWithPlainLoops() {
  for rows in [1, 2, 3, 7, 9, 60, 1024] {
    for features in [1, 3, 7, 8, 16, 17, 100] {
      var numbers = Numbers(rows * 1000 + features)
      let (x, other, bias) = (numbers.many(rows * features), numbers.many(rows * features), numbers.many(features))
      var y = x
      ek_add_bias(&y, rows, features, bias)
      #expect(y == x.indices.map { x[$0] + bias[$0 % features] })
      ek_add(x, other, x.count, &y, 2)
      #expect(y == zip(x, other).map { $0 + $1 })
      var sums = [Float](repeating: 7, count: features + 16)
      ek_column_sums(x, rows, features, features, &sums)
      let expected = (0..<features).map { feature in
        Bounded.sum(rows, roundings: min(8, rows)) { Bounded(x[$0 * features + feature]) }
      }
      expect(Array(sums[..<features]), near: expected, "column sums of \(rows)×\(features)")
      #expect(sums[features...].allSatisfy { $0 == 7 })
    }
  }
}

@Test func theNormOfTheGradientCountsEveryValue() {
  for count in counts + [0] {
    var numbers = Numbers(count)
    let x = numbers.many(count)
    let expected = x.reduce(0) { $0 + Double($1) * Double($1) }
    // Sums of doubles in another order.
    #expect(abs(ek_sum_of_squares(x, count, 2) - expected) <= Double(count) * 0x1p-52 * expected)
  }
  #expect(ek_sum_of_squares([1e30, -1e30], 2, 1).squareRoot() > 1.414e30)
}

@Test func theFirstValueThatIsNotFiniteIsFound() {
  for count in counts {
    var x = [Float](repeating: .greatestFiniteMagnitude, count: count)
    #expect(ek_first_non_finite(x, count, 2) == -1)
    for position in Set([0, count / 3, count - 1]).sorted(by: >) {
      for value in [Float.infinity, -.infinity, .nan] {
        x[position] = value
        #expect(ek_first_non_finite(x, count, 2) == position)
      }
    }
  }
}

@Test func dropoutKeepsItsShareAndScalesWhatItKeeps() {
  let count = 1_000_000
  let x = [Float](repeating: 3, count: count)
  for rate in [0, 0.1, 0.5, 0.9] {
    var y = x
    ek_dropout(x, 0, count, rate, 0x1234_5678_9ABC_DEF0, &y)
    let kept = 3 * Float(1 / (1 - rate))
    #expect(y.allSatisfy { $0 == 0 || abs($0 - kept) <= 0x1p-23 * kept })
    // Five deviations of a binomial count, for the whole and for pairs of neighbors, which must not depend on another.
    func expectShare(_ found: Int, of total: Int, _ share: Double) {
      #expect(abs(Double(found) - Double(total) * share) <= 5 * (Double(total) * share * (1 - share)).squareRoot())
    }
    expectShare(y.count { $0 == 0 }, of: count, rate)
    expectShare((0..<count / 2).count { y[2 * $0] == 0 && y[2 * $0 + 1] == 0 }, of: count / 2, rate * rate)
    var other = x
    ek_dropout(x, 0, count, rate, 0x1234_5678_9ABC_DEF1, &other)
    expectShare((0..<count).count { y[$0] == 0 && other[$0] == 0 }, of: count, rate * rate)
    var again = x
    ek_dropout(again, 0, count, rate, 0x1234_5678_9ABC_DEF0, &again)
    #expect(again == y)
  }
}

@Test func probabilitiesAgreeWithTheReferenceAndDoNotOverflow() {
  for classes in [1, 2, 3, 7, 16, 17, 100] {
    for size: Float in [1, 50, 1e4, 1e30] {
      var numbers = Numbers(classes)
      let logits = numbers.many(3 * classes).map { size * $0 }
      var p = logits
      ek_softmax(logits, 3, classes, &p)
      for row in 0..<3 {
        let z = logits[row * classes..<(row + 1) * classes].map { Double($0) }
        let top = z.max()!
        let sum = z.reduce(0) { $0 + exp($1 - top) }
        // The difference from the largest is rounded before the exponential, which multiplies its absolute error.
        let expected = z.map {
          Bounded(exp($0 - top) / sum, error: (16 + min(top - $0, 104)) * Bounded.u * exp($0 - top) / sum)
        }
        expect(
          Array(p[row * classes..<(row + 1) * classes]), near: expected, "\(classes) classes, logits up to \(size)")
      }
    }
  }
}
