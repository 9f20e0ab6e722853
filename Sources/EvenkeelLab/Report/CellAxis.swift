import Evenkeel

/// An edge of a heat map: cells of equal length, whatever the distance of their places.
struct CellAxis {
  let places: [Double]
  let scale: Axis.Scale
  let start, end: Double

  /// The length of a cell, negative where the axis points up.
  var pitch: Double { (end - start) / Double(places.count) }

  /// Where cell `index` begins.
  func edge(_ index: Int) -> Double { start + Double(index) * pitch }

  /// Labels at the middle of the cells where there is room for all of them; else round numbers between.
  /// - Parameter room: How many labels fit.
  func ticks(room: Int) -> [(at: Double, label: String)] {
    let isShort = places.allSatisfy { abs($0) == 0 || abs(rounded($0) - $0) < 1e-6 * abs($0) }
    if places.count <= room, isShort || places.count < 3 {
      return places.indices.map { (start + (Double($0) + 0.5) * pitch, label(places[$0])) }
    }
    guard let first = places.first, let last = places.last, first < last else { return [] }
    let ticks = Ticks(first...last, scale: scale, count: room)
    return zip(ticks.values, ticks.labels).compactMap { value, label in position(value).map { ($0, label) } }
  }

  /// Where a value between two places lies between their cells' middles.
  private func position(_ value: Double) -> Double? {
    let next = places.firstIndex { $0 >= value * (1 - 1e-9) } ?? places.count - 1
    guard next > 0 else { return start + 0.5 * pitch }
    guard let share = scale.share(of: value, in: places[next - 1]...places[next]) else { return nil }
    return start + (Double(next) - 0.5 + share) * pitch
  }

  private func label(_ value: Double) -> String {
    let isPlain = places.allSatisfy { $0 == 0 || (abs($0) >= 0.00999 && abs($0) <= 10_000) }
    return isPlain
      ? NumberText.page.short(value, digits: 2) : NumberText.page.scientific(value, digits: 2)
  }

  private func rounded(_ value: Double) -> Double {
    if abs(value) >= 1, abs(value) < 10_000, value == value.rounded() { return value }
    let step = Ticks.powerOfTen(NumberText.exponent(of: value) - 1)
    return (value / step).rounded() * step
  }
}
