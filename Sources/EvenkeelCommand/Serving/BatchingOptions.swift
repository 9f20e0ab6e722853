import ArgumentParser
import EvenkeelServer

/// How requests share the processors.
struct BatchingOptions: ParsableArguments {
  @Option(help: "Threads that predict, for each model; one a processor by default.") var workers: Int?
  @Option(help: "The greatest number of rows that a thread takes at once.") var maxBatch = BatcherOptions()
    .greatestBatch
  @Option(help: "Microseconds that a thread waits for more rows; by default it never waits while there is one.")
  var maxDelay = BatcherOptions().delay
  @Option(help: "The greatest number of rows that wait; more are refused with status 503.")
  var queue = BatcherOptions().queue

  var options: BatcherOptions {
    var options = BatcherOptions()
    if let workers { options.workers = workers }
    (options.greatestBatch, options.delay, options.queue) = (maxBatch, maxDelay, queue)
    return options
  }
}
