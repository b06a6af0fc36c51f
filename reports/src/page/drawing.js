'use strict';
// What a timeline draws: faults, curves, events and the axis, for the part of the run that is shown. Text of the record becomes
// text nodes, never markup. Times are in milliseconds since the client's start.
globalThis.unstuck = (() => {
  const SVG = 'http://www.w3.org/2000/svg';

  const svg = (name, attributes = {}, text) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const html = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const number = (value) => value.toLocaleString('en-US');

  // 250ms, 12.5s, 1m30s, 7h1m: as in a scenario file
  function span(ms) {
    ms = Math.round(ms);
    if (ms < 1000) return ms + 'ms';
    if (ms < 60000) return (Math.floor(ms / 100) / 10) + 's';
    const h = Math.floor(ms / 3600000), m = Math.floor(ms / 60000) % 60, s = Math.floor(ms / 1000) % 60;
    return (h ? h + 'h' : '') + (m ? m + 'm' : '') + (s ? s + 's' : '');
  }
  const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5,
    36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 6048e5];
  const tickStep = (ms, count) => STEPS.find((step) => ms / step <= count) ?? STEPS.at(-1) * Math.ceil(ms / count / STEPS.at(-1));

  // the place of the last of `times` that is not after `t`; -1: none
  function last(times, t) {
    let low = 0, high = times.length;
    while (low < high) { const middle = (low + high) >> 1; if (times[middle] <= t) low = middle + 1; else high = middle; }
    return low - 1;
  }
  const at = (curve, t) => { const place = last(curve.times, t); return place < 0 ? 0 : curve.v[place]; };

  // `tikv-2` of `lightning->tikv-2`
  const short = (link) => link.includes('->') ? link.slice(link.indexOf('->') + 2) : link;
  const kinds = (row) => [...new Set(row.bands.map((band) => band.kind))].join(', ');
  const others = (kind) => !['log', 'output', 'open', 'close'].includes(kind);

  const ROW = 22; // the height of a row of faults, and of a lane with nothing in it

  // `figure`, `data`, `lanes`: see timeline.js. `from`, `to`: what is shown; `end`: where the axis ends. `x0`, `w`: where it lies.
  class Drawing {
    x(t) { return this.x0 + (t - this.from) / (this.to - this.from) * this.w; }

    // the place of a stretch of time, cut off a little outside of what is shown; nothing if none of it is
    stretch(from, to, least) {
      if (to < this.from || from > this.to) return null;
      const x = Math.max(this.x0 - 20, this.x(from));
      return { x, width: Math.max(least, Math.min(this.x0 + this.w + 20, this.x(to)) - x) };
    }

    line(className, y) {
      return svg('line', { class: className, x1: this.x0, x2: this.x0 + this.w, y1: y, y2: y });
    }

    patterns() {
      const hatch = (id, angle) => {
        const pattern = svg('pattern', { id: id + this.figure.dataset.number, width: 6, height: 6,
          patternUnits: 'userSpaceOnUse', patternTransform: `rotate(${angle})` });
        pattern.append(svg('line', { x1: 0, y1: 0, x2: 0, y2: 6, class: id }));
        return pattern;
      };
      const definitions = svg('defs');
      definitions.append(hatch('hatch', 45), hatch('after', 135));
      this.svg.append(definitions);
    }

    // faults that were injected lie behind everything
    shades(inner, height) {
      const seen = new Set();
      for (const row of this.data.faults) for (const band of row.bands) {
        if (band.state === 'planned' || seen.has(band.fault)) continue;
        seen.add(band.fault);
        const place = this.stretch(band.from, Math.min(band.to, this.data.end), 1);
        if (place) inner.append(svg('rect', { class: 'shade', ...place, y: 0, height }));
      }
      const after = this.end > this.data.end && this.stretch(this.data.end, this.end, 0);
      if (after) inner.append(svg('rect', { class: 'nothing', ...after, y: 0, height, fill: `url(#after${this.figure.dataset.number})` }));
    }

    bands(inner, y) {
      const gutter = this.gutter;
      const high = gutter ? ROW : ROW + 12;
      this.data.faults.forEach((row, index) => {
        const top = y + 2 + index * high + (high - ROW);
        for (const band of row.bands) {
          const stretch = this.stretch(band.from, band.to, 3);
          if (!stretch) continue;
          const place = { ...stretch, y: top, height: ROW - 5, rx: 3 };
          const rect = svg('rect', { class: 'band ' + band.state, ...place, 'data-fault': band.fault,
            'data-from': band.from, 'data-to': band.to, 'data-link': row.name });
          rect.append(svg('title', {}, `${band.kind} on ${row.name}, ${span(band.from)} to ${span(band.to)}: ${band.effect}`));
          inner.append(rect);
          if (band.state === 'touched') inner.append(svg('rect', { class: 'texture', ...place, fill: `url(#hatch${this.figure.dataset.number})` }));
          const start = Math.max(this.x0, place.x);
          if (gutter && Math.min(this.x0 + this.w, place.x + place.width) - start > band.kind.length * 6.6 + 14) {
            inner.append(svg('text', { class: 'label ' + band.state, x: start + 7, y: top + 12.5 }, band.kind));
          }
        }
        if (!gutter) inner.append(svg('text', { class: 'label', x: this.x0 + 4, y: top - 3 }, `${kinds(row)} · ${short(row.name)}`));
      });
    }

    curves(inner, lane, y) {
      const { data } = lane;
      const height = lane.area.offsetHeight;
      const [top, bottom] = [y + 11, y + height - 3];
      const highest = Math.max(data.goal ?? 0, data.top, 1);
      const yOf = (value) => bottom - value / highest * (bottom - top);
      lane.y = yOf;
      inner.append(this.line('base', bottom + .5));
      inner.append(this.line('grid', top));
      if (data.goal) inner.append(this.line('goal', yOf(data.goal)));
      const group = svg('g', { class: 'curves ' + data.id });
      inner.append(group);
      for (const curve of data.curves) {
        if (curve.hidden) continue;
        if (data.id === 'progress') group.append(svg('path', { class: 'fill ' + curve.colour, d: this.path(curve, yOf, bottom) }));
        group.append(svg('path', { class: 'curve ' + curve.colour, d: this.path(curve, yOf), 'data-curve': curve.name }));
      }
      inner.append(svg('text', { class: 'scale', x: this.x0 + 4, y: top + 9 },
        number(highest) + (data.unit ? ' ' + data.unit : '')));
    }

    // the steps of a curve in the part that is shown; closed down to `floor` if that is given
    path(curve, yOf, floor) {
      const stop = Math.min(this.to, this.data.end);
      const first = Math.max(0, last(curve.times, this.from));
      let d = '';
      const lift = curve.lift ?? 0;
      const go = (command, x, y) => { d += command + x.toFixed(1) + ' ' + (y - lift).toFixed(1); };
      let value = at(curve, this.from);
      const start = this.x(Math.max(this.from, 0));
      go('M', start, floor ?? yOf(value));
      if (floor !== undefined) go('L', start, yOf(value));
      for (let place = first; place < curve.v.length && curve.times[place] <= stop; place++) {
        if (curve.times[place] < this.from) continue;
        const x = this.x(curve.times[place]);
        go('L', x, yOf(value));
        value = curve.v[place];
        go('L', x, yOf(value));
      }
      if (stop >= this.from) go('L', this.x(stop), yOf(value));
      if (floor !== undefined) go('L', this.x(stop), floor);
      return d;
    }

    happened(points, lane, y) {
      for (const [t, kind, text] of lane.told) {
        if (t < this.from || t > this.to) continue;
        const dot = svg('circle', { class: 'event is-' + kind.replace(' ', '-'), cx: this.x(t), cy: y + ROW / 2, r: 4, 'data-at': t });
        dot.append(svg('title', {}, `${span(t)}: ${text}`));
        points.append(dot);
      }
    }

    // how often in each few pixels
    bars(inner, lane, y) {
      const { density } = lane;
      const height = lane.area.offsetHeight;
      const step = Math.max(3, density.spans / (this.to - this.from) * this.w);
      const bins = new Map();
      for (const [place, count] of density.counts) {
        const x = this.x(place * density.spans);
        if (x < this.x0 - step || x > this.x0 + this.w) continue;
        const bin = Math.floor((x - this.x0) / step);
        bins.set(bin, (bins.get(bin) ?? 0) + count);
      }
      [lane.bins, lane.step] = [bins, step];
      const most = Math.max(1, ...bins.values());
      const bottom = y + height - 3;
      for (const [bin, count] of bins) {
        // a single line must be seen beside a thousand
        const tall = 3 + (height - 9) * Math.log1p(count) / Math.log1p(most);
        inner.append(svg('rect', { class: 'bar', x: this.x0 + bin * step, y: bottom - tall, width: Math.max(2, step - 1), height: tall }));
      }
      inner.append(this.line('base', bottom + .5));
    }

    axis(inner, points, height) {
      const { area } = this.lanes[0];
      const bottom = area.offsetTop + area.offsetHeight;
      const step = tickStep(this.to - this.from, Math.max(2, this.w / 84));
      for (let t = Math.ceil(this.from / step) * step; t <= this.to; t += step) {
        const x = this.x(t);
        inner.append(svg('line', { class: 'tick', x1: x, x2: x, y1: bottom - 4, y2: bottom }));
        const edge = x < this.x0 + 20 ? 'start' : x > this.x0 + this.w - 26 ? 'end' : 'middle';
        inner.append(svg('text', { class: 'time', x: edge === 'middle' ? x : x + (edge === 'start' ? 2 : -2), y: bottom - 8,
          'text-anchor': edge }, t === 0 ? '0' : span(t)));
      }
      inner.append(this.line('base', bottom + .5));
      const marks = [
        [this.data.baseline, 'without faults', 'baseline'], [this.data.budget, 'budget', 'budget'],
        [this.data.ended, 'client ended', 'ended'], [this.data.ended === null ? this.data.end : null, 'end of the run', 'ended'],
      ].filter(([t]) => t !== null && t <= this.end).sort((a, b) => a[0] - b[0]);
      const taken = [];
      // a label where none is yet, in one of two rows
      const label = (text, name, x) => {
        const room = text.length * 6.3 + 8;
        const right = x + room < this.x0 + this.w;
        const [from, to] = right ? [x, x + room] : [x - room, x];
        const row = [0, 1].find((row) => !taken.some((other) => other.row === row && from < other.to && to > other.from));
        if (row === undefined) return;
        taken.push({ row, from, to });
        inner.append(svg('text', { class: 'mark ' + name, x: right ? x + 4 : x - 4, y: area.offsetTop + 10 + row * 12,
          'text-anchor': right ? 'start' : 'end' }, text));
      };
      for (const [t, word, name] of marks) {
        const x = this.x(t);
        if (t < this.from || t > this.to) continue;
        inner.append(svg('line', { class: 'mark ' + name, x1: x, x2: x, y1: area.offsetTop + 2, y2: height, 'data-mark': name, 'data-at': t }));
        label(this.w < 500 ? word : `${word} ${span(t)}`, name, x);
      }
      if (this.data.budget > this.end) label(`budget ${span(this.data.budget)} →`, 'beyond', this.x0 + this.w);
      for (const t of this.data.dumps) {
        if (t < this.from || t > this.to) continue;
        const x = this.x(t);
        const dump = svg('path', { class: 'dump', d: `M${x} ${bottom - 3.5}l3.5 3.5-3.5 3.5-3.5-3.5z`, 'data-at': t });
        dump.append(svg('title', {}, `task dump at ${span(t)}`));
        points.append(dump);
      }
    }

    selection() {
      const drag = this.drag;
      const [from, to] = drag ? [this.x(Math.min(drag.from, drag.to)), this.x(Math.max(drag.from, drag.to))] : [0, 0];
      this.drawn.setAttribute('x', from);
      this.drawn.setAttribute('width', to - from);
    }
  }

  return { svg, html, number, span, last, at, short, kinds, others, ROW, Drawing };
})();
