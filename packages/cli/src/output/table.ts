// Aligned columns for people. Cells are plain text; the last column is never padded.

/** One line per row below a line of headings; '' for no rows. */
export function renderTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd((widths[column] as number) + 2)))
      .join('')
  return `${[headings.map((heading) => heading.toUpperCase()), ...rows].map(line).join('\n')}\n`
}
