extension WatchPage {
  /// How numbers and charts are drawn.
  static let charts = #"""
    const grouped = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
    const text = s => String(s).replace(/[&<>"]/g, c => '&#' + c.charCodeAt(0) + ';');

    // Numbers as people read them, by unit.
    const units = {
      plain: v => v == 0 ? '0' : Math.abs(v) >= 1e7 || Math.abs(v) < 1e-4 ? v.toExponential(1).replace('e+', 'e') : Math.abs(v) >= 1000 ? grouped.format(v) : String(+v.toPrecision(4)),
      share: v => +(100 * v).toFixed(Math.abs(v) < .1 && v != 0 ? 2 : 1) + '\u00a0%',
      count: v => grouped.format(v),
      seconds: v => duration(v),
      // Of a logarithm.
      power: v => units.plain(+(10 ** v).toPrecision(2)),
    };
    const say = (v, unit) => v === undefined ? '' : Number.isFinite(v) ? units[unit](v) : 'not finite';

    function duration(seconds) {
      const s = Math.round(seconds);
      if (s < 60) return s + ' s';
      if (s >= 172800) return Math.floor(s / 86400) + ' days';
      if (s < 3600) return Math.floor(s / 60) + ' min' + (s % 60 && s < 600 ? ' ' + s % 60 + ' s' : '');
      return Math.floor(s / 3600) + ' h' + (Math.floor(s % 3600 / 60) ? ' ' + Math.floor(s % 3600 / 60) + ' min' : '');
    }

    // Round numbers in [low, high], about `count` of them.
    function ticks(low, high, count, unit) {
      const span = high - low || Math.abs(high) || 1, raw = span / count;
      let step = 10 ** Math.floor(Math.log10(raw));
      if (unit == 'seconds' && raw > 1) step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400].find(s => s >= raw) ?? Math.ceil(raw / 86400) * 86400;
      else step *= [1, 2, 5, 10].find(m => m * step >= raw * .999);
      const values = [];
      for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) values.push(+(k * step).toPrecision(12));
      return values;
    }

    function powers(low, high) {
      const values = [];
      for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
        for (const m of high / low < 30 ? [1, 2, 5] : [1]) if (m * 10 ** e >= low * .999 && m * 10 ** e <= high * 1.001) values.push(+(m * 10 ** e).toPrecision(3));
      return values;
    }

