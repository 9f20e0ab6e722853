/// The version of the experiments' rules; it is stored with every run, as results of other rules must not be mixed.
public enum Laboratory {
  /// Raised whenever a measure or a verdict's rule changes.
  public static let rulesVersion = 1
}
