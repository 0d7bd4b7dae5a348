// The keys of a development stack: made at the first start, kept in its folder, readable by its owner only.
// A key in the environment wins, so that a stack on a Postgres of the user's own can share that one's keys.
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'

export interface StackKeys {
  readonly signingKey: string
  readonly encryptionKey: string
  readonly operatorKey: string
}

const LENGTH_MIN = 32

const sources = [
  { key: 'signingKey', variable: 'ROWHOUSE_SIGNING_KEY', tooShort: 'signing_key_too_short' },
  { key: 'encryptionKey', variable: 'ROWHOUSE_ENCRYPTION_KEY', tooShort: 'encryption_key_too_short' },
  { key: 'operatorKey', variable: 'ROWHOUSE_OPERATOR_KEY', tooShort: 'operator_key_too_short' },
] as const

/** Refuses a key in the environment that is too short; touches nothing. Throws `*_key_too_short`. */
export function checkKeys(environment: NodeJS.ProcessEnv): void {
  for (const { variable, tooShort } of sources) {
    const value = environment[variable]
    if (value !== undefined && value.length < LENGTH_MIN)
      throw new RowhouseError(tooShort, `${variable} has ${value.length} characters; it needs at least ${LENGTH_MIN}.`)
  }
}

/** Reads the keys of the folder, making those that are missing. Throws what `checkKeys` throws. */
export async function openKeys(folder: string, environment: NodeJS.ProcessEnv): Promise<StackKeys> {
  checkKeys(environment)
  const file = join(folder, 'keys.json')
  const kept = await readKept(file)
  const made = Object.fromEntries(
    sources.map(({ key }) => [key, kept[key] ?? randomBytes(32).toString('base64url')]),
  ) as unknown as StackKeys
  if (sources.some(({ key }) => kept[key] === undefined))
    await writeFile(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 })
  const given = Object.fromEntries(
    sources.flatMap(({ key, variable }) => (environment[variable] === undefined ? [] : [[key, environment[variable]]])),
  )
  return { ...made, ...given }
}

async function readKept(file: string): Promise<Partial<StackKeys>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
  try {
    return JSON.parse(text) as Partial<StackKeys>
  } catch (cause) {
    throw new RowhouseError('invalid_option', `${file} is not JSON.`, {
      cause,
      hint: 'Restore it: without its keys the data in this folder cannot be read. Or start anew with another --data.',
    })
  }
}
