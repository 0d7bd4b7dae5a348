// Organizations in homes that Rowhouse made: the login of A's home is tried against B's, by every probe, at every door, and by
// what it has a privilege on. Takes place in worlds that were planted for the shared tables too.
import { Client } from 'pg'

import type { TwoWorlds } from '../../clone/clone-two-worlds.ts'
import type { OwnHomes } from '../../model/own-homes.ts'
import type { Finding } from '../../report/report.ts'
import type { GateFinding } from '../gate.ts'
import type { AttackOptions, AttackResult } from '../options.ts'
import { runAttacks } from '../run-attacks.ts'
import { arenaOfHomes } from './arena-of-homes.ts'
import { tryBorders } from './borders.ts'
import { tryDoors } from './doors.ts'
import { moveIn } from './move-in.ts'

/** The worlds are as they were when it ends. */
export async function attackHomes(worlds: TwoWorlds, homes: OwnHomes, options: AttackOptions): Promise<AttackResult> {
  const { undecided, moveOut } = await moveIn(worlds, homes)
  try {
    const around = await tryAround(worlds, homes)
    const inside = await runAttacks(arenaOfHomes(worlds, homes), { ...options, commits: false })
    return {
      findings: [...around.findings, ...inside.findings],
      coverage: { ...inside.coverage, cells: inside.coverage.cells + around.trials },
      undecided: [...undecided, ...around.undecided, ...inside.undecided],
    }
  } finally {
    if (!homes.alone) await moveOut()
  }
}

/** Doors and borders, which differ between no worlds: one is enough. */
export async function tryAround(
  { world1, signer }: TwoWorlds,
  homes: OwnHomes,
): Promise<{ findings: Finding[]; trials: number; undecided: readonly string[] }> {
  const admin = new Client({ connectionString: world1.adminUrl, application_name: 'rowhouse verify' })
  admin.on('error', () => undefined)
  await admin.connect()
  try {
    const borders = await tryBorders(admin, homes)
    const organizations = { a: world1.a.organizationId ?? '', b: world1.b.organizationId ?? '' }
    const doors =
      signer === null
        ? { findings: [], trials: 0, undecided: ['Without a key no door of a home can be tried.'] }
        : await tryDoors(admin, homes, signer, organizations)
    return {
      findings: [...borders.findings, ...doors.findings].map(asFinding),
      trials: borders.trials + doors.trials,
      undecided: doors.undecided,
    }
  } finally {
    await admin.end()
  }
}

const asFinding = ({ rule, object, seen, sql }: GateFinding): Finding => ({
  rule: rule.rule,
  code: rule.code,
  severity: rule.severity,
  object,
  message: `${rule.says} ${seen}`,
  fix: rule.fix,
  source: 'attack',
  evidence: sql,
})
