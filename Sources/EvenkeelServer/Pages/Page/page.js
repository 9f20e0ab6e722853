// The page: what is drawn or filled in goes to the server, and what comes back is shown. One request is under way at a time; the newest
// input goes next. The address holds the input, the mode and the chosen channel.

let mode = 'running';
// {layer, channel, position}, or null.
let selection = null;
const rows = new Map();
const image = model.input.image;
let pad = null, form = null;
// Float values of an image, and what it came from: 'e3', 's…' for strokes, or null for a file.
let values = null, source = null;

const notes = {
  running: 'As in prediction: every norm subtracts the mean and divides by the deviation that it remembers from training.',
  own: 'As in training with a batch of one: every norm uses the mean and variance of this input alone, over its positions.',
  none: 'Every norm passes on what it gets. See how soon the values leave the range that the layers were trained for.',
};

// ---- asking --------------------------------------------------------------------------------------------------------------------------

let isAsking = false, isStale = false, askedAt = 0;

// - since: the time of the event that changed something.
async function ask(since = performance.now()) {
  if (!isStale) askedAt = since;
  isStale = true;
  if (isAsking) return;
  isAsking = true;
  while (isStale) {
    isStale = false;
    const start = askedAt;
    const body = form ? form.body(model.input.isTable) : values;
    const query = new URLSearchParams({model: model.name, member: model.member, mode});
    if (selection) {
      query.set('layer', selection.layer);
      query.set('channel', selection.channel);
    }
    try {
      const answer = await fetch(`activations?${query}`, {
        method: 'POST', body, headers: {'content-type': form ? 'application/json' : 'application/octet-stream'},
      });
      const reply = await answer.json();
      if (!answer.ok && selection && rows.size === 0) {
        // The address is one of another model, which has a layer that this one has not.
        selection = null;
        remember();
        isStale = true;
        continue;
      }
      if (!answer.ok) throw new Error(reply.error);
      trouble('');
      show(reply);
      performance.clearMeasures('picture');
      performance.measure('picture', {start, end: performance.now()});
    } catch (error) {
      trouble(error instanceof TypeError ? 'The server does not answer. Start it again, then draw on.' : error.message);
    }
  }
  isAsking = false;
}

function trouble(text) {
  byId('trouble').textContent = text;
  byId('trouble').hidden = text === '';
}

// ---- showing -------------------------------------------------------------------------------------------------------------------------

function show(reply) {
  // The model was read again, and has other layers.
  if (rows.size > 0 && (rows.size !== reply.layers.length || reply.layers.some(layer => !rows.has(layer.path)))) return location.reload();
  showOutputs(reply.outputs);
  for (const layer of reply.layers) {
    if (rows.has(layer.path)) continue;
    rows.set(layer.path, new LayerRow(layer, choose));
    byId('layers').append(rows.get(layer.path).element);
  }
  for (const layer of reply.layers) rows.get(layer.path).update(layer);
  showChannel(reply);
  byId('mode-note').textContent = notes[mode];
  byId('layers').dataset.mode = reply.mode;
}

function showOutputs({areProbabilities, names, values}) {
  const order = names.map((_, index) => index);
  const best = values.indexOf(Math.max(...values));
  // Many classes: the ten most probable.
  const listed = names.length <= 12 ? order : order.sort((a, b) => values[b] - values[a]).slice(0, 10);
  const most = areProbabilities ? 1 : Math.max(...values.map(Math.abs)) || 1;
  byId('verdict').replaceChildren(...(areProbabilities
    ? [names[best], make('span', {}, ` with ${(values[best] * 100).toFixed(1)} %`)]
    : names.length === 1 ? [short(values[0]), make('span', {}, ` ${names[0]}`)] : []));
  byId('bars').replaceChildren(...listed.map(index => {
    const bar = make('i');
    bar.style.width = `${Math.abs(values[index]) / most * 100}%`;
    return make('li', {class: index === best && areProbabilities ? 'best' : null}, make('span', {class: 'name'}, names[index]),
      make('span', {class: 'bar'}, bar),
      numberElement(values[index], null, areProbabilities ? `${(values[index] * 100).toFixed(1)} %` : undefined));
  }));
}

// ---- one channel ---------------------------------------------------------------------------------------------------------------------

