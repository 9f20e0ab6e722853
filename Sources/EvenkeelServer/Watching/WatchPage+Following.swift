extension WatchPage {
  /// When the page is drawn, and what it follows.
  static let following = #"""
    let isDue = false;
    // The time of a page that follows nothing.
    let still;

    function draw() {
      isDue = false;
      options.hidden = !shown().length;
      drawRuns();
      figures.clear();
      drawCurves();
      drawTrials();
      drawNorms();
      drawSettings();
      drawCursor();
      document.title = [...runs.values()].some(r => r.start && !r.end) && runs.size == 1 ? `${Math.floor(100 * [...runs.values()][0].progress)} % ${title}` : title;
    }

    // Four times a second at most.
    function changed() {
      if (isDue) return;
      isDue = true;
      setTimeout(() => requestAnimationFrame(draw), 250);
    }

    function follow() {
      const source = new EventSource('events' + (place ? '?after=' + encodeURIComponent(place) : ''));
      const state = find('#state');
      source.onopen = () => { state.textContent = 'Live: what is written now appears here.'; state.className = 'live'; };
      source.onerror = () => {
        state.textContent = 'The server does not answer. What is here stays, and goes on when it does.';
        state.className = 'lost';
        // A browser goes on by itself unless an answer told it not to.
        if (source.readyState == EventSource.CLOSED) setTimeout(follow, 2000);
      };
      source.addEventListener('runs', e => { list(JSON.parse(e.data)); changed(); });
      source.addEventListener('reset', e => { runs.get(JSON.parse(e.data).run)?.reset(); changed(); });
      for (const name of ['start', 'step', 'epoch', 'norms', 'trial', 'end'])
        source.addEventListener(name, e => {
          const {run, line} = JSON.parse(e.data);
          place = e.lastEventId;
          runs.get(run)?.take(line);
          changed();
        });
    }
    let place = '';

    options.addEventListener('change', changed);
    options.addEventListener('click', e => {
      if (e.target.tagName != 'BUTTON') return;
      for (const run of runs.values()) run.shown = e.target.value == 'all';
      changed();
    });
    options.onsubmit = e => e.preventDefault();
    new ResizeObserver(changed).observe(document.body);

    const data = find('#data');
    if (data) {
      const told = JSON.parse(data.textContent);
      still = told.time;
      list(told);
      for (const {run, lines} of told.runs) for (const line of lines) runs.get(run).take(line);
      find('#state').textContent = 'As of ' + new Date(1000 * still).toLocaleString('en', {dateStyle: 'long', timeStyle: 'short'}) + '.';
      draw();
    } else {
      title = document.title;
      // The time since a run was last heard of grows by itself.
      setInterval(changed, 5000);
      follow();
    }
    """#
}
