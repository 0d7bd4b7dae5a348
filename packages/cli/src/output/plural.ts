// Counts that agree with their nouns.

/** `1 record`, `1,200 records`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`
