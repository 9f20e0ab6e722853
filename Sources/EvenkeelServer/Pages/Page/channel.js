// One channel in full: its values before and after the norm, and the formula with the numbers of one of them.

class ChannelPanel {
  // `close` and `pick` are called when the panel is closed, and with the position of a value that is chosen.
  constructor(close, pick) {
    this.pick = pick;
    this.title = make('h3', {id: 'channel-title'});
    const button = make('button', {type: 'button', class: 'close'}, 'Close');
    button.addEventListener('click', close);
    this.inside = make('div', {class: 'inside'});
    this.formula = make('div', {class: 'formula', 'aria-live': 'polite'});
    this.numbers = make('dl', {class: 'numbers'});
    this.element = make('section', {class: 'channel', 'aria-labelledby': 'channel-title'},
      make('header', {}, this.title, button), this.inside, this.formula, this.numbers);
    this.element.addEventListener('keydown', event => { if (event.key === 'Escape') close(); });
  }

  // - channel: what the server says of it; nothing to see for a layer that is no norm but its values.
  update(channel, layer, position) {
    this.title.textContent = `Channel ${channel.index} of layer ${layer.path}, ${kinds[layer.kind] ?? layer.kind}`;
    this.position = Math.min(position ?? strongestAt(channel.before ?? channel.after), channel.after.length - 1);
    const {norm} = channel;
    const single = channel.after.length === 1;
    this.inside.classList.toggle('plain', single);
    const pictures = single ? null : make('div', {class: 'pair'},
      channel.before ? this.map(channel.before, channel, layer, 'before') : null, this.map(channel.after, channel, layer, norm ? 'after' : 'values'));
    const spreads = norm ? channelSpreads(norm) : null;
    const drawing = norm && !single ? make('div', {class: 'drawing'}) : null;
    const alone = norm && single ? make('p', {class: 'note'},
      'One value per channel: a single input has no statistics of its own here, so there is nothing to compare the running ones with.') : null;
    this.inside.replaceChildren(...[pictures, drawing, alone].filter(Boolean));
    // The room for it is known now.
    drawing?.append(
      histogram(channel.histogram, spreads, `Channel ${channel.index} before and after the norm`, roomOf(drawing, 400)),
      spreadKeys(spreads, 'remembered'));
    this.formula.hidden = false;
    this.formula.replaceChildren(...(norm ? this.walkThrough(channel) : [this.value(channel, layer)]));
    this.numbers.replaceChildren(...(norm ? this.listed(norm) : []));
  }

  map(values, channel, layer, name) {
    const columns = layer.shape.length > 1 ? layer.shape.at(-2) : 1;
    const rows = values.length / columns;
    const canvas = make('canvas', {width: columns, height: rows, role: 'img', 'aria-label': `Channel ${channel.index}, ${name}; a click chooses a value`});
    const context = canvas.getContext('2d');
    const image = context.createImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    const {table} = colors();
    const [zero, step] = colorLine(0, 1, values.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
    values.forEach((value, i) => { pixels[i] = table[(zero + step * value) | 0]; });
    // The chosen value has the color of text.
    const ink = getComputedStyle(document.documentElement).getPropertyValue('--ink').trim();
    for (let c = 0; c < 3; c++) image.data[4 * this.position + c] = parseInt(ink.slice(1 + 2 * c, 3 + 2 * c), 16);
    context.putImageData(image, 0, 0);
    canvas.style.height = `${rows === columns ? '' : 'auto'}`;
    canvas.addEventListener('click', event => {
      const box = canvas.getBoundingClientRect();
      const column = Math.min(columns - 1, Math.floor((event.clientX - box.left) / box.width * columns));
      const row = Math.min(rows - 1, Math.floor((event.clientY - box.top) / box.height * rows));
      this.pick(row * columns + column);
    });
    return make('figure', {}, canvas, make('figcaption', {class: 'small'}, name));
  }

  value(channel, layer) {
    return make('p', {class: 'row'}, make('var', {}, this.place(channel, layer)), ' ', numberElement(channel.after[this.position], 'result'));
  }

  place(channel, layer) {
    if (channel.after.length === 1) return 'value';
    const columns = layer.shape.length > 1 ? layer.shape.at(-2) : 1;
    return `row ${Math.floor(this.position / columns)}, column ${this.position % columns}:`;
  }

  // The formula, and the same with numbers.
  walkThrough(channel) {
    const {norm} = channel;
    const [x, y] = [channel.before[this.position], channel.after[this.position]];
    const row = (...parts) => make('p', {class: 'row'}, ...parts);
    if (norm.mode === 'none') return [row('y = x'), row(numberElement(y, 'result'), ' = ', numberElement(x))];
    const own = norm.mode === 'own';
    const [mean, variance] = own ? [norm.ownMean, norm.ownVariance] : [norm.mean, norm.variance];
    const deviation = Math.sqrt(variance + norm.epsilon);
    const normalized = deviation > 0 ? (x - mean) / deviation : 0;
    return [
      row('x̂ = (x − μ) / √(σ² + ε)'),
      row(numberElement(normalized), ' = (', numberElement(x), ' − ', signed(mean), ') / √(', numberElement(variance), ' + ',
        numberElement(norm.epsilon), ')'),
      row('y = γ · x̂ + β'),
      row(numberElement(y, 'result'), ' = ', numberElement(norm.gamma), ' · ', signed(normalized), ' + ', signed(norm.beta)),
    ];
  }

  listed(norm) {
    const entry = (name, value, className) => make('div', {},
      make('dt', {}, name), make('dd', {}, value === undefined || value === null ? 'undefined' : numberElement(value, className)));
    return [
      entry('γ, scale', norm.gamma), entry('β, shift', norm.beta), entry('running mean μ', norm.mean), entry('running variance σ²', norm.variance),
      entry('ε', norm.epsilon), entry('this input’s μ', norm.ownMean), entry('this input’s σ²', norm.ownVariance),
    ];
  }
}

// Negative numbers in brackets after a sign.
function signed(value) {
  const element = numberElement(value);
  if (value < 0) element.textContent = `(${element.textContent})`;
  return element;
}

function channelSpreads(norm) {
  return {
    running: {mean: norm.mean, deviation: Math.sqrt(norm.variance)},
    own: norm.ownMean === undefined ? null : {mean: norm.ownMean, deviation: Math.sqrt(norm.ownVariance)},
  };
}

function strongestAt(values) {
  let best = 0;
  values.forEach((value, index) => { if (Math.abs(value) > Math.abs(values[best])) best = index; });
  return best;
}