const panel = new ChannelPanel(() => choose(null), position => {
  selection.position = position;
  showChannel(lastReply);
  remember();
});
let lastReply = null;

function choose(layer, channel) {
  const former = selection?.layer;
  selection = layer === null ? null : {layer, channel};
  if (selection === null) {
    panel.element.remove();
    rows.get(former)?.canvas.focus();
  }
  for (const row of rows.values()) row.place();
  remember();
  ask();
}

function showChannel(reply) {
  lastReply = reply;
  const {channel} = reply;
  if (!selection || !channel || channel.layer !== selection.layer || channel.index !== selection.channel) return;
  const row = rows.get(channel.layer);
  if (panel.element.parentElement !== row.element) row.element.append(panel.element);
  panel.update(channel, row.layer, selection.position);
}

// ---- input ---------------------------------------------------------------------------------------------------------------------------

// Takes new values from `origin` on, and shows what the model sees; `isUnopened` where nothing can be drawn and no file is open.
function take(newValues, origin, since, isUnopened = false) {
  [values, source] = [newValues, origin];
  const sees = byId('sees');
  sees.width = image.width;
  sees.height = image.height;
  sees.getContext('2d').drawImage(pictureOf(values, image), 0, 0);
  byId('seen').textContent = `${isUnopened ? 'all black until you open an image' : 'what the model sees'}: ${image.width} × ${image.height}`;
  remember();
  ask(since);
}

function takeStrokes(since) {
  byId('hint').hidden = !pad.isEmpty;
  const ink = pad.ink();
  take(prepareDrawing(ink, padSide, padSide, image.height, image.width), pad.isEmpty ? null : `s${pad.text}`, since);
}

// An example is prepared as a drawing is, without the noise of its paper.
function exampleValues(index) {
  return prepareDrawing(bytesOf(model.examples[index]).map(value => value < 48 ? 0 : value), 28, 28, 28, 28);
}

function takeExample(index) {
  const prepared = exampleValues(index);
  pad.show(pictureOf(prepared, image));
  byId('hint').hidden = true;
  take(prepared, `e${index}`);
}

async function takeFile(file) {
  try {
    const bitmap = await createImageBitmap(file);
    const fromFile = imageValues(bitmap, image);
    if (pad) {
      pad.show(pictureOf(fromFile, image));
      byId('hint').hidden = true;
    }
    take(fromFile, null);
  } catch {
    trouble(`${file.name} is no image that this browser can read.`);
  }
}

function buildImageInput(place) {
  const sees = make('canvas', {id: 'sees', role: 'img', 'aria-label': 'What the model sees', width: image.width, height: image.height});
  const seen = make('div', {class: image.channels === 1 ? 'sees' : 'sees large'}, sees,
    make('span', {class: 'small', id: 'seen'}));
  const tools = make('div', {class: 'tools'});
  if (image.channels === 1) {
    const canvas = make('canvas', {id: 'pad', 'aria-label': 'Pad to draw on with mouse, finger or pen. Without one of them, choose an example below.', role: 'img'});
    place.append(make('div', {class: 'pad-row'},
      make('div', {class: 'pad'}, canvas, make('span', {class: 'hint', id: 'hint'}, 'Draw here')), seen));
    pad = new Pad(canvas, takeStrokes);
    const clear = make('button', {type: 'button', id: 'clear'}, 'Clear');
    clear.addEventListener('click', () => {
      pad.clear();
      takeStrokes();
    });
    tools.append(clear);
  } else {
    place.append(seen);
  }
  const file = make('input', {type: 'file', accept: 'image/*', id: 'file'});
  file.addEventListener('change', () => {
    if (file.files.length) takeFile(file.files[0]);
    file.value = '';
  });
  tools.append(make('label', {class: 'file'}, file, make('span', {}, 'Open an image')));
  place.append(tools);
  if (!model.examples.length) return;
  const examples = make('div', {class: 'examples', role: 'group', 'aria-label': 'Examples'});
  model.examples.forEach((_, index) => {
    const button = make('button', {type: 'button', 'aria-label': `Example ${index}`}, pictureOf(exampleValues(index), image));
    button.addEventListener('click', () => takeExample(index));
    examples.append(button);
  });
  place.append(examples);
}

// ---- the address ---------------------------------------------------------------------------------------------------------------------

