// What was tried and what came of it: findings by what they are about, the shortest statement of each, and what no probe
// could say anything of.
import type { Finding, NotCovered } from '../report/report.ts'
import type { AttackContext } from './arena.ts'
import type { Probe } from './probes/probe.ts'
import type { AttackRule } from './rules.ts'

export interface Cell {
  readonly context: AttackContext
  readonly probe: Probe
}

interface Group {
  readonly rule: AttackRule
  readonly object: string
  cell: Cell
  seen: string
  readonly probes: Set<string>
  readonly contexts: Set<string>
}

export class Tally {
  readonly limits = new Set<string>()
  readonly notCovered = new Map<string, NotCovered>()
  readonly objects = new Set<string>()
  readonly probeNames = new Set<string>()
  cells = 0
  readonly #groups = new Map<string, Group>()

  get found(): number {
    return this.#groups.size
  }

  get groups(): readonly Group[] {
    return [...this.#groups.values()]
  }

  tried({ context, probe }: Cell): void {
    this.cells += 1
    this.objects.add(probe.object)
    this.probeNames.add(`${probe.family}: ${probe.name.replace(/ (against|referring by|under) .*| \d+$/, '')}`)
    void context
  }

  add(rule: AttackRule, cell: Cell, seen: string): void {
    const key = `${rule.rule} ${cell.probe.object}`
    const group = this.#groups.get(key)
    if (group === undefined) {
      this.#groups.set(key, {
        rule,
        object: cell.probe.object,
        cell,
        seen,
        probes: new Set([cell.probe.name]),
        contexts: new Set([cell.context.name]),
      })
      return
    }
    group.probes.add(cell.probe.name)
    group.contexts.add(cell.context.name)
    // Shortest, and of equals the first by name: lanes finish in any order, and the report must not.
    const [one, other] = [cell, group.cell].map(
      ({ probe, context }) => [probe.sql.length, probe.sql, context.name] as const,
    ) as [readonly [number, string, string], readonly [number, string, string]]
    if (one[0] < other[0] || (one[0] === other[0] && `${one[1]}${one[2]}` < `${other[1]}${other[2]}`)) {
      group.cell = cell
      group.seen = seen
    }
  }

  leaveOut(object: string, probe: string, reason: string): void {
    this.notCovered.set(`${object}\n${probe}\n${reason}`, { object, probe, reason })
  }

  findings(evidence: ReadonlyMap<Group, string>): Finding[] {
    return this.groups
      .map((group) => {
        const { rule, object, seen, probes, contexts } = group
        return {
          rule: rule.rule,
          code: rule.code,
          severity: rule.severity,
          object,
          message: `${rule.says} ${seen}`.trim(),
          fix: rule.fix,
          source: 'attack' as const,
          evidence: evidence.get(group) ?? group.cell.probe.sql,
          details: {
            contexts: [...contexts].sort().join(', '),
            probes: [...probes].sort().slice(0, 12).join(', '),
            cells: probes.size,
          },
        }
      })
      .sort((one, other) => (`${one.rule} ${one.object}` < `${other.rule} ${other.object}` ? -1 : 1))
  }
}

/** What somebody pastes into psql, with tokens and keys cut short. */
export function reproduction({ context, probe }: Cell, sql: string): string {
  const short = (messages: readonly string[]): string[] =>
    messages.map((message) =>
      message.replaceAll(/'([^']{60})[^']*'/g, (_, start: string) => `'${start.slice(0, 20)}…'`),
    )
  const login = `set local session authorization ${context.login}`
  const before = context.before === undefined ? [] : ['begin', `${login} -- B`, ...short(context.before(0)), 'commit']
  return [...before, 'begin', `${login} -- ${context.name}`, ...short(context.enter(0)), sql, 'rollback']
    .map((line) => (line.includes(' -- ') ? line.replace(' -- ', '; -- ') : `${line};`))
    .join('\n')
    .concat(probe.leavesTraces === true ? '\ndiscard all;' : '')
}
