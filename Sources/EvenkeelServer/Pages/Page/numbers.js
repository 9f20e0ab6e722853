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
// page than positive ones, so that they differ in more than hue. `table` has 511 of them, as pixels of an image.
let palette = null;
function colors() {
  if (palette) return palette;
  const style = getComputedStyle(document.documentElement);
  const [zero, positive, negative] = ['--zero', '--positive', '--negative'].map(name => style.getPropertyValue(name).trim());
  const parts = hex => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
  const bytes = new Uint8Array(511 * 4);
  for (let i = -255; i <= 255; i++) {
    const share = Math.pow(Math.abs(i) / 255, 0.75);
    const [from, to] = [parts(zero), parts(i < 0 ? negative : positive)];
    bytes.set([0, 1, 2].map(c => Math.round(from[c] + (to[c] - from[c]) * share)).concat(255), 4 * (i + 255));
  }
  palette = {table: new Uint32Array(bytes.buffer), zero, positive, negative};
  return palette;
}

// The place in the table of the color of `value`, if `most` has the strongest, and how far it moves for each `step`.
function colorLine(value, step, most) {
  const scale = most > 0 ? 255 / most : 0;
  return [255.5 + value * scale, step * scale];
}
