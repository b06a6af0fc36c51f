'use strict';
// Cases are opened by the table's links, by their own headings and by the address; a timeline is drawn when its case is
// opened first. The table is filtered by verdict and by words.
(() => {
  const drawn = new Map();
  function draw(section) {
    const figure = section.querySelector('figure.timeline');
    if (!figure || drawn.has(figure)) return;
    figure.dataset.number = drawn.size;
    drawn.set(figure, unstuck.timeline(figure));
  }

  function go() {
    const section = document.getElementById(location.hash.slice(1));
    if (!section?.matches('details.case')) return;
    section.open = true;
    section.scrollIntoView();
    section.querySelector('summary').focus({ preventScroll: true });
  }

  for (const section of document.querySelectorAll('details.case')) {
    section.addEventListener('toggle', () => { if (section.open) draw(section); });
    if (section.open) draw(section);
  }
  addEventListener('hashchange', go);
  // a link to where the address already points
  document.addEventListener('click', (event) => {
    if (event.target.closest('table.cases a')?.hash === location.hash) go();
  });
  go();

  const table = document.querySelector('table.cases');
  const search = document.querySelector('.filters input');
  const buttons = [...document.querySelectorAll('.filters button')];
  function filter() {
    const show = buttons.find((button) => button.getAttribute('aria-pressed') === 'true').dataset.show;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...table.tBodies[0].rows];
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(show === 'all' || row.dataset.verdict === show) || !words.every((word) => text.includes(word));
    }
    const left = rows.filter((row) => !row.hidden).length;
    document.querySelector('.filters .shown').textContent = left === rows.length ? '' : `${left} shown`;
  }
  for (const button of buttons) {
    button.addEventListener('click', () => {
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      filter();
    });
  }
  search?.addEventListener('input', filter);

  // paper has another width: what is open is drawn again for it
  addEventListener('beforeprint', () => {
    document.documentElement.classList.add('printing');
    for (const timeline of drawn.values()) timeline.draw();
  });
  addEventListener('afterprint', () => {
    document.documentElement.classList.remove('printing');
    for (const timeline of drawn.values()) timeline.draw();
  });
})();
