// What a benchmark is. It measures and returns numbers; main.ts runs it, judges the aims and prints.
export type Aim = { readonly min: number } | { readonly max: number }

export interface BenchContext {
  /** Whether to end within 240 s; the aims stay the same. */
  readonly quick: boolean
  /** An administrator's login to a Postgres that the benchmark may do anything with. */
  readonly adminUrl: string
  /** Progress, for people. */
  readonly log: (line: string) => void
}

export interface Bench {
  readonly name: string
  readonly measures: string
  /** What must be reached, by key of the results. */
  readonly aims: Readonly<Record<string, Aim>>
  run(context: BenchContext): Promise<Record<string, number>>
}

export function meets(value: number | undefined, aim: Aim): boolean {
  if (value === undefined) return false
  return 'min' in aim ? value >= aim.min : value <= aim.max
}
