// One row for each layer: its channels as small pictures, or as bars of single values, and at a norm what it does to them.

const kinds = {
  dense: 'dense', convolution: 'convolution', convolution1D: 'convolution', batchNorm: 'batch norm', relu: 'ReLU', maxPool: 'max pool',
  averagePool: 'average pool', globalAveragePool: 'mean of positions', residual: 'block + shortcut', layerNorm: 'layer norm',
  groupNorm: 'group norm', instanceNorm: 'instance norm', rmsNorm: 'RMS norm', gelu: 'GELU', silu: 'SiLU', elu: 'ELU', leakyRelu: 'leaky ReLU',
  piecewiseLinear: 'piecewise linear', depthwiseConvolution: 'depthwise convolution', memberDense: 'dense of each member',
};

// Pictures are painted when they are about to be seen.
const sight = new IntersectionObserver(entries => {
  for (const {target, isIntersecting} of entries) rows.get(target.dataset.path).see(isIntersecting);
}, {rootMargin: '300px'});

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
    this.element = make('li', {class: layer.norm ? 'layer of-norm' : 'layer', id: `layer-${layer.path}`, 'data-path': layer.path},
      make('div', {class: 'about'}, make('h3', {}, kinds[layer.kind] ?? layer.kind), this.facts), this.inside);
    this.canvas.addEventListener('click', event => this.chooseAt(event));
    this.canvas.addEventListener('keydown', event => this.key(event));
    this.canvas.addEventListener('focus', () => this.place());
    this.canvas.addEventListener('blur', () => this.place());
    sight.observe(this.element);
  }

  update(layer) {
    this.layer = layer;
    const [least, most] = layer.maps
      ? [Math.min(...layer.minimum), Math.max(...layer.maximum)] : [Math.min(...layer.mean), Math.max(...layer.mean)];
    this.strongest = Math.max(Math.abs(least), Math.abs(most));
    this.legend.classList.toggle('positive', least >= 0);
    this.legend.replaceChildren(...(layer.shape.join() === '1'
      ? [numberElement(most)] : [numberElement(least), make('i'), numberElement(most)]));
    if (this.shown === undefined) this.fit();
    this.isStale = true;
    if (this.isSeen) this.paint();
    if (layer.norm) this.drawNorm(layer);
    this.place();
  }

  // Brings the pictures into the width that there is.
  fit() {
    const {layer} = this;
    this.shown = layer.mean.length;
    const more = this.shown < layer.channels ? `, the first ${this.shown} shown` : '';
    // Long paths are broken behind a dot.
    const steps = layer.path.split('.').flatMap((step, index) => index ? ['.', make('wbr'), step] : [step]);
    this.facts.replaceChildren(...steps, ` · ${layer.shape.join(' × ')}${more}`);
    this.canvas.setAttribute('aria-valuemax', this.shown - 1);
    const room = roomOf(this.inside.firstChild, 640);
    this.drawingWidth = layer.norm ? roomOf(this.figure, 400) : 0;
    if (layer.maps) {
      const {width, height} = layer.maps;
      const longest = Math.max(width, height);
      const scale = longest >= 48 ? 1 : longest >= 20 ? 2 : longest >= 10 ? 3 : longest >= 6 ? 5 : 9;
      this.cell = {width: width * scale, height: height * scale, gap: 4};
    } else {
      // At least 3 pixels for a bar with its gap, and more where that fills the lines.
      const lines = Math.ceil(3 * this.shown / room);
      const wide = Math.max(3, Math.min(28, Math.floor(room / Math.ceil(this.shown / lines))));
      this.cell = {width: wide - (wide > 4 ? 2 : 1), height: this.shown > 400 ? 30 : 56, gap: wide > 4 ? 2 : 1};
    }
    // As few rows as there is room for, all about as long.
    const {width, height, gap} = this.cell;
    const most = Math.max(1, Math.floor((room + gap) / (width + gap)));
    const lines = Math.ceil(this.shown / most);
    this.columns = Math.ceil(this.shown / lines);
    const [w, h] = [this.columns * (width + gap) - gap, lines * (height + gap) - gap];
    this.ratio = window.devicePixelRatio || 1;
    [this.canvas.width, this.canvas.height] = [Math.round(w * this.ratio), Math.round(h * this.ratio)];
    [this.canvas.style.width, this.canvas.style.height] = [`${w}px`, `${h}px`];
  }

  see(isSeen) {
    this.isSeen = isSeen;
    if (isSeen && this.isStale) this.paint();
  }

  paint() {
    this.isStale = false;
    const context = this.canvas.getContext('2d');
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.layer.maps) this.paintMaps(context); else this.paintBars(context);
  }

  paintMaps(context) {
    const {maps, minimum, maximum} = this.layer;
    const {width, height} = maps;
    const bytes = bytesOf(maps.bytes);
    const size = width * height;
    this.atlas ??= make('canvas', {width, height: height * this.shown});
    const below = this.atlas.getContext('2d');
    const image = below.createImageData(width, height * this.shown);
    const pixels = new Uint32Array(image.data.buffer);
    const {table} = colors();
    for (let channel = 0; channel < this.shown; channel++) {
      const [first, step] = colorLine(minimum[channel], (maximum[channel] - minimum[channel]) / 255, this.strongest);
      for (let i = channel * size; i < (channel + 1) * size; i++) pixels[i] = table[(first + step * bytes[i]) | 0];
    }
    below.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    for (let channel = 0; channel < this.shown; channel++) {
      const {x, y} = this.corner(channel);
      context.drawImage(this.atlas, 0, channel * height, width, height, x, y, this.cell.width, this.cell.height);
    }
  }

  // A bar for each value, up from the middle for positive ones and down for negative ones.
  paintBars(context) {
    const {zero, positive, negative} = colors();
    const {width, height} = this.cell;
    const half = height / 2;
    this.layer.mean.forEach((value, channel) => {
      const {x, y} = this.corner(channel);
      context.fillStyle = zero;
      context.fillRect(x, y, width, height);
      context.fillStyle = value >= 0 ? positive : negative;
      const length = this.strongest > 0 ? Math.abs(value) / this.strongest * half : 0;
      context.fillRect(x, value >= 0 ? y + half - length : y + half, width, Math.max(length, 0.5));
    });
  }

  corner(channel) {
    const {width, height, gap} = this.cell;
    return {x: channel % this.columns * (width + gap), y: Math.floor(channel / this.columns) * (height + gap)};
  }

  drawNorm(layer) {
    const {norm} = layer;
    const spreads = {running: norm.running, own: norm.ownSpread ?? null};
    const what = `All channels of layer ${layer.path} before and after the norm, from ${short(norm.histogram.from)} to ${short(norm.histogram.to)}`;
    this.figure.replaceChildren(histogram(norm.histogram, spreads, what, this.drawingWidth), spreadKeys(spreads, 'remembered'));
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