function remember() {
  const state = new URLSearchParams();
  if (mode !== 'running') state.set('mode', mode);
  if (selection) {
    state.set('layer', selection.layer);
    state.set('channel', selection.channel);
    if (selection.position !== undefined) state.set('value', selection.position);
  }
  if (form) state.set('row', JSON.stringify(form.values));
  else if (source) state.set('input', source);
  history.replaceState(null, '', `#${state}`);
}

function recall() {
  const state = new URLSearchParams(location.hash.slice(1));
  mode = state.get('mode') in notes ? state.get('mode') : 'running';
  for (const choice of document.getElementsByName('mode')) choice.checked = choice.value === mode;
  selection = state.has('layer') ? {layer: state.get('layer'), channel: Number(state.get('channel'))} : null;
  if (selection && state.has('value')) selection.position = Number(state.get('value'));
  const input = state.get('input') ?? '';
  try {
    if (form && state.has('row')) form.values = JSON.parse(state.get('row'));
    if (pad && input.startsWith('s')) {
      pad.text = input.slice(1);
      return takeStrokes();
    }
    if (pad && input.startsWith('e') && model.examples[input.slice(1)]) return takeExample(Number(input.slice(1)));
  } catch {
    trouble('The address holds no input that the page understands.');
  }
  if (!form && !source && model.examples.length) return takeExample(3);
  if (image && !values) return take(new Float32Array(image.height * image.width * image.channels), null, undefined, !pad);
  ask();
}

// ---- other models ----------------------------------------------------------------------------------------------------------------------

// Links to the other models, or to the other networks of an average. `kept` are the parts of the state that mean the same there.
function offer(what, names, chosen, query, kept) {
  const links = names.map((name, index) => {
    const link = make('a', {href: `?${new URLSearchParams(query(index))}`, 'aria-current': index === chosen ? 'page' : null}, name);
    link.addEventListener('click', () => {
      const state = new URLSearchParams(location.hash.slice(1));
      link.hash = new URLSearchParams([...state].filter(([key]) => kept.includes(key)));
    });
    return link;
  });
  byId('choices').append(make('nav', {'aria-label': what}, make('span', {}, what), ...links));
}

function offerOthers() {
  if (model.models.length > 1) {
    offer('Model', model.models, model.models.indexOf(model.name), index => ({model: model.models[index]}), ['mode', 'input']);
  }
  if (model.members === 1) return;
  const numbers = Array.from({length: model.members}, (_, index) => index + 1);
  offer('Network', numbers, model.member - 1, index => ({model: model.name, member: index + 1}),
    ['mode', 'input', 'row', 'layer', 'channel', 'value']);
  byId('choices').append(make('p', {class: 'small'},
    `${model.name} averages the predictions of ${model.members} networks. This page shows one of them, and what it alone predicts.`));
}

// ---- start ---------------------------------------------------------------------------------------------------------------------------

function start() {
  const what = image ? (model.examples.length ? 'a digit' : 'an image') : model.input.isTable ? 'a row' : 'an example';
  document.title = `${model.name}: the walk of ${what}`;
  byId('model-name').textContent = `Evenkeel · ${model.name}`;
  byId('title').textContent = `The walk of ${what}`;
  byId('lead').textContent = `${!image ? 'Change a value' : image.channels === 1 ? 'Draw or open one' : 'Open one'}, and see what every layer makes of it. At each batch norm, the values before and after it lie on one axis.`;
  byId('footer').textContent = `${model.version}, ${model.parameters.toLocaleString('en')} learned values. Nothing that you draw or enter leaves the server that this page came from.`;
  offerOthers();
  if (image) {
    buildImageInput(byId('input'));
  } else {
    document.querySelector('.desk').classList.add('of-fields');
    form = new Form(byId('input'), model.input.fields, since => {
      remember();
      ask(since);
    });
  }
  byId('modes').addEventListener('change', event => {
    mode = event.target.value;
    remember();
    ask(event.timeStamp);
  });
  const redraw = () => {
    palette = null;
    pad?.draw();
    for (const row of rows.values()) row.fit();
    if (lastReply) show(lastReply);
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  let width = innerWidth;
  addEventListener('resize', () => {
    if (innerWidth === width) return;
    width = innerWidth;
    redraw();
  });
  addEventListener('beforeprint', () => rows.forEach(row => row.see(true)));
  addEventListener('hashchange', recall);
  recall();
}

start();
