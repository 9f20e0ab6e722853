// Drawings become what the model was trained on, as MNIST's were (LeCun et al. 1998): the box of the ink is brought to 20 of 28 pixels
// with its proportions, each pixel the mean of what it covers, and the center of mass moves to the middle.

// Row after row, 0 for paper to 255 for ink; `height` × `width` pixels of a drawing become `rows` × `columns`.
function prepareDrawing(ink, height, width, rows, columns) {
  const result = new Float32Array(rows * columns);
  let [top, bottom, left, right] = [height, -1, width, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x] === 0) continue;
      [top, bottom, left, right] = [Math.min(top, y), Math.max(bottom, y), Math.min(left, x), Math.max(right, x)];
    }
  }
  if (bottom < 0) return result;
  const [boxHeight, boxWidth] = [bottom - top + 1, right - left + 1];
  const box = Math.round(Math.min(rows, columns) * 20 / 28);
  const scale = box / Math.max(boxHeight, boxWidth);
  const [h, w] = [Math.max(1, Math.round(boxHeight * scale)), Math.max(1, Math.round(boxWidth * scale))];
  const small = reduced(ink, width, top, left, boxHeight, boxWidth, h, w);
  let [mass, x, y] = [0, 0, 0];
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      const value = small[row * w + column];
      mass += value;
      x += value * column;
      y += value * row;
    }
  }
  const place = (center, size, length) => Math.max(0, Math.min(length - size, Math.round((length - 1) / 2 - center)));
  const [up, across] = [place(y / mass, h, rows), place(x / mass, w, columns)];
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      result[(up + row) * columns + across + column] = Math.round(small[row * w + column]);
    }
  }
  return result;
}

// A part of an image on `h` × `w` pixels, each the mean over its area.
function reduced(ink, width, top, left, boxHeight, boxWidth, h, w) {
  const rows = shares(boxHeight, h), columns = shares(boxWidth, w);
  const result = new Float64Array(h * w);
  rows.forEach((parts, row) => {
    for (const [y, down] of parts) {
      columns.forEach((others, column) => {
        let sum = 0;
        for (const [x, across] of others) sum += across * ink[(top + y) * width + left + x];
        result[row * w + column] += down * sum;
      });
    }
  });
  return result;
}

// For each of `count` even parts of `length` pixels, which pixels it covers and what part of it each is.
function shares(length, count) {
  const size = length / count;
  return Array.from({length: count}, (_, part) => {
    const [from, to] = [part * size, (part + 1) * size];
    const covered = [];
    for (let pixel = Math.floor(from); pixel < Math.min(length, Math.ceil(to)); pixel++) {
      const overlap = Math.min(to, pixel + 1) - Math.max(from, pixel);
      if (overlap > 0) covered.push([pixel, overlap / size]);
    }
    return covered;
  });
}
