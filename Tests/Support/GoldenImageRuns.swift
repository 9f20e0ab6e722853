// Made by Tests/Fixtures/make_golden_images.py with PyTorch 2.13.0:
// ten losses, and the probabilities of the first example by the running statistics after them.
package let goldenImageRuns: [String: (losses: [Double], probabilities: [Double])] = [
  "lenet": (
    [2.6830302, 2.5633390, 2.3455530, 2.0652683, 1.7500549, 1.4306236, 1.1306285, 0.8740213, 0.6683511, 0.5119321],
    [0.1847958, 0.0180792, 0.0376499, 0.0141289, 0.3643570, 0.0475573, 0.0153863, 0.0573335, 0.1834688, 0.0772434]
  ),
  "resnet20": (
    [3.2246596, 3.2017098, 3.1588189, 3.0994980, 3.0269981, 2.9439368, 2.8536073, 2.7587151, 2.6610287, 2.5621997],
    [0.0020713, 0.0006417, 0.0000161, 0.0000106, 0.0022776, 0.0000002, 0.0042860, 0.0000043, 0.0115281, 0.9791641]
  ),
]
