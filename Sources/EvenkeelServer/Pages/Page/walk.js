// One row for each layer: its channels as small pictures, or as bars of single values, and at a norm what it does to them.

const kinds = {
  dense: 'dense', convolution: 'convolution', convolution1D: 'convolution', batchNorm: 'batch norm', relu: 'ReLU', maxPool: 'max pool',
  averagePool: 'average pool', globalAveragePool: 'mean of positions', residual: 'block + shortcut', layerNorm: 'layer norm',
  groupNorm: 'group norm', instanceNorm: 'instance norm', rmsNorm: 'RMS norm', gelu: 'GELU', silu: 'SiLU',
};

class LayerRow {
  // `choose` is called with the path of a layer and a channel.
  constructor(layer, choose) {
    this.path = layer.path;
    this.choose = choose;
    this.cursor = 0;
    this.canvas = make('canvas', {
      tabindex: 0, role: 'slider', 'aria-label': `Channels of layer ${layer.path}, ${kinds[layer.kind] ?? layer.kind}; Enter shows one`,
      'aria-valuemin': 0,
    });
    this.mark = make('span', {class: 'mark', hidden: true});
    this.picture = make('div', {class: 'picture'}, this.canvas, this.mark);
    this.legend = make('p', {class: 'legend'});
    this.facts = make('p', {class: 'small'});
    this.figure = make('div');
    this.inside = make('div', {class: 'body'}, make('div', {}, this.picture, this.legend));
    if (layer.norm) {
      this.inside.classList.add('norm-body');
      this.inside.append(this.figure);
    }
    this.element = make('li', {class: layer.norm ? 'layer of-norm' : 'layer', id: `layer-${layer.path}`},
      make('div', {class: 'about'}, make('h3', {}, kinds[layer.kind] ?? layer.kind), this.facts), this.inside);
    this.canvas.addEventListener('click', event => this.chooseAt(event));
    this.canvas.addEventListener('keydown', event => this.key(event));
    this.canvas.addEventListener('focus', () => this.place());
    this.canvas.addEventListener('blur', () => this.place());
  }

  update(layer) {
    this.layer = layer;
    this.shown = layer.mean.length;
    const more = this.shown < layer.channels ? `, the first ${this.shown} shown` : '';
    this.facts.textContent = `${layer.path} · ${layer.shape.join(' × ')}${more}`;
    this.canvas.setAttribute('aria-valuemax', this.shown - 1);
    this.cursor = Math.min(this.cursor, this.shown - 1);
    this.draw();
    if (layer.norm) this.drawNorm(layer);
    this.place();
  }

  draw() {
    const {layer} = this;
    const [least, most] = layer.maps
      ? [Math.min(...layer.minimum), Math.max(...layer.maximum)] : [Math.min(...layer.mean), Math.max(...layer.mean)];
    this.strongest = Math.max(Math.abs(least), Math.abs(most));
    if (layer.maps) this.drawMaps(); else this.drawBars();
    this.legend.classList.toggle('positive', least >= 0);
    this.legend.replaceChildren(numberElement(least), make('i'), numberElement(most));
  }

  // The room for pictures in pixels of the page.
  get room() { return roomOf(this.inside.firstChild, 640); }

  drawMaps() {
    const {maps, minimum, maximum} = this.layer;
    const {width, height} = maps;
    const bytes = bytesOf(maps.bytes);
    const longest = Math.max(width, height);
    const scale = longest >= 48 ? 1 : longest >= 20 ? 2 : longest >= 10 ? 3 : longest >= 6 ? 5 : 9;
    this.cell = {width: width * scale, height: height * scale, gap: 4};
    const columns = this.evenColumns(Math.floor((this.room + 4) / (this.cell.width + 4)));
    const atlas = make('canvas', {width, height: height * this.shown});
    const context = atlas.getContext('2d');
    const image = context.createImageData(width, height * this.shown);
    const size = width * height;
    const values = new Float32Array(size);
    for (let channel = 0; channel < this.shown; channel++) {
      const step = (maximum[channel] - minimum[channel]) / 255;
      for (let i = 0; i < size; i++) values[i] = minimum[channel] + step * bytes[channel * size + i];
      paint(image, channel * size, values, this.strongest);
    }
    context.putImageData(image, 0, 0);
    const screen = this.begin(columns);
    screen.imageSmoothingEnabled = false;
    for (let channel = 0; channel < this.shown; channel++) {
      const {x, y} = this.corner(channel);
      screen.drawImage(atlas, 0, channel * height, width, height, x, y, this.cell.width, this.cell.height);
    }
  }

