// What a command prints: JSON for programs, text for people, on the same standard output.

export interface Printer {
  readonly json: boolean
  /** Prints the value for programs, or the text for people. */
  print(value: unknown, text: () => string): void
}

export function makePrinter(
  json: boolean,
  write: (text: string) => void = (text) => void process.stdout.write(text),
): Printer {
  return {
    json,
    print(value, text) {
      const shown = json ? JSON.stringify(value) : text()
      write(shown.endsWith('\n') ? shown : `${shown}\n`)
    },
  }
}
