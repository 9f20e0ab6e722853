extension WatchPage {
  /// What the page is made of, and what it follows.
  static let view = #"""
    const find = (selector, root = document) => root.querySelector(selector);
    const make = html => { const t = document.createElement('template'); t.innerHTML = html; return t.content.firstElementChild; };
    const options = find('#options');
    const shown = () => [...runs.values()].filter(r => r.shown && r.start);
    const order = run => [...runs.values()].indexOf(run);

    // The children of `root`, one for each of `keys`, in their order; what is there stays, and keeps the focus.
    function children(root, keys, create) {
      const there = new Map([...root.children].map(e => [e.dataset.key, e]));
      keys.forEach((key, i) => {
        let element = there.get(key);
        if (!element) { element = create(key); element.dataset.key = key; }
        there.delete(key);
        if (root.children[i] != element) root.insertBefore(element, root.children[i] ?? null);
      });
      for (const element of there.values()) element.remove();
      return [...root.children];
    }

    // Runs, each with what it is at.

    function status(run) {
      if (!run.start) return ['waiting', 'undecided'];
      if (run.start.schema > 1) return ['by a newer version', 'doubtful'];
      if (run.end) return [run.end.status, {finished: 'supported', failed: 'not-supported'}[run.end.status] ?? 'doubtful'];
      const silent = (still ?? Date.now() / 1000) - run.heard;
      return silent > 120 ? ['silent for ' + duration(silent), 'doubtful'] : ['running', 'running'];
    }

    function facts(run) {
      const {latest, start, end} = run, validation = (name, unit, best) => {
        const curve = run.curves.get(name + ' validation');
        return curve ? [['Validation ' + name, say(curve.latest, unit), best && curve.points.length > 1 ? 'best ' + say(curve.best(best), unit) : '']] : [];
      };
      if (!start) return [];
      if (start.trials) {
        const scores = run.curves.get('score');
        return [
          ['Trials', `${say(latest.step ?? 0, 'count')} of ${say(start.trials, 'count')}`, ''], ['Best score', say(scores?.best(1), 'plain'), ''],
          ['Diverged', say(run.trials.filter(t => t.diverged).length, 'count'), ''],
          end ? ['Took', duration(run.elapsed), ''] : ['Time left', latest.secondsLeft === undefined ? '' : duration(latest.secondsLeft), ''],
        ];
      }
      const epoch = Math.min(start.epochs, latest.epoch ?? 0);
      return [
        ['Epoch', `${say(epoch, 'count')} of ${say(start.epochs, 'count')}`, `step ${say(latest.step ?? start.step, 'count')}`],
        ['Loss', say(run.curves.get('loss train')?.latest, 'plain'), ''],
        ...(run.curves.has('accuracy train') ? [['Accuracy', say(run.curves.get('accuracy train').latest, 'share'), '']] : []),
        ...(run.curves.has('rmse train') ? [['RMSE', say(run.curves.get('rmse train').latest, 'plain'), '']] : []),
        ...validation('loss', 'plain', -1), ...validation('accuracy', 'share', 1), ...validation('rmse', 'plain', -1),
        ...(end?.testLoss === undefined ? [] : [['Test', say(end.testAccuracy ?? end.testRMSE ?? end.testLoss, end.testAccuracy === undefined ? 'plain' : 'share'), 'loss ' + say(end.testLoss, 'plain')]]),
        ['Examples/s', say(latest.examplesPerSecond, 'count'), ''],
        end ? ['Took', duration(run.elapsed), ''] : ['Time left', latest.secondsLeft === undefined ? '' : duration(latest.secondsLeft), duration(run.elapsed) + ' so far'],
      ];
    }

    function card(key) {
      const element = make(`<article class="run"><div class="head"><label><input type="checkbox"><span></span><b></b></label><button type="button">Only</button><span class="badge"></span></div><progress max="1"></progress><dl></dl><p class="message"></p></article>`);
      find('input', element).onchange = e => { runs.get(key).shown = e.target.checked; changed(); };
      find('button', element).onclick = () => { for (const run of runs.values()) run.shown = run.key == key; changed(); };
      return element;
    }

    function drawRuns() {
      const several = runs.size > 1;
      find('#nothing').hidden = runs.size > 0;
      for (const element of children(find('#runs'), [...runs.keys()], card)) {
        const run = runs.get(element.dataset.key), [word, tone] = status(run), progress = run.progress;
        find('input', element).checked = run.shown;
        find('input', element).hidden = find('button', element).hidden = !several;
        find('label span', element).innerHTML = several ? swatch(styleOf(order(run))) : '';
        find('b', element).textContent = run.name;
        const badge = find('.badge', element);
        badge.className = 'badge ' + tone;
        badge.textContent = word;
        const bar = find('progress', element);
        bar.setAttribute('aria-label', 'Progress of ' + run.name);
        if (progress === undefined) bar.removeAttribute('value'); else bar.value = progress;
        bar.hidden = progress === undefined;
        find('dl', element).innerHTML = facts(run).map(([name, value, note]) => `<div><dt>${text(name)}</dt><dd><b>${text(value) || '–'}</b>${note ? ` <small>${text(note)}</small>` : ''}</dd></div>`).join('');
        find('.message', element).textContent = run.end?.message ?? '';
      }
      find('#all').hidden = !several;
    }

    // Curves.

    const titles = {loss: 'Loss', accuracy: 'Accuracy', rmse: 'RMSE', 'learning rate': 'Learning rate', 'examples per second': 'Examples per second'};
    const figures = new Map();

    // The names of the pictures that there are values for, with the curves in each.
    function pictures() {
      const found = new Map();
      for (const run of shown()) for (const name of run.curves.keys()) {
        if (name == 'score') continue;
        const part = name.match(/ (train|validation)$/)?.[1], picture = part ? name.slice(0, -part.length - 1) : name;
        if (!found.has(picture)) found.set(picture, new Set());
        found.get(picture).add(part ?? '');
      }
      const rank = ['loss', 'accuracy', 'rmse'], last = ['learning rate', 'examples per second'];
      const place = name => rank.includes(name) ? rank.indexOf(name) : last.includes(name) ? 100 + last.indexOf(name) : 50;
      return new Map([...found].sort((a, b) => place(a[0]) - place(b[0])));
    }

    function figure(key) {
      const element = make(`<figure><h3></h3><p class="legend"></p><div class="plot" tabindex="0" role="img"></div><div class="tip" hidden></div></figure>`);
      const plot = find('.plot', element);
      plot.onpointermove = e => point(key, plotX(key, e.clientX - plot.getBoundingClientRect().left));
      plot.onpointerleave = () => { if (document.activeElement != plot) point(null); };
      plot.onblur = () => point(null);
      plot.onkeydown = e => {
        const steps = {ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9, Escape: 0}, by = steps[e.key];
        if (by === undefined) return;
        e.preventDefault();
        if (!by) return point(null);
        const xs = [...new Set(figures.get(key).lines.flatMap(l => l.points.map(p => p[0])))].sort((a, b) => a - b);
        const here = cursor?.key == key ? xs.findIndex(v => v >= cursor.x) : by > 0 ? -1 : xs.length;
        point(key, xs[Math.min(Math.max(here + by, 0), xs.length - 1)]);
        find('#spoken').textContent = [...find('.tip', element).children].map(p => p.textContent.trim().replace(/\s+/g, ' ')).join(', ');
      };
      return element;
    }

    // Draws `lines` into the figure `element`.
    function plot(element, key, chart, lines) {
      const box = find('.plot', element), width = Math.floor(box.clientWidth);
      if (!width) return;
      const xs = range(lines.flatMap(l => l.points.map(p => p[0]))), ys = range(lines.flatMap(l => l.points.map(p => p[1])));
      if (!xs || !ys) { box.innerHTML = '<p class="absence">No finite value yet.</p>'; return; }
      chart = {xRange: xs, yRange: ys, ...chart};
      const by = {step: 'by step', epoch: 'by epoch', seconds: 'over time'}[chart.xTitle];
      find('h3', element).innerHTML = text(chart.title) + (by ? ` <small>${by}</small>` : '');
      find('.legend', element).innerHTML = lines.filter(l => l.name).map(l => `<span>${swatch(l.style, l)} ${text(l.name)}${l.latest === undefined ? '' : ` <b>${say(l.latest, chart.unit)}</b>`}</span>`).join('');
      box.setAttribute('aria-label', `${chart.title}, from ${say(ys[0], chart.unit)} to ${say(ys[1], chart.unit)}. Arrow keys read values.`);
      box.innerHTML = drawing(chart, lines, width);
      figures.set(key, {element, chart, lines});
    }

    function drawCurves() {
      const axis = options.x.value, several = shown().length > 1, found = pictures();
      const xUnit = axis == 'seconds' ? 'seconds' : axis == 'epoch' ? 'plain' : 'count';
      const root = find('#curves');
      root.parentElement.hidden = !found.size;
      for (const element of children(root, [...found.keys()], figure)) {
        const name = element.dataset.key, parts = found.get(name), lines = [];
        for (const run of shown()) for (const part of parts) {
          const curve = run.curves.get(part ? name + ' ' + part : name);
          if (!curve) continue;
          const points = curve.points.map(p => [run.x(p, axis), p.value]);
          const style = several ? styleOf(order(run)) : part == 'validation' ? 'without' : 'with';
          lines.push({
            points, style, thin: several && part == 'train' || points.length > 300 && name != 'learning rate', dots: part == 'validation' && points.length < 60,
            name: several ? '' : part || '', spoken: [several ? run.name : '', part].filter(x => x).join(', '), latest: curve.latest,
          });
        }
        plot(element, name, {title: titles[name] ?? name, unit: name == 'accuracy' ? 'share' : 'plain', xUnit, xTitle: axis, logarithmic: name == 'loss' && options.logarithmic.checked}, lines);
        if (several && parts.size > 1) find('.legend', element).innerHTML = `<span>${swatch('dark', {thin: true})} train</span><span>${swatch('dark', {dots: true})} validation</span>`;
      }
    }

    // Trials of a sweep or the laboratory.

    function drawTrials() {
      const root = find('#trials'), told = shown().filter(r => r.trials.length);
      root.parentElement.hidden = !told.length;
      const views = {
        'by order': {title: 'Score of each trial', xUnit: 'count', x: t => t.step},
        'by rate': {title: 'Score by learning rate', xUnit: 'power', x: t => Math.log10(t.settings?.learningRate)},
      };
      for (const element of children(root, told.length ? Object.keys(views) : [], figure)) {
        const view = views[element.dataset.key], groups = new Map();
        for (const run of told) for (const trial of run.trials) {
          const name = told.length > 1 ? run.name : trial.settings?.normalization ?? '';
          if (!groups.has(name)) groups.set(name, []);
          if (!trial.diverged) groups.get(name).push([view.x(trial), trial.score]);
        }
        const names = [...groups.keys()];
        plot(element, element.dataset.key, {title: view.title, unit: 'plain', xUnit: view.xUnit}, names.map((name, i) => ({
          points: groups.get(name).filter(p => Number.isFinite(p[0])).sort((a, b) => a[0] - b[0]), style: styleOf(i), mark: marks[i % marks.length], name, spoken: name,
        })));
      }
    }

    // Norms, a row each.

    function drawNorms() {
      const root = find('#norms'), axis = options.x.value, several = shown().length > 1;
      const layers = [...new Set(shown().flatMap(r => [...r.norms.keys()]))];
      root.parentElement.hidden = !layers.length;
      const ranges = {}, used = measures.filter(({key}) => (ranges[key] = range(shown().flatMap(r => [...r.norms.values()].flatMap(n => n.curves[key]?.points.map(p => p.value) ?? [])))));
      const xRange = range(shown().flatMap(r => [...r.norms.values()].flatMap(n => Object.values(n.curves).flatMap(c => c.points.map(p => r.x(p, axis))))));
      root.style.setProperty('--columns', used.length);
      for (const element of children(root, layers.length ? ['', ...layers] : [], () => make('<div class="norm"></div>'))) {
        const layer = element.dataset.key;
        if (!layer) {
          element.className = 'norm names';
          element.innerHTML = '<div></div>' + used.map(m => `<div><h3>${m.name}</h3><p>${m.note}</p></div>`).join('');
          continue;
        }
        const features = shown().map(r => r.norms.get(layer)?.features).find(n => n);
        const cells = [...children(element, ['', ...used.map(m => m.key)], key => make(key ? '<div class="mini"><p><span></span><b></b></p><div class="plot"></div></div>' : '<div class="layer"></div>'))];
        cells[0].innerHTML = `<b>${text(layer)}</b> <small>${say(features, 'count')} features</small>`;
        used.forEach((measure, i) => {
          const cell = cells[i + 1], lines = [];
          for (const run of shown()) {
            const curve = run.norms.get(layer)?.curves[measure.key];
            if (curve) lines.push({points: curve.points.map(p => [run.x(p, axis), p.value]), style: several ? styleOf(order(run)) : 'with', thin: true, latest: curve.latest});
          }
          find('span', cell).textContent = measure.name;
          find('b', cell).innerHTML = (lines.length > 3 ? [] : lines).map(l => `<span class="value ${several ? l.style : ''}">${say(l.latest, measure.unit)}</span>`).join(' ');
          const width = Math.floor(find('.plot', cell).clientWidth);
          if (width) find('.plot', cell).innerHTML = lines.length ? drawing({small: true, xRange, yRange: ranges[measure.key], unit: measure.unit, spoken: `${measure.name} of ${layer}`}, lines, width) : '';
        });
      }
    }

    // Settings, side by side.

    function drawSettings() {
      const told = shown(), root = find('#settings');
      root.parentElement.hidden = !told.length;
      const names = [...new Set(told.flatMap(r => Object.keys(r.start.settings ?? {})))];
      const words = name => name.replace(/[A-Z]/g, c => ' ' + c.toLowerCase()).replace(/^./, c => c.toUpperCase());
      const row = (name, of, compares = false) => {
        const values = told.map(of);
        return values.some(v => v) ? `<tr class="${compares && new Set(values).size > 1 ? 'differs' : ''}"><th scope="row">${text(name)}</th>${values.map(v => `<td>${text(v ?? '').replace(/--[a-z-]+/g, '<span class="option">$&</span>')}</td>`).join('')}</tr>` : '';
      };
      root.innerHTML = `<table><thead${told.length > 1 ? '' : ' class="spoken"'}><tr><th scope="col"></th>${told.map(r => `<th scope="col">${text(r.name)}</th>`).join('')}</tr></thead><tbody>`
        + names.map(n => row(words(n), r => { const v = r.start.settings?.[n]; return typeof v == 'number' ? say(v, 'plain') : v; }, true)).join('')
        + row('Examples', r => r.start.examples && say(r.start.examples, 'count'), true) + row('Data', r => r.start.data?.join('; '))
        + row('Machine', r => r.start.machine) + row('Command', r => r.start.command) + '</tbody></table>';
    }

    // The place that is looked at.

    let cursor = null;

    function plotX(key, pixels) {
      const place = figures.get(key)?.chart.place;
      return place && place.x0 + (place.x1 - place.x0) * Math.min(1, Math.max(0, (pixels - place.left) / (place.right - place.left)));
    }

    function point(key, x) {
      cursor = key == null || x === undefined ? null : {key, x};
      drawCursor();
    }

    function drawCursor() {
      for (const [key, {element, chart, lines}] of figures) {
        const tip = find('.tip', element), line = find('.cursor', element);
        tip.hidden = cursor?.key != key;
        if (!line) continue;
        const near = l => l.points.reduce((best, p) => Number.isFinite(p[1]) && (!best || Math.abs(p[0] - cursor.x) < Math.abs(best[0] - cursor.x)) ? p : best, null);
        const same = cursor && (cursor.key == key || figures.get(cursor.key)?.chart.xTitle && figures.get(cursor.key).chart.xTitle == chart.xTitle);
        line.setAttribute('visibility', same ? 'visible' : 'hidden');
        if (!same) continue;
        const at = cursor.key == key ? near(lines.find(near) ?? {points: []})?.[0] ?? cursor.x : cursor.x;
        const px = chart.place.x(Math.min(Math.max(at, chart.place.x0), chart.place.x1));
        line.setAttribute('x1', px);
        line.setAttribute('x2', px);
        if (tip.hidden) continue;
        const head = {step: 'step ', epoch: 'epoch ', seconds: ''}[chart.xTitle] ?? '';
        tip.innerHTML = `<p>${head}${say(at, chart.xUnit)}</p>` + lines.map(l => [l, near(l)]).filter(([, p]) => p).map(([l, p]) => `<p>${swatch(l.style, l)} ${text(l.spoken)} <b>${say(p[1], chart.unit)}</b></p>`).join('');
        const plotBox = find('.plot', element), room = plotBox.clientWidth;
        tip.style.left = Math.min(Math.max(0, px < room / 2 ? px + 12 : px - tip.offsetWidth - 12), Math.max(0, room - tip.offsetWidth)) + 'px';
        tip.style.top = plotBox.offsetTop + 6 + 'px';
      }
    }
    """#
}
