'use strict';
// The theme, kept for the next page where the browser lets a file keep anything; and the buttons that copy.
(() => {
  const root = document.documentElement;
  const kept = { get() { try { return localStorage.getItem('unstuck-theme'); } catch { return null; } },
                 set(theme) { try { localStorage.setItem('unstuck-theme', theme); } catch { /* then for this page */ } } };
  const theme = kept.get();
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;

  function turn() {
    const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    root.dataset.theme = (root.dataset.theme || system) === 'dark' ? 'light' : 'dark';
    kept.set(root.dataset.theme);
  }

  async function copy(button) {
    const code = button.parentElement.querySelector('code');
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    let done = false;
    try { await navigator.clipboard.writeText(code.textContent); done = true; }
    catch { done = document.execCommand('copy'); }
    button.textContent = done ? 'copied' : 'selected';
    setTimeout(() => { button.textContent = 'copy'; }, 1500);
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button?.classList.contains('theme')) turn();
    if (button?.classList.contains('copy')) copy(button);
  });
})();
