// A new migration file: its name as the Supabase CLI orders them, and a template that protects the table it makes. Touches
// no database.
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'
import { escapeIdentifier, escapeLiteral } from 'pg'

/** A table may have this name, so 63 bytes at most, and every file system takes it. */
const NAME = /^[a-z][a-z0-9_]{0,62}$/
const FILE = /^(?<version>\d{14})_(?<name>.+)\.sql$/

export interface NewMigration {
  readonly path: string
  /** `yyyyMMddHHmmss` in UTC; later than every other in the folder. */
  readonly version: string
  readonly name: string
  readonly table: string
}

/**
 * Writes `<yyyyMMddHHmmss>_<name>.sql` into `folder`, which is made where it is missing. `create_invoices` and `invoices`
 * make the table `invoices`.
 *
 * @throws RowhouseError invalid_option for a name that is none, one that the folder has already, and a folder that cannot
 *   be written; nothing is written then
 */
export async function newMigration(folder: string, name: string, now: Date): Promise<NewMigration> {
  if (!NAME.test(name)) {
    throw new RowhouseError('invalid_option', `'${name}' is no name for a migration.`, {
      hint: 'Lower case letters, digits and _, beginning with a letter, 63 at most: create_invoices',
    })
  }
  try {
    await mkdir(folder, { recursive: true })
    const files = (await readdir(folder)).flatMap((file) => {
      const groups = FILE.exec(file)?.groups
      return groups === undefined ? [] : [{ file, version: groups['version'] ?? '', name: groups['name'] }]
    })
    const same = files.find((file) => file.name === name)
    if (same !== undefined) {
      throw new RowhouseError('invalid_option', `There is a migration ${name} already: ${join(folder, same.file)}.`, {
        hint: 'Choose another name.',
      })
    }
    const version = versionAfter(
      files.map((file) => file.version),
      now,
    )
    const table = tableOf(name)
    const path = join(folder, `${version}_${name}.sql`)
    await writeFile(path, template(table), { flag: 'wx' })
    return { path, version, name, table }
  } catch (cause) {
    if (cause instanceof RowhouseError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RowhouseError('invalid_option', `The folder ${folder} cannot be written: ${reason}`, {
      cause,
      hint: 'Name another one with --dir.',
    })
  }
}

/** Two files of one second, or after one that was dated ahead, still run in the order in which they were made. */
function versionAfter(versions: readonly string[], now: Date): string {
  const newest = versions
    .filter((version) => versionOf(parse(version)) === version)
    .toSorted()
    .at(-1)
  const current = versionOf(now)
  if (newest === undefined || newest < current) return current
  return versionOf(new Date(parse(newest).getTime() + 1000))
}

const versionOf = (moment: Date): string =>
  Number.isNaN(moment.getTime()) ? '' : moment.toISOString().replaceAll(/\D/g, '').slice(0, 14)

function parse(version: string): Date {
  const [, year, month, day, hour, minute, second] = /^(....)(..)(..)(..)(..)(..)$/.exec(version) ?? []
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

const tableOf = (name: string): string =>
  /^(?:create_|add_)?(?<table>[a-z].*?)(?:_table)?$/.exec(name)?.groups?.['table'] ?? name

const template = (
  table: string,
): string => `-- No schema is named: the table comes into the first schema of search_path.
-- Where what runs your migrations opens the transaction itself, take begin and commit away.
begin;

create table ${escapeIdentifier(table)} (
  id uuid primary key default gen_random_uuid(),
  name text not null
);

-- In the same transaction, so that nobody sees the table unprotected.
select rowhouse.protect(${escapeLiteral(escapeIdentifier(table))}, '{"timestamps": true}');

commit;
`
