// Proof that organizations are apart, on anybody's Postgres. Reads the database under test, never writes to it.
export type {
  AcceptedFinding,
  Coverage,
  Finding,
  NotCovered,
  Outcome,
  Severity,
  VerifyReport,
} from './report/report.ts'
export { cloneTwoWorlds } from './clone/clone-two-worlds.ts'
export type { CloneOptions, PlantedTable, ScratchWorld, TwoWorlds } from './clone/clone-two-worlds.ts'
export type { Context, Identity } from './clone/model/contexts.ts'
export type { Ownership, TenantModel } from './clone/model/tenant-model.ts'
