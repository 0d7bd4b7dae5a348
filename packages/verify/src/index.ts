// Proof that organizations are apart, on anybody's Postgres. Reads the database under test, never writes to it.
export { isRunnable } from './findings/fix.ts'
export { rules } from './findings/rules.ts'
export type { Rule } from './findings/rules.ts'
export { parseBaseline, writeBaseline } from './report/baseline.ts'
export type { Baseline } from './report/baseline.ts'
export { renderHtml } from './report/html.ts'
export { renderJunit } from './report/junit.ts'
export { classNames, matrixOf } from './report/matrix.ts'
export { verdictOf } from './report/outcome.ts'
export type {
  AcceptedFinding,
  Coverage,
  Finding,
  NotCovered,
  Outcome,
  Part,
  Severity,
  VerifyReport,
} from './report/report.ts'
export { arenaOfClone } from './attacks/arena-of-clone.ts'
export { attackDatabase } from './attacks/attack-database.ts'
export type { AttackDatabaseOptions } from './attacks/attack-database.ts'
export type { Arena, AttackContext } from './attacks/arena.ts'
export type { AttackOptions, AttackProgress, AttackResult, TriedProbe } from './attacks/options.ts'
export { runAttacks } from './attacks/run-attacks.ts'
export { expectIsolated } from './expect-isolated.ts'
export type { ExpectIsolatedOptions } from './expect-isolated.ts'
export { cloneTwoWorlds } from './clone/clone-two-worlds.ts'
export type { CloneOptions, PlantedTable, ScratchWorld, TwoWorlds } from './clone/clone-two-worlds.ts'
export type { ScratchServer } from './clone/scratch.ts'
export type { Context, Identity } from './clone/contexts/contexts.ts'
export type { Ownership, Ownerships } from './clone/plant/ownership.ts'
export type { Model, ModelOptions } from './model/model.ts'
export { judgeChange } from './homes/judge-change.ts'
export { judgeHomes } from './homes/judge-homes.ts'
export type { JudgedHome, JudgeHomesOptions } from './homes/judge-homes.ts'
export { renderSarif } from './report/sarif.ts'
export { renderText } from './report/text.ts'
export { verifyDatabase } from './verify-database.ts'
export type { VerifyDatabaseOptions } from './verify-database.ts'
export { verify } from './verify.ts'
export type { VerifyOptions } from './verify.ts'
