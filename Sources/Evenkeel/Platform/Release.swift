/// This release of Evenkeel.
package enum Release {
  /// The version that `--version` prints and that is stored with every run of the laboratory.
  package static let version = "0.2.0"
}
