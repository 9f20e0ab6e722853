// The pad: strokes as points on a grid of 256 × 256, which is also how the address holds them, so that a drawing that comes from an
// address is the same to the last pixel.

const padSide = 280;
const grid = 256;
const penWidth = 18;

class Pad {
  // `changed` is called with the time of the event after every change.
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.strokes = [];
    this.picture = null;
    // What the model sees does not depend on the screen: it is read from a canvas of a fixed size.
    this.fixed = document.createElement('canvas');
    this.fixed.width = this.fixed.height = padSide;
    canvas.addEventListener('pointerdown', event => this.begin(event));
    canvas.addEventListener('pointermove', event => this.move(event));
    for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, event => this.end(event));
  }

  get isEmpty() { return this.strokes.length === 0 && !this.picture; }

  begin(event) {
    if (event.button !== 0 || this.pointer !== undefined) return;
    // A stroke that leaves the pad ends all the same.
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.picture = null;
    this.strokes.push([this.point(event)]);
    this.draw();
    this.changed(event.timeStamp);
    event.preventDefault();
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const stroke = this.strokes.at(-1);
    const between = event.getCoalescedEvents?.() ?? [];
    for (const part of between.length ? between : [event]) {
      const [x, y] = this.point(part);
      const [lastX, lastY] = stroke.at(-1);
      if (Math.hypot(x - lastX, y - lastY) >= 2.5) stroke.push([x, y]);
    }
    this.draw();
    this.changed(event.timeStamp);
  }

  end(event) {
    if (event.pointerId === this.pointer) this.pointer = undefined;
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const on = (value, start, length) => Math.max(0, Math.min(grid - 1, Math.round((value - start) / length * grid - 0.5)));
    return [on(event.clientX, box.left, box.width), on(event.clientY, box.top, box.height)];
  }

  // Nothing is on the pad any more.
  clear() {
    [this.strokes, this.picture, this.pointer] = [[], null, undefined];
    this.draw();
  }

  // Shows an image in place of strokes.
  show(picture) {
    this.clear();
    this.picture = picture;
    this.draw();
  }

  draw() {
    const side = Math.round(this.canvas.clientWidth * (window.devicePixelRatio || 1)) || padSide;
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    const context = this.canvas.getContext('2d');
    context.clearRect(0, 0, side, side);
    if (this.picture) {
      context.imageSmoothingEnabled = false;
      context.drawImage(this.picture, 0, 0, side, side);
    }
    this.stroke(context, side, getComputedStyle(this.canvas).color);
  }

  stroke(context, side, color) {
    context.strokeStyle = color;
    context.lineWidth = penWidth * side / padSide;
    context.lineCap = context.lineJoin = 'round';
    const on = value => (value + 0.5) / grid * side;
    for (const stroke of this.strokes) {
      context.beginPath();
      context.moveTo(on(stroke[0][0]), on(stroke[0][1]));
      for (const [x, y] of stroke) context.lineTo(on(x), on(y));
      // A line of no length at all is not drawn.
      if (stroke.length === 1) context.lineTo(on(stroke[0][0]) + 0.01, on(stroke[0][1]));
      context.stroke();
    }
  }

  // The strokes as ink, 280 × 280, 0 to 255.
  ink() {
    const context = this.fixed.getContext('2d', {willReadFrequently: true});
    context.clearRect(0, 0, padSide, padSide);
    this.stroke(context, padSide, '#fff');
    const pixels = context.getImageData(0, 0, padSide, padSide).data;
    const ink = new Uint8Array(padSide * padSide);
    for (let i = 0; i < ink.length; i++) ink[i] = pixels[4 * i + 3];
    return ink;
  }

  // The strokes as text: for each the number of its points, then these.
  get text() {
    const bytes = [];
    for (const stroke of this.strokes) {
      for (let start = 0; start < stroke.length; start += 254) {
        const part = stroke.slice(Math.max(0, start - 1), start + 254);
        bytes.push(part.length, ...part.flat());
      }
    }
    return base64Of(bytes);
  }

  set text(text) {
    const bytes = bytesOf(text);
    const strokes = [];
    for (let at = 0; at < bytes.length;) {
      const count = bytes[at++];
      const stroke = [];
      for (let i = 0; i < count && at + 1 < bytes.length; i++, at += 2) stroke.push([bytes[at], bytes[at + 1]]);
      if (stroke.length) strokes.push(stroke);
    }
    this.clear();
    this.strokes = strokes;
    this.draw();
  }
}
