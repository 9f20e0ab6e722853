/// Versions that are stored with every run.
public enum Laboratory {
  /// The version of the experiments' rules. Raised whenever a measure or a verdict's rule changes: results of other rules must
  /// not be mixed.
  public static let rulesVersion = 1
  /// Evenkeel's.
  public static let version = "0.1.0"
}
