// uPlot makes a number format of the browser's language while it loads, and a browser started in the
// POSIX locale names one that Intl refuses (en-US@posix): the page would not load. Imported before it.

try {
  Intl.getCanonicalLocales(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en', configurable: true })
}
