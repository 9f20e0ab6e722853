import Glibc

/// Colors for values from 0 (dark indigo) to 1 (pale yellow): lightness rises evenly, so that they keep their order for people
/// who are color-blind, and in print without colors.
package enum ColorRamp {
  /// The color as `#rrggbb`.
  package static func color(_ share: Double) -> String {
    let t = min(max(share, 0), 1)
    // Lightness, chroma and hue of OKLCH (Ottosson 2020, "A perceptual color space for image processing").
    let lightness = 0.30 + 0.63 * t
    let hue = (285 - 180 * t) * Double.pi / 180
    var chroma = 0.125
    var linear = components(lightness, chroma, hue)
    // Screens have no teal as strong as their blue: paler, where a color would be cut off.
    while linear.contains(where: { $0 < 0 || $0 > 1 }) {
      chroma -= 0.001
      linear = components(lightness, chroma, hue)
    }
    return "#" + linear.map(hex).joined()
  }

  /// Whether dark text is read better on the color than light text.
  static func isLight(_ share: Double) -> Bool { share > 0.45 }

  /// Linear red, green and blue; outside of 0 … 1 for what sRGB does not have.
  private static func components(_ lightness: Double, _ chroma: Double, _ hue: Double) -> [Double] {
    let (a, b) = (chroma * cos(hue), chroma * sin(hue))
    let l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b)
    let m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b)
    let s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b)
    return [
      4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
      -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    ]
  }

  private static func cube(_ value: Double) -> Double { value * value * value }

  /// A linear component as two digits of sRGB.
  private static func hex(_ linear: Double) -> String {
    let encoded = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055
    let byte = Int((encoded * 255).rounded())
    return (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
}
