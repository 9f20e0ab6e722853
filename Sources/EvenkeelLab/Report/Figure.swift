/// A picture of numbers, as a value: what is shown and how it is to be read. `svg()` draws it, `Report` places it.
///
/// Values that are not finite (a diverged trial) are allowed everywhere: they become gaps, and the picture says so.
package struct Figure: Codable, Hashable, Sendable {
  /// What is shown, in a few words: "Steps to 95 % accuracy".
  package var title: String
  /// What a reader should see in it, and what bands, dots and lines mean; below the picture.
  package var caption: String
  /// The picture in words, for those who cannot see it; `nil` composes it from title, axes and values.
  package var alternative: String?
  /// The horizontal axis.
  package var x: Axis
  /// The vertical axis. Of `.intervals` it names the categories.
  package var y: Axis
  /// The marks.
  package var plot: Plot
  /// Thin dotted lines with a label: a target, a threshold.
  package var references: [Reference]

  package init(
    _ title: String, caption: String, alternative: String? = nil, x: Axis, y: Axis, plot: Plot,
    references: [Reference] = []
  ) {
    (self.title, self.caption, self.alternative) = (title, caption, alternative)
    (self.x, self.y, self.plot, self.references) = (x, y, plot, references)
  }

  /// The kinds of picture.
  package enum Plot: Codable, Hashable, Sendable {
    /// Lines with bands over one pair of axes.
    case curves([Curve])
    /// One panel for each curve, with the same axes: `low`, `median`, `high` are the 15th, 50th and 85th percentile, drawn
    /// as three lines with a ribbon between them (figure 1b, c of Ioffe and Szegedy 2015).
    case ribbons([Curve])
    /// Cells colored by value, one panel for each surface, side by side with one color bar, `value`. Cells at or above
    /// `threshold` are outlined together.
    case heatMaps([Surface], value: Axis, threshold: Double? = nil)
    /// Lines of equal value, one panel for each surface; `value` names what is constant along them. A unit is as long on
    /// the vertical axis as on the horizontal one, so a round bowl looks round.
    case contours([Surface], value: Axis)
    /// Dots with their interval along the horizontal axis, grouped by category.
    case intervals([Interval])
    /// Dots over one pair of axes.
    case dots(Dots)
  }

  /// A line across the picture at one value of an axis.
  package struct Reference: Codable, Hashable, Sendable {
    package enum Direction: String, Codable, Sendable {
      /// A vertical line at a value of x.
      case x
      /// A horizontal line at a value of y.
      case y
    }
    package var direction: Direction
    package var value: Double
    /// May be empty.
    package var label: String

    /// A horizontal line.
    package static func y(_ value: Double, _ label: String) -> Self { Self(direction: .y, value: value, label: label) }
    /// A vertical line.
    package static func x(_ value: Double, _ label: String) -> Self { Self(direction: .x, value: value, label: label) }
  }
}

/// A quantity along an edge of a figure, or a color bar.
package struct Axis: Codable, Hashable, Sendable {
  package enum Scale: String, Codable, Sendable {
    case linear
    /// Equal factors are equally long; values at or below 0 are left out.
    case logarithmic
  }

  /// The quantity: "Learning rate", "Training steps".
  package var title: String
  /// Its unit, printed after the title: "s", "%". `%` multiplies nothing: give 95 for 95 %.
  package var unit: String?
  package var scale: Scale
  /// What the axis spans; `nil` fits it to the values.
  package var range: ClosedRange<Double>?
  /// Of a heat map: what stands at the cells, whose places then are 0, 1, 2, …; `nil` for numbers.
  package var categories: [String]?

  package init(
    _ title: String, unit: String? = nil, scale: Scale = .linear, range: ClosedRange<Double>? = nil,
    categories: [String]? = nil
  ) {
    (self.title, self.unit, self.scale, self.range) = (title, unit, scale, range)
    self.categories = categories
  }
}

/// The side that a mark belongs to. Only it decides color and line style, so that a side looks the same in all figures.
package enum Side: Codable, Hashable, Sendable {
  /// With batch normalization, or whatever the claim is for.
  case with
  /// Without.
  case without
  /// Other parties (layer norm, group norm, …), counted from 0; up to 5 look different.
  case other(Int)
}
