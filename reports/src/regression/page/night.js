'use strict';
// The filter over the table of all cases: by every word of it, in any order.
(() => {
  const field = document.querySelector('.filter input');
  const nothing = document.querySelector('.nothing');
  const bodies = [...document.querySelectorAll('.cells tbody')].map((body) => ({
    body,
    file: body.querySelector('.file').textContent.toLowerCase(),
    rows: [...body.querySelectorAll('tr[id]')].map((row) => ({ row, name: row.cells[0].textContent.toLowerCase() })),
  }));
  field.addEventListener('input', () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let any = false;
    for (const { body, file, rows } of bodies) {
      let left = false;
      for (const { row, name } of rows) {
        const shown = words.every((word) => name.includes(word) || file.includes(word));
        row.hidden = !shown;
        left ||= shown;
      }
      body.hidden = !left;
      any ||= left;
    }
    nothing.hidden = any;
  });
})();
