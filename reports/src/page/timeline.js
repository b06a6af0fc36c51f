'use strict';
// The timeline of one case: faults, curves, log and events on one axis. Lanes lie below one another as CSS lays them out;
// this measures them, has drawing.js draw over all of them in one SVG, so that a fault is one shade from top to bottom, and
// answers mouse and keys.
unstuck.timeline = (() => {
  const { svg, html, number, span, last, at, short, kinds, others, ROW, Drawing } = unstuck;
  const HEIGHTS = { axis: 46, faults: 0, progress: 104, attempts: 72, streams: 96, conns: 64, traffic: 56, inFlight: 44, tasks: 44 };
  const BAR = 26;      // the height of a lane of bars
  const LISTED = 250;  // so many events are in the list at once
  const NARROWEST = 2; // milliseconds: what the deepest zoom shows

  class Timeline extends Drawing {
    constructor(figure, data) {
      super();
      this.figure = figure;
      this.data = data;
      for (const lane of data.lanes) for (const curve of lane.curves) {
        let time = 0;
        curve.times = curve.t.map((since) => (time += since));
      }
      this.colours(data.lanes.filter((lane) => lane.curves.every((curve) => curve.name.includes('->'))));
      // the budget is part of the picture unless it lies far behind the end
      this.end = Math.max(1, data.budget <= data.end * 1.4 ? Math.max(data.end, data.budget) : data.end);
      this.from = 0;
      this.to = this.end;
      this.cursor = null;   // where the pointer or the keys are, in milliseconds
      this.build();
      new ResizeObserver(() => this.later()).observe(this.plot);
      this.draw();
    }

    // a link has one colour in all lanes; where it never had anything it has no curve
    colours(lanes) {
      const names = new Map();
      for (const lane of lanes) for (const curve of lane.curves) {
        curve.hidden = curve.v.every((value) => value === 0);
        if (!curve.hidden && !names.has(curve.name)) names.set(curve.name, names.size);
      }
      for (const lane of lanes) for (const [place, curve] of lane.curves.filter((curve) => !curve.hidden).entries()) {
        const index = names.get(curve.name);
        // equal curves lie beside one another, not behind
        curve.lift = Math.min(place * 1.6, 8);
        curve.colour = 'c' + (index % 8) + (index >= 8 ? ' dashed' : '');
      }
    }

    // === what is built once ===

    build() {
      const bar = html('div', 'bar');
      this.range = html('span', 'range');
      const button = (label, text, act) => {
        const made = html('button', '', text);
        made.type = 'button';
        made.setAttribute('aria-label', label);
        made.title = label;
        made.addEventListener('click', act);
        bar.append(made);
        return made;
      };
      bar.append(this.range);
      button('zoom in', '+', () => this.zoom(0.5));
      this.out = button('zoom out', '−', () => this.zoom(2));
      this.reset = button('show all', 'all', () => this.show(0, this.end));
      const hint = html('span', 'dim hint', 'drag or Ctrl + wheel to zoom; keys ← → + − 0');
      bar.append(hint);

      this.plot = html('div', 'plot');
      this.plot.tabIndex = 0;
      this.plot.setAttribute('role', 'application');
      this.plot.setAttribute('aria-label',
        'timeline: arrow keys move along it, plus and minus zoom, 0 shows all, Home and End go to the ends');
      this.svg = svg('svg', { 'aria-hidden': 'true', class: 'drawing' });
      this.plot.append(this.svg);
      this.lanes = [];
      this.lane('axis', '', HEIGHTS.axis);
      if (this.data.faults.length) this.faulty();
      else this.lane('faults', 'faults', ROW, 'no faults');
      for (const lane of this.data.lanes) {
        const seen = lane.top > 0 || lane.id === 'progress';
        const made = this.lane(lane.id, lane.title, seen ? HEIGHTS[lane.id] : ROW, seen ? undefined : 'none seen');
        made.data = seen ? lane : null;
        if (seen) this.legend(made, lane);
      }
      // dumps have their marks on the axis
      const told = this.data.events.filter(([, kind]) => others(kind) && kind !== 'dump');
      const events = this.lane('happened', 'events', ROW, told.length ? undefined : 'none');
      events.told = told;
      for (const density of this.data.densities) {
        const made = this.lane('density', density.name, density.counts.length ? BAR : ROW,
          density.counts.length ? undefined : 'none');
        made.density = density.counts.length ? density : null;
        if (made.density) made.value = made.head.appendChild(html('span', 'now'));
      }
      this.said = html('p', 'sr');
      this.said.setAttribute('aria-live', 'polite');
      this.figure.prepend(bar, this.plot, this.said, this.list());
      this.listen();
    }

    lane(id, title, height, empty) {
      const row = html('div', 'lane ' + id);
      const head = html('div', 'head');
      if (title) head.append(html('span', 'title', title));
      const area = html('div', 'area');
      area.style.minHeight = height + 'px';
      if (empty) area.append(html('span', 'empty', empty));
      row.append(head, area);
      this.plot.append(row);
      const lane = { id, head, area };
      this.lanes.push(lane);
      return lane;
    }

    // the lane of faults: beside each row its link, and what was done to it
    faulty() {
      const lane = this.lane('faults', '', 0);
      lane.head.append(html('span', 'sr', 'faults'));
      const list = html('ul');
      for (const row of this.data.faults) {
        const item = html('li');
        item.append(html('span', 'kinds', kinds(row)), html('span', 'link', short(row.name)));
        item.title = `${kinds(row)} on ${row.name}`;
        list.append(item);
      }
      lane.head.append(list);
    }

    legend(lane, data) {
      const list = html('ul', 'legend');
      data.curves.forEach((curve, index) => {
        curve.colour ??= 'c' + index;
        if (curve.hidden) return;
        const item = html('li', curve.colour);
        const name = html('span', 'name', short(curve.name));
        name.title = curve.name;
        curve.value = html('span', 'now');
        item.append(html('span', 'key'), name, curve.value);
        list.append(item);
      });
      lane.head.append(list);
    }

    list() {
      const box = html('div', 'events');
      const head = html('div', 'bar');
      head.append(html('span', 'title', 'log and events'));
      const kinds = { all: () => true, log: (kind) => kind === 'log' || kind === 'output',
        connections: (kind) => kind === 'open' || kind === 'close',
        others };
      this.wanted = kinds.all;
      const buttons = Object.keys(kinds).map((name) => {
        const made = html('button', '', name);
        made.type = 'button';
        made.setAttribute('aria-pressed', String(name === 'all'));
        made.addEventListener('click', () => {
          for (const other of buttons) other.setAttribute('aria-pressed', String(other === made));
          this.wanted = kinds[name];
          this.fill();
        });
        return made;
      });
      this.more = html('span', 'dim');
      head.append(...buttons, this.more);
      this.rows = html('ol', 'rows');
      this.rows.tabIndex = 0;
      this.rows.setAttribute('aria-label', 'log and events in the part that is shown');
      this.rows.addEventListener('pointerover', (event) => {
        const row = event.target.closest('li');
        if (row) this.point(Number(row.dataset.at), false);
      });
      this.rows.addEventListener('pointerleave', () => this.point(null, false));
      box.append(head, this.rows);
      return box;
    }

    listen() {
      const plot = this.plot;
      const time = (event) => this.timeAt(event.clientX - plot.getBoundingClientRect().left);
      plot.addEventListener('pointermove', (event) => {
        if (this.drag) { this.drag.to = time(event); this.selection(); }
        this.point(time(event), true);
      });
      plot.addEventListener('pointerleave', () => { if (!this.drag) this.point(null, true); });
      plot.addEventListener('pointerdown', (event) => {
        if (event.button !== 0 || !this.inside(event)) return;
        this.drag = { from: time(event), to: time(event), x: event.clientX };
        plot.setPointerCapture(event.pointerId);
      });
      const done = (event) => {
        const drag = this.drag;
        this.drag = null;
        this.selection();
        if (!drag || event.type === 'pointercancel') return;
        if (Math.abs(event.clientX - drag.x) > 4) this.show(Math.min(drag.from, drag.to), Math.max(drag.from, drag.to));
      };
      plot.addEventListener('pointerup', done);
      plot.addEventListener('pointercancel', done);
      plot.addEventListener('dblclick', () => this.show(0, this.end));
      plot.addEventListener('wheel', (event) => {
        const focused = document.activeElement === plot;
        const whole = this.from === 0 && this.to === this.end;
        if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
          if (whole) return;
          event.preventDefault();
          this.pan((event.deltaX || event.deltaY) / this.width * (this.to - this.from));
        } else if (event.ctrlKey || event.metaKey || (focused && !(whole && event.deltaY > 0))) {
          event.preventDefault();
          this.zoom(Math.exp(Math.max(-300, Math.min(300, event.deltaY)) / 400), time(event));
        }
      }, { passive: false });
      plot.addEventListener('keydown', (event) => this.key(event));
      plot.addEventListener('blur', () => this.point(null, true));
    }

    key(event) {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const view = this.to - this.from;
      const here = this.cursor ?? (this.from + view / 2);
      const step = view / (event.shiftKey ? 10 : 100);
      const move = (to) => {
        to = Math.max(0, Math.min(this.end, to));
        if (to < this.from) this.pan(to - this.from); else if (to > this.to) this.pan(to - this.to);
        this.point(to, true, true);
      };
      const keys = {
        ArrowLeft: () => move(here - step), ArrowRight: () => move(here + step),
        Home: () => move(0), End: () => move(this.end),
        PageUp: () => this.pan(-view / 2), PageDown: () => this.pan(view / 2),
        '+': () => this.zoom(0.5, here), '=': () => this.zoom(0.5, here), '-': () => this.zoom(2, here),
        0: () => this.show(0, this.end), Escape: () => this.show(0, this.end),
      };
      const act = keys[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    }

    // === the part that is shown ===

    get left() { return this.lanes[0].area.offsetLeft; }
    get width() { return Math.max(1, this.lanes[0].area.offsetWidth); }
    timeAt(x) {
      const t = this.from + (x - this.left) / this.width * (this.to - this.from);
      return Math.max(this.from, Math.min(this.to, t));
    }
    inside(event) {
      const x = event.clientX - this.plot.getBoundingClientRect().left;
      return x >= this.left && x <= this.left + this.width;
    }

    show(from, to) {
      // never so near that numbers cannot tell one time from the next
      const narrowest = Math.min(Math.max(NARROWEST, this.end * 1e-9), this.end);
      if (to - from < narrowest) { const middle = (from + to) / 2; from = middle - narrowest / 2; to = middle + narrowest / 2; }
      const view = Math.min(to - from, this.end);
      this.from = Math.max(0, Math.min(from, this.end - view));
      this.to = this.from + view;
      this.later();
    }
    zoom(factor, around = this.cursor ?? (this.from + this.to) / 2) {
      this.show(around - (around - this.from) * factor, around + (this.to - around) * factor);
    }
    pan(by) { this.show(this.from + by, this.to + by); }

    later() {
      this.figure.dataset.from = Math.round(this.from);
      this.figure.dataset.to = Math.round(this.to);
      this.due ??= requestAnimationFrame(() => { this.due = undefined; this.draw(); });
    }

    // === what is drawn again and again ===

    draw() {
      if (!this.plot.offsetWidth) return;
      this.figure.dataset.from = Math.round(this.from);
      this.figure.dataset.to = Math.round(this.to);
      // where there is room, names stand left of the lanes, else above them
      this.gutter = this.left > 50;
      const faults = this.lanes.find((lane) => lane.id === 'faults');
      if (this.data.faults.length) faults.area.style.minHeight = this.data.faults.length * (ROW + (this.gutter ? 0 : 12)) + 'px';
      this.x0 = this.left;
      this.w = this.width;
      const height = this.plot.offsetHeight;
      const whole = this.from === 0 && this.to === this.end;
      this.range.textContent = whole ? `all of ${span(this.end)}` : `${span(this.from)} to ${span(this.to)}`;
      this.out.disabled = this.reset.disabled = whole;
      this.svg.replaceChildren();
      this.svg.setAttribute('width', this.plot.offsetWidth);
      this.svg.setAttribute('height', height);
      this.patterns();
      const clip = 'clip-' + this.figure.dataset.number;
      const path = svg('clipPath', { id: clip });
      path.append(svg('rect', { x: this.x0, y: 0, width: this.w, height }));
      this.svg.append(path);
      const inner = svg('g', { 'clip-path': `url(#${clip})` });
      this.svg.append(inner);
      // what is a point in time may stand out at the ends
      const points = svg('g');
      this.shades(inner, height);
      for (const lane of this.lanes) {
        const y = lane.area.offsetTop;
        if (lane.id === 'faults') this.bands(inner, y);
        if (lane.data) this.curves(inner, lane, y);
        if (lane.density) this.bars(inner, lane, y);
        if (lane.told) this.happened(points, lane, y);
      }
      this.axis(inner, points, height);
      this.svg.append(points);
      this.cross = svg('g', { class: 'cross' });
      this.drawn = svg('rect', { class: 'selection', y: 0, height, width: 0 });
      this.svg.append(this.drawn, this.cross);
      this.fill();
      this.point(this.cursor, true);
    }

    // the crosshair, and what is told at that time; `null`: nowhere, and the end is told
    point(t, fromPlot, aloud = false) {
      this.cursor = t;
      const shown = t === null ? this.data.end : t;
      for (const lane of this.lanes) {
        if (lane.data) for (const curve of lane.data.curves) {
          if (!curve.hidden) curve.value.textContent = number(at(curve, shown)) +
            (lane.data.goal && lane.data.curves.length === 1 ? ' of ' + number(lane.data.goal) : '');
        }
        if (lane.density) {
          // of the bar that is under the crosshair
          const bar = lane.bins?.get(Math.floor((this.x(t) - this.x0) / lane.step)) ?? 0;
          lane.value.textContent = number(t === null ? lane.density.counts.reduce((sum, [, count]) => sum + count, 0) : bar);
        }
      }
      if (!this.cross) return;
      this.cross.replaceChildren();
      for (const row of this.rows.querySelectorAll('.here')) row.classList.remove('here');
      if (t === null) return;
      const x = this.x(t);
      if (x >= this.x0 - 1 && x <= this.x0 + this.w + 1) {
        const height = this.plot.offsetHeight;
        this.cross.append(svg('line', { x1: x, x2: x, y1: 0, y2: height }));
        for (const lane of this.lanes) if (lane.data && t <= this.data.end) for (const curve of lane.data.curves) {
          if (!curve.hidden) this.cross.append(svg('circle', { class: curve.colour, cx: x, cy: lane.y(at(curve, t)) - (curve.lift ?? 0), r: 3 }));
        }
        const { area } = this.lanes[0];
        const label = span(t);
        const room = label.length * 7 + 12;
        const left = Math.max(this.x0, Math.min(x - room / 2, this.x0 + this.w - room));
        const y = area.offsetTop + area.offsetHeight - 20;
        this.cross.append(svg('rect', { class: 'flag', x: left, y, width: room, height: 18, rx: 4 }),
          svg('text', { class: 'flag', x: left + room / 2, y: y + 13, 'text-anchor': 'middle' }, label));
      }
      const near = this.near(t);
      if (near) {
        near.classList.add('here');
        if (fromPlot) this.rows.scrollTop = near.offsetTop - this.rows.clientHeight / 2;
      }
      if (aloud) this.said.textContent = `at ${span(t)}: ` + this.told(t);
    }

    told(t) {
      const curves = this.lanes.filter((lane) => lane.data).flatMap((lane) => lane.data.curves.filter((curve) => !curve.hidden)
        .map((curve) => `${lane.data.title === curve.name ? '' : lane.data.title + ' '}${curve.name} ${number(at(curve, t))}`));
      const active = this.data.faults.flatMap((row) => row.bands.filter((band) => band.state !== 'planned' && band.from <= t && t < band.to)
        .map((band) => `${band.kind} on ${row.name}`));
      return [...active, ...curves].join(', ');
    }

    // the last listed event that is not after `t`
    near(t) {
      const place = last(this.listed ?? [], t);
      return place < 0 ? null : this.rows.children[place];
    }

    fill() {
      const events = this.data.events.filter(([t, kind]) => t >= this.from && t <= this.to && this.wanted(kind));
      const rows = events.slice(0, LISTED).map(([t, kind, text]) => {
        const row = html('li', 'is-' + kind.replace(' ', '-'));
        row.dataset.at = t;
        row.append(html('span', 'at', span(t)), html('span', 'kind', kind), html('span', 'text', text));
        return row;
      });
      this.listed = events.slice(0, LISTED).map(([t]) => t);
      if (!rows.length) rows.push(html('li', 'empty', 'nothing here'));
      this.rows.replaceChildren(...rows);
      this.more.textContent = events.length > LISTED ? `the first ${LISTED} of ${number(events.length)}: zoom in for more` : '';
    }
  }

  return (figure) => new Timeline(figure, JSON.parse(figure.querySelector('script[type="application/json"]').textContent));
})();
