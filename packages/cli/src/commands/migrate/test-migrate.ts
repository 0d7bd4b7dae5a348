// `rowhouse migrate …` for tests, in a folder of migrations: processes of their own, which can be killed, and runs to the end.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropHomes, withClient } from '@rowhouse/testkit'
import type { TestDatabase } from '@rowhouse/testkit'
import { afterEach, beforeEach, expect } from 'vitest'

import { main, runHere } from '../test-command.ts'
import type { Ended } from '../test-command.ts'

/** One that may have been killed: it has no code then. */
export interface Exited extends Omit<Ended, 'code'> {
  readonly code: number | null
}

export interface Migrations {
  /** Of the migrations, empty at first. */
  readonly folder: () => string
  readonly write: (file: string, sql: string) => void
  readonly remove: (file: string) => void
  readonly start: (words: readonly string[]) => {
    readonly child: ChildProcess
    readonly ended: Promise<Exited>
    readonly said: () => string
  }
  /** Runs it to its end, in this process. */
  readonly rowhouse: (...words: string[]) => Promise<Ended>
  readonly admin: <Row extends object>(sql: string, values?: unknown[]) => Promise<Row[]>
  /** Until a session of a rollout waits for a lock. */
  readonly untilWaiting: () => Promise<void>
}

/** A folder for each test; processes and homes are gone after it. */
export function useMigrations(database: () => TestDatabase): Migrations {
  const started: ChildProcess[] = []
  let folder = ''
  const admin: Migrations['admin'] = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    withClient(database().adminUrl, async (client) => (await client.query<Row>(sql, values)).rows)
  const environment = (): Record<string, string> => ({
    ROWHOUSE_URL: database().adminUrl,
    ROWHOUSE_SIGNING_KEY: database().signingKey,
  })
  const start: Migrations['start'] = (words) => {
    const child = spawn(process.execPath, [main, 'migrate', ...words], {
      cwd: folder,
      env: { ...process.env, ...environment() },
    })
    started.push(child)
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
    const ended = new Promise<Exited>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
    return { child, ended, said: () => stderr }
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rowhouse-rollout-'))
  })
  afterEach(async () => {
    for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
    await dropHomes(database())
    await admin('drop table if exists public.contacts, public.calls cascade')
  })

  return {
    folder: () => folder,
    write: (file, sql) => writeFileSync(join(folder, file), sql),
    remove: (file) => rmSync(join(folder, file)),
    start,
    rowhouse: (...words) => runHere(['migrate', ...words], { env: environment(), cwd: folder }),
    admin,
    untilWaiting: async () => {
      await expect
        .poll(
          async () =>
            (
              await admin<{ waiting: number }>(
                `select count(*)::int as waiting from pg_stat_activity
                 where application_name = 'rowhouse migrate' and datname = current_database() and wait_event_type = 'Lock'`,
              )
            )[0]?.waiting,
          { timeout: 120_000 },
        )
        .toBe(1)
    },
  }
}