  // A bar for each value, up from the middle for positive ones and down for negative ones.
  drawBars() {
    const values = this.layer.mean;
    const wide = Math.max(3, Math.min(28, Math.floor(this.room / this.shown)));
    this.cell = {width: wide - (wide > 4 ? 2 : 1), height: this.shown > 400 ? 30 : 56, gap: wide > 4 ? 2 : 1};
    const columns = this.evenColumns(Math.floor((this.room + this.cell.gap) / wide));
    const screen = this.begin(columns);
    const table = colors();
    const half = this.cell.height / 2;
    values.forEach((value, channel) => {
      const {x, y} = this.corner(channel);
      const color = colorIndex(value >= 0 ? this.strongest : -this.strongest, this.strongest);
      screen.fillStyle = getZero();
      screen.fillRect(x, y, this.cell.width, this.cell.height);
      screen.fillStyle = `rgb(${table[color]},${table[color + 1]},${table[color + 2]})`;
      const length = this.strongest > 0 ? Math.abs(value) / this.strongest * half : 0;
      screen.fillRect(x, value >= 0 ? y + half - length : y + half, this.cell.width, Math.max(length, 0.5));
    });
  }

  // As few rows as `most` columns allow, all about as long.
  evenColumns(most) {
    return Math.ceil(this.shown / Math.ceil(this.shown / Math.max(1, most)));
  }

  // Makes the canvas large enough for the channels in so many columns.
  begin(columns) {
    this.columns = columns;
    const {width, height, gap} = this.cell;
    const rows = Math.ceil(this.shown / columns);
    const [w, h] = [columns * (width + gap) - gap, rows * (height + gap) - gap];
    const ratio = window.devicePixelRatio || 1;
    [this.canvas.width, this.canvas.height] = [Math.round(w * ratio), Math.round(h * ratio)];
    [this.canvas.style.width, this.canvas.style.height] = [`${w}px`, `${h}px`];
    const context = this.canvas.getContext('2d');
    context.scale(ratio, ratio);
    return context;
  }

  corner(channel) {
    const {width, height, gap} = this.cell;
    return {x: channel % this.columns * (width + gap), y: Math.floor(channel / this.columns) * (height + gap)};
  }

  drawNorm(layer) {
    const {norm} = layer;
    const spreads = {running: norm.running, own: norm.ownSpread ?? null};
    const what = `All channels of layer ${layer.path} before and after the norm, from ${short(norm.histogram.from)} to ${short(norm.histogram.to)}`;
    this.figure.replaceChildren(histogram(norm.histogram, spreads, what, roomOf(this.figure, 400)), spreadKeys(spreads, 'remembered'));
    if (!norm.own) {
      const consequence = mode === 'own' ? ', so it keeps to what it remembers' : '';
      this.figure.append(make('p', {class: 'note'},
        `One value per channel: a single input has no statistics of its own here${consequence}.`));
    }
  }

  chooseAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const {width, height, gap} = this.cell;
    const column = Math.min(this.columns - 1, Math.floor((event.clientX - box.left) / (width + gap)));
    const channel = Math.floor((event.clientY - box.top) / (height + gap)) * this.columns + column;
    if (channel < 0 || channel >= this.shown) return;
    this.cursor = channel;
    this.choose(this.path, channel);
  }

  key(event) {
    const moves = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.columns, ArrowUp: -this.columns, Home: -Infinity, End: Infinity};
    if (event.key in moves) {
      const next = this.cursor + moves[event.key];
      this.cursor = Math.max(0, Math.min(this.shown - 1, next));
      this.place();
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.choose(this.path, this.cursor);
    } else {
      return;
    }
    event.preventDefault();
  }

  // Frames the channel that is chosen, or that the keys are at.
  place() {
    const chosen = selection?.layer === this.path;
    if (chosen && document.activeElement !== this.canvas) this.cursor = Math.min(selection.channel, this.shown - 1);
    this.mark.hidden = !(chosen || document.activeElement === this.canvas && this.canvas.matches(':focus-visible'));
    const {x, y} = this.corner(this.cursor);
    Object.assign(this.mark.style, {
      left: `${x - 3}px`, top: `${y - 3}px`, width: `${this.cell.width + 6}px`, height: `${this.cell.height + 6}px`,
    });
    this.canvas.setAttribute('aria-valuenow', this.cursor);
    this.canvas.setAttribute('aria-valuetext', `channel ${this.cursor}, mean ${short(this.layer.mean[this.cursor])}`);
  }
}

// The width of an element in pixels; `otherwise` where it is not shown yet.
function roomOf(element, otherwise) {
  return Math.max(220, element.clientWidth || otherwise);
}

function getZero() {
  return getComputedStyle(document.documentElement).getPropertyValue('--zero');
}
