// Has a process of its own begin something in a fleet, and be killed before a step of it.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { TestDatabase } from '@rowhouse/testkit'

/** @returns the signal that it ended by; null where it came to its end */
export const killedAt = (
  { adminUrl, signingKey }: TestDatabase,
  step: string,
  job: 'schema' | 'database' | 'keep retired',
): Promise<string | null> =>
  new Promise((resolve) => {
    const words = [join(import.meta.dirname, 'test-run.ts'), adminUrl, signingKey, step, job]
    execFile(process.execPath, words, (error) => resolve(error === null ? null : (error.signal ?? error.message)))
  })
