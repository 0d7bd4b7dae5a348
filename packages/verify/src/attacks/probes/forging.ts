// Making B's context out of A's: the settings and claims that policies read, set by SQL; a seal that B's own
// transaction had; the door of the gateway, called again.
import type { AttackContext } from '../arena.ts'
import { literal } from '../quoting.ts'
import type { Probe } from './probe.ts'

/** A relation whose rows show whether the forgery worked. */
export interface Mark {
  readonly sql: string
  readonly object: string
}

/**
 * @param settings names that policies and functions read
 * @param stolen values that a transaction of B had, by name
 */
export function forgingProbes(
  context: AttackContext,
  settings: readonly string[],
  stolen: ReadonlyMap<string, string>,
  marks: readonly Mark[],
  b: string,
): Probe[] {
  const object = `context ${context.name}`
  const probes: Probe[] = []
  for (const { sql } of marks) {
    const look = `select * from ${sql} limit 500`
    for (const name of settings) {
      const values = new Set(
        [stolen.get(name), name.startsWith('request.') ? undefined : b].filter((value) => value !== undefined),
      )
      for (const value of values) {
        probes.push({
          name: `set ${name}`,
          family: 'forge',
          object,
          sql: `select set_config(${literal(name)}, ${literal(value)}, true); ${look}`,
          writes: false,
        })
      }
    }
    const all = [...stolen].filter(([name]) => settings.includes(name))
    if (all.length > 1) {
      probes.push({
        name: 'set all that B had',
        family: 'forge',
        object,
        sql: `${all.map(([name, value]) => `select set_config(${literal(name)}, ${literal(value)}, true)`).join('; ')}; ${look}`,
        writes: false,
      })
    }
    if (context.enterAsB !== undefined && context.madeBySql === true) {
      probes.push({
        name: 'enter as B',
        family: 'forge',
        object,
        sql: `${context.enterAsB(0).join('; ')}; ${look}`,
        writes: false,
      })
    }
  }
  return probes
}
