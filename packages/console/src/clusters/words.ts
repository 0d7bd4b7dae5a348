// What the state of a cluster is called.
import { errorCodes } from '@rowhouse/contracts'
import type { Cluster } from '@rowhouse/contracts'
import { isolationWords } from '../words/connection.ts'
import type { Tone } from '../words/connection.ts'
import { formatCount, plural } from '../words/numbers.ts'

export const statusWords: Record<Cluster['status'], { readonly word: string; readonly tone: Tone }> = {
  active: { word: 'Answers', tone: 'ok' },
  draining: { word: 'Draining', tone: 'off' },
  down: { word: 'Does not answer', tone: 'bad' },
}

/** A draining cluster can be out of reach too. */
export const stateOf = ({ status, checkError }: Pick<Cluster, 'status' | 'checkError'>): Cluster['status'] =>
  checkError === null ? status : 'down'

const known = (code: string): { readonly message: string; readonly hint: string } | null =>
  Object.hasOwn(errorCodes, code) ? errorCodes[code as keyof typeof errorCodes] : null

/** What a code means; itself where this console has not heard of it. */
export const sentenceOf = (code: string): string => known(code)?.message ?? code

/** A problem is kept as `code: message`, where it has a code. */
export function problemOf(checkError: string): {
  readonly message: string
  readonly hint: string | null
  readonly code: string | null
} {
  const [, code = '', message = ''] = /^([a-z_]+): (.+)$/s.exec(checkError) ?? []
  const found = known(code)
  return found === null ? { message: checkError, hint: null, code: null } : { message, hint: found.hint, code }
}

/** The page's sentence. */
export function headlineOf(clusters: readonly Cluster[]): string {
  const down = clusters.filter((cluster) => stateOf(cluster) === 'down').length
  if (down > 0)
    return clusters.length === 1
      ? 'The cluster does not answer.'
      : `${formatCount(down)} of ${formatCount(clusters.length)} clusters ${down === 1 ? 'does' : 'do'} not answer.`
  return clusters.length === 1 ? 'The cluster answers.' : `All ${formatCount(clusters.length)} clusters answer.`
}

/** What it takes, in a line: models, bounds, and the homes that are kept warm. */
export function takesWords({
  models,
  organizationsMax,
  schemasMax,
  databasesMax,
  spareSchemas,
  spareDatabases,
}: Cluster): string {
  const bounds = [
    organizationsMax === null ? null : plural(organizationsMax, 'organization'),
    schemasMax === null ? null : plural(schemasMax, 'schema'),
    databasesMax === null ? null : plural(databasesMax, 'database'),
  ].filter((bound) => bound !== null)
  const warm = [
    spareSchemas === 0 ? null : plural(spareSchemas, 'schema'),
    spareDatabases === 0 ? null : plural(spareDatabases, 'database'),
  ].filter((spare) => spare !== null)
  return [
    models.map((model) => isolationWords[model].word.toLowerCase()).join(', '),
    ...(bounds.length === 0 ? [] : [`at most ${bounds.join(', ')}`]),
    ...(warm.length === 0 ? [] : [`keeps ${warm.join(' and ')} warm`]),
  ].join(' · ')
}

/** `Postgres 18`. */
export const versionWords = (serverVersion: number | null): string =>
  serverVersion === null ? 'version not known' : `Postgres ${Math.floor(serverVersion / 10_000)}`
