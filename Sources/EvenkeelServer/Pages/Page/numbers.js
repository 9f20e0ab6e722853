'use strict';
// What several parts of the page use: numbers as text, elements, bytes in text, and colors for values.

const model = JSON.parse(document.getElementById('model').textContent);
const byId = id => document.getElementById(id);

// Four significant digits with a true minus sign.
function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) {
    const [factor, exponent] = value.toExponential(2).split('e');
    const power = String(Number(exponent)).replaceAll('-', '⁻').replace(/\d/g, digit => '⁰¹²³⁴⁵⁶⁷⁸⁹'[digit]);
    return `${Number(factor)}·10${power}`.replace('-', '−').replace(/^(−?)1·/, '$1');
  }
  return (size >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)))).replace('-', '−');
}

// A number that programs read too: <data value="0.12345">0.1235</data>.
function numberElement(value, className, text) {
  const element = document.createElement('data');
  element.value = String(value);
  element.textContent = text ?? short(value);
  if (className) element.className = className;
  return element;
}

// An element with attributes and children: other elements, or text.
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

function svg(name, attributes, text) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function bytesOf(base64) {
  const text = atob(base64.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function base64Of(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

// Colors for values from −1 to 1: as light as the page at 0, darker (at night lighter) with size; negative ones stay nearer to the
// page than positive ones, so that they differ in more than hue. 511 entries, red, green and blue each.
let palette = null;
function colors() {
  if (palette) return palette;
  const style = getComputedStyle(document.documentElement);
  const read = name => {
    const hex = style.getPropertyValue(name).trim().slice(1);
    return [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16));
  };
  const [zero, positive, negative] = ['--zero', '--positive', '--negative'].map(read);
  palette = new Uint8Array(511 * 3);
  for (let i = -255; i <= 255; i++) {
    const share = Math.pow(Math.abs(i) / 255, 0.75);
    const end = i < 0 ? negative : positive;
    for (let c = 0; c < 3; c++) palette[(i + 255) * 3 + c] = Math.round(zero[c] + (end[c] - zero[c]) * share);
  }
  return palette;
}

// Where the color of `value` begins in `colors()`, if `most` has the strongest.
function colorIndex(value, most) {
  const share = most > 0 ? value / most : 0;
  return (Math.round(Math.max(-1, Math.min(1, share)) * 255) + 255) * 3;
}

// Fills `image`, from pixel `start` on, with the colors of values.
function paint(image, start, values, most) {
  const table = colors();
  for (let i = 0; i < values.length; i++) {
    const color = colorIndex(values[i], most);
    const pixel = (start + i) * 4;
    image.data[pixel] = table[color];
    image.data[pixel + 1] = table[color + 1];
    image.data[pixel + 2] = table[color + 2];
    image.data[pixel + 3] = 255;
  }
}