    // The lines and axes of a chart as SVG. `lines` are {points: [[x, y]…], style, thin, dots}, or have a mark for
    // each point in place of a line.
    function drawing(chart, lines, width) {
      const small = chart.small, height = small ? 84 : Math.max(200, Math.min(260, width * .5));
      const {xRange: [x0, x1], yRange, unit} = chart;
      const logarithmic = chart.logarithmic && yRange[0] > 0, f = logarithmic ? Math.log10 : v => v;
      let [y0, y1] = yRange;
      if (logarithmic) { y0 /= 1.1; y1 *= 1.1; }
      else {
        // Zero is part of the picture where it is near.
        if (y0 >= 0 && y0 <= .4 * (y1 - y0) || y0 == y1) y0 = Math.min(0, y0);
        const pad = (y1 - y0) * .06 || 1;
        y1 += pad;
        if (y0 != 0) y0 -= pad;
      }
      const yTicks = logarithmic ? powers(y0, y1) : ticks(y0, y1, 5);
      const labels = yTicks.map(v => units[unit](v));
      const left = small ? 0 : Math.max(...labels.map(l => l.length), 2) * 7.2 + 10, bottom = small ? 6 : 26, top = small ? 6 : 10, right = 8;
      const x = v => left + (width - left - right) * (x1 > x0 ? (v - x0) / (x1 - x0) : .5);
      const y = v => top + (height - top - bottom) * (1 - (f(v) - f(y0)) / (f(y1) - f(y0)));
      const at = v => v.toFixed(1);
      let svg = `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${chart.spoken ? `role="img" aria-label="${text(chart.spoken)}"` : 'aria-hidden="true"'}>`;
      if (small) for (const v of [y1, y0]) svg += `<line class="grid" x1="0" x2="${width}" y1="${at(y(v))}" y2="${at(y(v))}"/>`;
      else {
        yTicks.forEach((v, i) => svg += `<line class="grid" x1="${at(left)}" x2="${width - right}" y1="${at(y(v))}" y2="${at(y(v))}"/><text class="tick" text-anchor="end" x="${at(left - 8)}" y="${at(y(v) + 4)}">${labels[i]}</text>`);
        svg += `<line class="axis" x1="${at(left)}" x2="${width - right}" y1="${height - bottom}" y2="${height - bottom}"/>`;
        for (const v of ticks(x0, x1, Math.max(3, Math.floor(width / 80)), chart.xUnit)) {
          const label = units[chart.xUnit](v), half = label.length * 3.4;
          svg += `<text class="tick" text-anchor="middle" x="${at(Math.min(Math.max(x(v), half), width - half))}" y="${height - 8}">${label}</text>`;
        }
      }
      for (const line of lines) {
        let path = '', dots = '', alone = true;
        line.points.forEach(([px, py], i) => {
          if (!Number.isFinite(py) || logarithmic && py <= 0) { alone = true; return; }
          path += (alone ? 'M' : 'L') + at(x(px)) + ' ' + at(y(py));
          alone = false;
          const neighbor = line.points[i + 1]?.[1];
          if (line.mark) dots += line.mark(at(x(px)), at(y(py)));
          else if (line.dots || i == line.points.length - 1 || path.endsWith('M') && !Number.isFinite(neighbor)) dots += `<circle class="dot" r="${line.dots ? 3 : 3.5}" cx="${at(x(px))}" cy="${at(y(py))}"/>`;
        });
        svg += `<g class="${line.style}">${line.mark ? '' : `<path class="line${line.thin ? ' thin' : ''}" d="${path}"/>`}${dots}</g>`;
      }
      chart.place = {x, y, left, right: width - right, top, bottom: height - bottom, x0, x1};
      return svg + `<line class="cursor" y1="${top}" y2="${height - bottom}" visibility="hidden"/></svg>`;
    }

    // The smallest and the largest finite value; undefined if there is none.
    function range(values) {
      let low = Infinity, high = -Infinity;
      for (const v of values) if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
      return low <= high ? [low, high] : undefined;
    }

    // The style of the n-th run: no two of the first 49 have the same color and dashes.
    const styles = ['with', 'without', 'other0', 'other1', 'other2', 'other3', 'other4'];
    const styleOf = n => styles[n % 7] + (n < 7 ? '' : ` dash${(n + Math.floor(n / 7)) % 7}`);
    // Marks of points that no line connects, told apart by their form.
    const marks = [
      (x, y) => `<circle class="dot" r="3.2" cx="${x}" cy="${y}"/>`,
      (x, y) => `<circle class="hollow" r="2.8" cx="${x}" cy="${y}"/>`,
      (x, y) => `<rect class="dot" x="${x - 3}" y="${y - 3}" width="6" height="6"/>`,
      (x, y) => `<path class="hollow" d="M${x} ${y - 3.5}l3.5 6h-7z"/>`,
    ];
    const swatch = (style, {thin, dots, mark} = {}) => mark ? `<svg class="swatch" width="12" height="12" viewBox="0 0 12 12" aria-hidden="true"><g class="${style}">${mark(6, 6)}</g></svg>` : `<svg class="swatch" width="34" height="12" viewBox="0 0 34 12" aria-hidden="true"><g class="${style}"><path class="line${thin ? ' thin' : ''}" d="M1 6H33"/>${dots ? '<circle class="dot" r="3.5" cx="17" cy="6"/>' : ''}</g></svg>`;
    """#
}
