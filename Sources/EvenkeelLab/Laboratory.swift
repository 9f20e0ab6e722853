/// What is stored with every run beside Evenkeel's version.
public enum Laboratory {
  /// The version of the experiments' rules. Raised whenever a measure or a verdict's rule changes: results of other rules must
  /// not be mixed.
  public static let rulesVersion = 1
}
