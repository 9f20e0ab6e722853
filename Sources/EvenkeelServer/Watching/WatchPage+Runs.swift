extension WatchPage {
  /// What runs tell, and what becomes of it.
  static let runs = #"""
    'use strict';
    const mostPoints = 2000;

    // A quantity over a run's steps, of any number of values at most `mostPoints`.
    class Curve {
      points = [];
      add(step, seconds, value) {
        this.points.push({step, seconds, value: typeof value == 'number' ? value : NaN});
        if (this.points.length > mostPoints) this.thin();
      }
      // Keeps the lowest and the highest value of each of equal parts of the steps, a gap where nothing is finite.
      thin() {
        const points = this.points, [first, last] = [points[0], points.at(-1)];
        const width = (last.step - first.step) / (mostPoints / 4) || 1, kept = [first];
        for (let i = 1; i < points.length - 1;) {
          const part = Math.floor((points[i].step - first.step) / width);
          let low = null, high = null, gap = points[i];
          for (; i < points.length - 1 && Math.floor((points[i].step - first.step) / width) == part; i++) {
            if (!Number.isFinite(points[i].value)) continue;
            if (!low || points[i].value < low.value) low = points[i];
            if (!high || points[i].value > high.value) high = points[i];
          }
          if (!low) kept.push(gap);
          else if (low == high) kept.push(low);
          else kept.push(...[low, high].sort((a, b) => a.step - b.step));
        }
        this.points = [...kept, last];
      }
      get latest() { return this.points.at(-1)?.value; }
      best(sign) { return this.points.reduce((best, p) => sign * p.value > sign * (best ?? -sign * Infinity) ? p.value : best, undefined); }
    }

    const measures = [
      {key: 'varianceBelowEpsilon', name: 'Variance below ε', unit: 'share', note: 'The share of features whose running variance is below ε: they do not come out with variance 1. 0\u00a0% is healthy.'},
      {key: 'runningLag', name: 'Running lag', unit: 'plain', note: 'How far the running means are from those of the last batch, in deviations. It falls as learning slows down.'},
      {key: 'largestScale', name: 'Largest |γ|', unit: 'plain', note: 'The largest factor after normalization. One that keeps growing takes the layer over.'},
      {key: 'gradientShare', name: 'Open share', unit: 'share', note: 'The share of values that the ReLU after the norm lets through, and a gradient back. Near 0\u00a0% the layer is off.'},
    ];

    class Run {
      constructor(key, name) {
        Object.assign(this, {key, name, shown: true});
        this.reset();
      }
      reset() {
        Object.assign(this, {curves: new Map(), norms: new Map(), trials: [], start: null, latest: {}, end: null, elapsed: 0, begun: 0, heard: 0, lines: 0});
      }
      curve(name) {
        if (!this.curves.has(name)) this.curves.set(name, new Curve());
        return this.curves.get(name);
      }
      // A line of the log.
      take(line) {
        this.lines += 1;
        this.heard = line.time;
        if (line.event == 'start') {
          // A run that goes on counts the time that it was at work.
          this.begun = line.time - this.elapsed;
          this.start = line;
          this.end = null;
        }
        this.elapsed = Math.max(this.elapsed, line.time - this.begun);
        this['on_' + line.event]?.(line);
      }
      add(line, name, value) { if (value !== undefined) this.curve(name).add(line.step, this.elapsed, value); }
      note(line) { for (const key in line) this.latest[key] = line[key]; }
      on_step(line) {
        this.add(line, 'loss train', line.loss);
        this.add(line, 'accuracy train', line.accuracy);
        this.both(line);
      }
      on_epoch(line) {
        this.add(line, 'loss train', line.trainLoss);
        this.add(line, 'accuracy train', line.trainAccuracy);
        this.add(line, 'rmse train', line.trainRMSE);
        this.add(line, 'loss validation', line.validationLoss);
        this.add(line, 'accuracy validation', line.validationAccuracy);
        this.add(line, 'rmse validation', line.validationRMSE);
        if (line.metric && line.metric != 'accuracy' && line.metric != 'rmse') this.add(line, line.metric + ' validation', line.validationMetric);
        this.both({...line, loss: line.trainLoss, accuracy: line.trainAccuracy});
      }
      both(line) {
        this.add(line, 'learning rate', line.learningRate);
        this.add(line, 'examples per second', line.examplesPerSecond);
        this.note(line);
      }
      on_norms(line) {
        for (const norm of line.norms ?? []) {
          if (!this.norms.has(norm.layer)) this.norms.set(norm.layer, {features: norm.features, curves: {}});
          const {curves} = this.norms.get(norm.layer);
          for (const {key} of measures)
            if (norm[key] !== undefined) (curves[key] ??= new Curve()).add(line.step, this.elapsed, norm[key]);
        }
      }
      on_trial(line) {
        this.trials.push(line);
        this.note({step: line.step, secondsLeft: line.secondsLeft});
        this.add(line, 'score', line.diverged ? NaN : line.score);
      }
      on_end(line) {
        this.end = line;
        this.note({step: line.step, secondsLeft: undefined});
      }
      // How far it is, 0 to 1; undefined if nobody knows.
      get progress() {
        if (!this.start) return undefined;
        if (this.start.trials) return Math.min(1, (this.latest.step ?? 0) / this.start.trials);
        return Math.min(1, (this.latest.step ?? this.start.step) / (this.start.epochs * this.start.stepsPerEpoch));
      }
      x(point, axis) { return axis == 'epoch' ? point.step / (this.start?.stepsPerEpoch || 1) : point[axis]; }
    }

    const runs = new Map();
    let title = '';

    function list(told) {
      title = told.title;
      for (const key of runs.keys()) if (!told.runs.some(r => r.run == key)) runs.delete(key);
      for (const {run, name} of told.runs) {
        if (runs.has(run)) runs.get(run).name = name;
        else runs.set(run, new Run(run, name));
      }
    }
    """#
}
