/// What is stored with every run besides Evenkeel's version.
package enum Laboratory {
  /// The version of the experiments' rules. Raised whenever a measure, a verdict's rule or the form of a trial's key changes:
  /// results of other rules must not be mixed.
  package static let rulesVersion = 2
}
