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
