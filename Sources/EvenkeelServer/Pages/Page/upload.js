// Images from files, as the model takes them.

// Values for the model: row after row, channels last, 0 to 255.
function imageValues(bitmap, input) {
  if (input.height === 28 && input.width === 28 && input.channels === 1) return digitValues(bitmap, input);
  const {height, width, channels} = input;
  const canvas = make('canvas', {width, height});
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.imageSmoothingQuality = 'high';
  context.fillStyle = '#000';
  context.fillRect(0, 0, width, height);
  const [across, down] = [width / bitmap.width, height / bitmap.height];
  const scale = {fit: Math.min(across, down), crop: Math.max(across, down)}[input.resizing];
  const [w, h] = scale ? [bitmap.width * scale, bitmap.height * scale] : [width, height];
  context.drawImage(bitmap, (width - w) / 2, (height - h) / 2, w, h);
  const pixels = context.getImageData(0, 0, width, height).data;
  const values = new Float32Array(height * width * channels);
  for (let i = 0; i < height * width; i++) {
    if (channels === 1) values[i] = gray(pixels, 4 * i);
    else for (let c = 0; c < 3; c++) values[3 * i + c] = pixels[4 * i + c];
  }
  return values;
}

function gray(pixels, at) {
  return Math.round(0.299 * pixels[at] + 0.587 * pixels[at + 1] + 0.114 * pixels[at + 2]);
}

// A digit on any paper: what differs from the color of the edge is ink. One of 28 × 28 is taken as it is.
function digitValues(bitmap, input) {
  const side = 560;
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale))];
  const canvas = make('canvas', {width, height});
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height).data;
  const ink = Float32Array.from({length: width * height}, (_, i) => gray(pixels, 4 * i));
  const edge = [];
  for (let x = 0; x < width; x++) edge.push(ink[x], ink[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) edge.push(ink[y * width], ink[y * width + width - 1]);
  const paper = edge.sort((a, b) => a - b)[edge.length >> 1];
  const most = ink.reduce((most, value) => Math.max(most, Math.abs(value - paper)), 1);
  for (let i = 0; i < ink.length; i++) {
    const value = Math.abs(ink[i] - paper) / most * 255;
    // Noise of the paper is no ink.
    ink[i] = value < 40 ? 0 : value;
  }
  return width === 28 && height === 28 ? ink : prepareDrawing(ink, height, width, input.height, input.width);
}

// A picture of values that the model takes.
function pictureOf(values, input) {
  const {height, width, channels} = input;
  const canvas = make('canvas', {width, height});
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = values[channels === 1 ? i : channels * i + c];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
