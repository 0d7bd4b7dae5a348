// Several homes of one database in one transaction. All of them or none: when one is refused, nothing has happened, and
// apply-alone.ts finds out which it was.
import type { ClientBase } from 'pg'
import type { Segment } from './segments.ts'
import { noteOf } from './home-text.ts'
import { beginHomes, beginText } from './session.ts'
import type { SessionLimits } from './session.ts'
import { statementsFor } from './statements.ts'

/** On a line of its own: a statement may end in a comment, which would swallow it. */
export const AFTER_STATEMENT = '\n;\n'

/** Of one message. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024

/** Homes whose statements fit one message; one of them always does. */
export function homesOfMessage({ migrations }: Segment): number {
  const texts = migrations.flatMap(({ statements }) => statements.map(({ text }) => text))
  return Math.max(1, Math.floor(MESSAGE_BYTES_MAX / Math.max(1, Buffer.byteLength(texts.join('')))))
}

export interface Together {
  /** Homes that did not have all of it; 0 when a killed run had come as far. */
  readonly changed: number
  readonly locks: number | null
}

/**
 * Applies a segment of transactional migrations to homes that stand at the same version.
 *
 * @throws DatabaseError after a rollback, whatever refused it
 */
export async function applyTogether(
  client: ClientBase,
  schemas: readonly string[],
  segment: Segment,
  {
    fence,
    limits,
    countLocks,
  }: {
    readonly fence: string
    readonly limits: SessionLimits
    readonly countLocks: (homes: number) => Promise<number> | null
  },
): Promise<Together> {
  await client.query(beginText(limits))
  try {
    const applied = await beginHomes(client, schemas, fence, segment.migrations[0]?.version)
    const open = new Set(schemas)
    for (const { schema_name: schema, version } of applied) if (version >= segment.version) open.delete(schema)
    const partly = applied.some(
      ({ schema_name: schema, version }) =>
        open.has(schema) && segment.migrations.some((migration) => migration.version === version),
    )
    if (partly) throw new PartlyApplied()
    let locks: number | null = null
    if (open.size > 0) {
      const statements = segment.migrations.flatMap((migration) => migration.statements)
      await client.query(statementsFor([...open], statements).join(AFTER_STATEMENT))
      locks = await countLocks(open.size)
      await client.query('select rowhouse.end_tenant_migrations($1, $2)', [
        [...open],
        JSON.stringify(segment.migrations.map(noteOf)),
      ])
    }
    await client.query('commit')
    return { changed: open.size, locks }
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

/** A home has some of the segment: they are looked at one by one. */
export class PartlyApplied extends Error {}
