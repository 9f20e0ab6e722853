// Two histograms on one axis: before a norm above it, after it below, with what the norm remembers and what this input has, as mean ± one
// deviation.

// Heights are square roots of the counts, so that a few values far out are seen too.
// - pair: from, to, and the counts before and after.
// - spreads: {running, own}, each {mean, deviation} or null.
// - width: in pixels of the page.
function histogram(pair, spreads, label, width) {
  const [height, pad] = [196, 8];
  const [upper, axis, lower] = [34, 112, 150];
  const low = Math.min(pair.from, ...Object.values(spreads).filter(Boolean).map(s => s.mean - s.deviation));
  const high = Math.max(pair.to, ...Object.values(spreads).filter(Boolean).map(s => s.mean + s.deviation));
  const x = value => pad + (value - low) / (high - low || 1) * (width - 2 * pad);
  const drawing = svg('svg', {viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label});
  const {running, own} = spreads;
  if (running) {
    const [left, right] = [x(running.mean - running.deviation), x(running.mean + running.deviation)];
    drawing.append(svg('rect', {class: 'band', x: left, y: 4, width: Math.max(1, right - left), height: lower + 18}));
  }
  const step = (pair.to - pair.from) / pair.before.length;
  const bars = (counts, className, sign, room) => {
    const most = Math.max(1, ...counts);
    let path = '';
    counts.forEach((count, bin) => {
      if (count === 0) return;
      const [left, right] = [x(pair.from + bin * step), x(pair.from + (bin + 1) * step)];
      path += `M${left.toFixed(2)},${axis}V${(axis - sign * Math.max(1.5, Math.sqrt(count / most) * room)).toFixed(2)}H${Math.max(left + 1, right - 0.5).toFixed(2)}V${axis}Z`;
    });
    drawing.append(svg('path', {class: className, d: path, 'data-counts': counts.join(' ')}));
  };
  bars(pair.before, 'before', 1, axis - upper - 4);
  bars(pair.after, 'after', -1, lower + 18 - axis);
  spread(drawing, running, 'running', x, 11);
  spread(drawing, own, 'own', x, 24);
  drawing.append(svg('line', {class: 'axis', x1: 0, x2: width, y1: axis, y2: axis}));
  for (const tick of ticks(low, high)) {
    drawing.append(svg('line', {class: 'tick', x1: x(tick), x2: x(tick), y1: lower + 22, y2: lower + 27}));
    const anchor = x(tick) < 24 ? 'start' : x(tick) > width - 24 ? 'end' : 'middle';
    drawing.append(svg('text', {x: x(tick), y: lower + 41, 'text-anchor': anchor}, short(tick)));
  }
  drawing.append(svg('line', {class: 'tick', x1: 0, x2: width, y1: lower + 22, y2: lower + 22}));
  // At the side where fewer values are in the way.
  const busy = bins => bins.reduce((sum, count) => sum + Math.sqrt(count), 0);
  const [left, right] = [[0, 8], [-8]].map(ends => busy(pair.before.slice(...ends)) + busy(pair.after.slice(...ends)));
  const [place, anchor] = left > right ? [width, 'end'] : [0, 'start'];
  drawing.append(svg('text', {class: 'side', x: place, y: axis - 6, 'text-anchor': anchor}, 'before'));
  drawing.append(svg('text', {class: 'after', x: place, y: axis + 16, 'text-anchor': anchor}, 'after'));
  return make('div', {class: 'histogram'}, drawing);
}

// A mean with a line over one deviation to both sides: a diamond on a line for what the norm remembers, a circle on dashes for this input.
function spread(drawing, numbers, kind, x, y) {
  if (!numbers) return;
  const [left, middle, right] = [-1, 0, 1].map(side => x(numbers.mean + side * numbers.deviation));
  const group = svg('g', {class: kind});
  group.append(svg('path', {class: kind, d: `M${left},${y}H${right}`}));
  group.append(svg('path', {class: kind, d: `M${left},${y - 4}v8M${right},${y - 4}v8`, 'stroke-dasharray': 'none'}));
  group.append(kind === 'running'
    ? svg('path', {class: 'point', d: `M${middle - 5},${y}l5,-5l5,5l-5,5z`})
    : svg('circle', {class: 'point', cx: middle, cy: y, r: 4.5}));
  drawing.append(group);
}

// About five round numbers between two.
function ticks(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= rough) ?? rough;
  const result = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) result.push(Number((i * step).toPrecision(12)));
  return result;
}

// What the two lines over a histogram are, with their numbers.
function spreadKeys(spreads, rememberedWhat) {
  const entry = (kind, name, numbers, shape) => {
    const sign = svg('svg', {class: `sign ${kind}`, viewBox: '0 0 24 12', 'aria-hidden': 'true'});
    sign.append(shape);
    return make('span', {}, sign, make('b', {}, name), ' ', numberElement(numbers.mean), ' ± ', numberElement(numbers.deviation));
  };
  return make('p', {class: 'keys'},
    spreads.running ? entry('running', rememberedWhat, spreads.running, svg('path', {d: 'M0,6H24M7,6l5,-5l5,5l-5,5z'})) : null,
    spreads.own ? entry('own', 'this input', spreads.own, svg('path', {d: 'M0,6H5M19,6H24M8,6a4,4 0 1 0 8,0a4,4 0 1 0 -8,0'})) : null);
}
