import Evenkeel

/// The line on a terminal that says how far the training of several networks is.
final class MemberProgress {
  private let members, epochs: Int
  private let started = ContinuousClock.now
  private var shown = ContinuousClock.now

  init(members: Int, epochs: Int) { (self.members, self.epochs) = (members, epochs) }

  func show(_ event: Trainer.Event, of member: Int) {
    switch event {
    case .step(let epoch, let batch, let batches, let loss, _, _):
      let now = ContinuousClock.now
      guard now - shown > .milliseconds(100) else { return }
      shown = now
      let done = Double(member) + (Double(epoch - 1) + Double(batch) / Double(batches)) / Double(epochs)
      let left = (now - started) / .seconds(1) / done * (Double(members) - done)
      StatusLine.show(
        "network \(member + 1)/\(members)  epoch \(epoch)/\(epochs)  loss \(NumberText.plain.fixed(loss, decimals: 4))  at most \(NumberText.plain.fixed(left, decimals: 0)) s left"
      )
    case .epoch, .interrupted: StatusLine.clear()
    case .evaluated, .saved: break
    }
  }
}
