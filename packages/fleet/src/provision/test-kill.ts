// Has a process of its own begin something in a fleet, and be killed before a step of it.
import { execFile } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { TestDatabase } from '@rowhouse/testkit'

type Job = 'schema' | 'database' | 'keep retired'

/** `ended` tells the signal that it ended by; null where it came to its end. */
export function begin(
  { adminUrl, signingKey }: TestDatabase,
  job: Job,
  killedBefore = '',
): { readonly child: ChildProcess; readonly ended: Promise<string | null> } {
  const words = [join(import.meta.dirname, 'test-run.ts'), adminUrl, signingKey, killedBefore, job]
  const { promise: ended, resolve } = Promise.withResolvers<string | null>()
  const child = execFile(process.execPath, words, (error) =>
    resolve(error === null ? null : (error.signal ?? error.message)),
  )
  return { child, ended }
}

/** @returns the signal that it ended by; null where it came to its end */
export const killedAt = (database: TestDatabase, step: string, job: Job): Promise<string | null> =>
  begin(database, job, step).ended
