// A statement that B prepared on the connection, run by A: its plan was made for B, and what it took for constant is B's. Poolers
// hand on connections with what is prepared there, and PL/pgSQL prepares whatever it runs.
import type { AttackContext } from '../arena.ts'
import type { Cell } from '../tally.ts'
import type { Probe } from './probe.ts'

/** @param read a SELECT of one relation, which B prepares and runs once */
export const keptPlan = (context: AttackContext, enterAsB: (world: 0 | 1) => readonly string[], read: Probe): Cell => ({
  context: {
    ...context,
    name: `${context.name}, by a plan of B’s`,
    before: (world) => [...enterAsB(world), `prepare kept as ${read.sql}; execute kept`],
  },
  probe: { ...read, name: 'plan that B left', sql: 'execute kept', leavesTraces: true },
})
