// Runs before the first paint, so that a page never flashes in the other theme. A file of its own,
// because the content security policy allows no inline script.
;(function () {
  var chosen = null
  try {
    chosen = localStorage.getItem('rowhouse-theme')
  } catch {
    // Storage may be forbidden; the system's theme is used then.
  }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen
})()
